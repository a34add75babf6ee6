"""What is read from Klaviyo: pages, lists by name or id, and the ids of profiles by their identifiers.

Contract: https://developers.klaviyo.com/en/docs/filtering_
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qs, quote, urlsplit

from guestlist.destinations._reading import inside, listed, text
from guestlist.model.conversation import Call, Conversation, Json
from guestlist.model.errors import ProtocolError

LISTS_PAGE, PROFILES_PAGE = 10, 100
_VALUES_PER_FILTER, _FILTER_BYTES = 100, 6000
"""Klaviyo documents neither; the second keeps addresses below the 8 KB that servers commonly take."""


def lists(field: str, value: str) -> Conversation[list[dict[str, Json]]]:
    """The lists whose ``id`` or ``name`` is this."""
    query = {"filter": f"equals({field},{_quoted(value)})", "page[size]": LISTS_PAGE}
    return (yield from pages("/api/lists", query))


def profile_ids(wire: str, values: Sequence[str]) -> Conversation[list[str]]:
    """Klaviyo's ids of the profiles with these identifiers, each looked up once; nothing else of them comes back."""
    found: dict[str, None] = {}
    for chunk in _lookups(values):
        wanted = f"any({wire},[{','.join(map(_quoted, chunk))}])"
        query = {"filter": wanted, "fields[profile]": "created", "page[size]": PROFILES_PAGE}
        profiles = yield from pages("/api/profiles", query, rows=len(chunk))
        found |= {text(profile, "id"): None for profile in profiles}
    return list(found)


def pages(path: str, query: Mapping[str, Json], rows: int = 0) -> Conversation[list[dict[str, Json]]]:
    """All pages. Only the cursor of a next address is used: the key goes to no address that an answer names.

    Raises (in the conversation):
        ProtocolError: a page cannot be read, or the pages have no end.
    """
    found: list[dict[str, Json]] = []
    cursors = [""]
    while True:
        page = {**query, "page[cursor]": cursors[-1]} if cursors[-1] else query
        reply = yield Call("http", "GET", path, query=page, rows=rows)
        found += listed(reply.body, "data", required=True)
        if (cursor := _cursor(reply.body)) is None:
            return found
        if cursor in cursors:
            raise ProtocolError("Klaviyo's pages go round in a circle")
        cursors.append(cursor)


def pieces(ids: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    """Ids in pieces of at most so many."""
    for start in range(0, len(ids), most):
        yield ids[start : start + most]


def _quoted(value: str) -> str:
    """A string in a filter, with quotes and backslashes escaped, as the vendor's own client writes it."""
    return json.dumps(value, ensure_ascii=False)


def _cursor(body: Json) -> str | None:
    """Where the next page begins; None after the last one."""
    if inside(body, "links").get("next") is None:
        return None
    try:
        found = parse_qs(urlsplit(text(inside(body, "links"), "next")).query).get("page[cursor]")
    except ValueError:
        found = None
    if not found:
        raise ProtocolError("Klaviyo's address of the next page has no cursor")
    return found[0]


def _lookups(values: Sequence[str]) -> Iterator[list[str]]:
    """Values in pieces that fit into the address of a request."""
    chunk: list[str] = []
    room = _FILTER_BYTES
    for value in values:
        cost = len(quote(_quoted(value))) + len("%2C")
        if chunk and (cost > room or len(chunk) == _VALUES_PER_FILTER):
            yield chunk
            chunk, room = [], _FILTER_BYTES
        chunk.append(value)
        room -= cost
    if chunk:
        yield chunk
