"""Pages of Klaviyo's collections, and the cursors that lead from one to the next.

https://developers.klaviyo.com/en/docs/pagination
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from guestlist.sandbox._klaviyo_errors import refused
from guestlist.sandbox.core import Json, Refused, Request


def page(items: Sequence[Json], request: Request, address: str, *, default: int, most: int) -> dict[str, Json]:
    """One page of a collection that is short enough to be there as a whole; its cursors count."""
    size = page_size(request, default=default, most=most)
    try:
        start = int(cursor_of(request, 0))
    except (ValueError, TypeError):
        raise bad_cursor() from None
    end = start + size
    before, after = max(start - size, 0) if start else None, end if end < len(items) else None
    return {"data": list(items[start:end]), "links": links(request, address, before, after)}


def page_size(request: Request, *, default: int, most: int) -> int:
    """How many are asked for."""
    size = request.query.get("page[size]", str(default))
    if not (size.isascii() and size.isdigit() and 1 <= int(size) <= most):
        raise refused("invalid", f"Page size must be an integer between 1 and {most}.", parameter="page[size]")
    return int(size)


def cursor_of(request: Request, start: Json) -> Json:
    """Where the page begins; ``start`` where nothing is said."""
    if (cursor := request.query.get("page[cursor]")) is None:
        return start
    try:
        return json.loads(base64.urlsafe_b64decode(cursor))["next"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise bad_cursor() from None


def bad_cursor() -> Refused:
    """A cursor that no link has had."""
    return refused("invalid", "Invalid page cursor.", parameter="page[cursor]")


def links(request: Request, address: str, before: Json, after: Json) -> dict[str, Json]:
    """This page's own address and those of its neighbours, by where they begin; None where there are none."""
    found = {
        name: place if place is None else _with_cursor(address, request, place)
        for name, place in (("prev", before), ("next", after))
    }
    return {"self": _address(address, request.query), **found}


def _with_cursor(address: str, request: Request, place: Json) -> str:
    cursor = base64.urlsafe_b64encode(json.dumps({"next": place}).encode()).decode()
    return _address(address, {**request.query, "page[cursor]": cursor})


def _address(address: str, query: Mapping[str, str]) -> str:
    return f"{address}?{urlencode(query)}" if query else address
