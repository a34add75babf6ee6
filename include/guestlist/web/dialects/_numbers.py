"""Ids that are numbers, as some APIs have them: the first 52 bits of an audience's own, which any JSON reader can hold."""

from __future__ import annotations

from fastapi import HTTPException

from guestlist.runtime.ledger import Ledger

_ID, _DIGITS, _LONGEST = "aud_", 13, 16


def number_of(audience_id: str) -> int:
    """The number of an audience."""
    return int(audience_id.removeprefix(_ID)[:_DIGITS], 16)


def audience_id_of(ledger: Ledger, number: str) -> str:
    """The audience of a number; 404 if there is none."""
    there = number.isascii() and number.isdigit() and len(number) <= _LONGEST
    found = ledger.pushed_audience_beginning(f"{_ID}{int(number):0{_DIGITS}x}") if there else None
    if found is None:
        raise HTTPException(404, "there is no such audience")
    return str(found.id)
