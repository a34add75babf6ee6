"""Klaviyo's lists: what a new one may say, and how one is shown.

https://developers.klaviyo.com/en/reference/lists_api_overview
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guestlist.sandbox._klaviyo_errors import refused
from guestlist.sandbox._klaviyo_requests import document, resource
from guestlist.sandbox.core import Audience, Book, Records, Request, iso

_OPT_IN = ("single_opt_in", "double_opt_in")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def create(book: Book, records: Records, name: str, opt_in: str) -> Audience:
    """Open a list, under an id of six letters."""
    number, letters = records.next_number(len(_LETTERS) ** 5), ""
    while number:
        number, place = divmod(number, len(_LETTERS))
        letters = _LETTERS[place] + letters
    return book.create(letters, "sandbox", name, kind="list", opt_in_process=opt_in)


def opt_in(given: object) -> str:
    """One of the two processes."""
    if given not in _OPT_IN:
        raise refused("invalid", "Invalid opt_in_process.", pointer="/data/attributes/opt_in_process")
    return str(given)


def attributes(request: Request, known: Sequence[str]) -> dict[str, Any]:
    """The attributes of a list in a request; it needs a name."""
    found = document(request, "list").get("attributes")
    if not isinstance(found, dict) or not isinstance(found.get("name"), str) or not found["name"]:
        raise refused("invalid", "'name' is a required field for the resource 'list'.", pointer="/data/attributes/name")
    if unknown := sorted(set(found) - set(known)):
        raise refused("invalid", "Unknown field for the resource 'list'.", pointer=f"/data/attributes/{unknown[0]}")
    return found


def view(audience: Audience, address: str) -> dict[str, Any]:
    """A list as Klaviyo shows it."""
    told = {
        "name": audience.name,
        "created": iso(audience.created),
        "updated": iso(audience.created),
        "opt_in_process": audience.data["opt_in_process"],
    }
    return resource("list", audience.id, told, address)
