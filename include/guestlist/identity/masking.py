"""How a value may be shown: enough to recognise one's own test row, never the whole of it, however short it is."""

from __future__ import annotations

import re

from guestlist.model.vocabulary import Field

NOTHING = "-"
_HIDDEN = "***"
_SHOWN_DIGITS = 8
_PHONE_ENDS = 2
_TOP_LEVEL = re.compile(r"[A-Za-z]{2,6}")
_HASH = re.compile(r"[0-9a-fA-F]{64}")


def masked(value: str | None, field: Field | None = None) -> str:
    """A raw value of a field, masked; other columns keep their first character."""
    text = "".join(letter for letter in value or "" if letter.isprintable()).strip()
    if not text:
        return NOTHING if not value else "(blank)"
    if _HASH.fullmatch(text):
        return shortened(text)
    if field is Field.EMAIL and "@" in text:
        return _email(text)
    if field is Field.PHONE:
        return _phone(text)
    return _first(text)


def shortened(digest: str) -> str:
    """The beginning of a hash."""
    return f"{digest[:_SHOWN_DIGITS]}…"


def _first(text: str) -> str:
    """The first character; of a single one nothing."""
    return f"{text[0]}{_HIDDEN}" if len(text) > 1 else _HIDDEN


def _email(text: str) -> str:
    local, domain = text.rsplit("@", 1)
    name, _, ending = domain.rpartition(".")
    if not name or not _TOP_LEVEL.fullmatch(ending):
        return f"{_first(local)}@{_first(domain)}"
    return f"{_first(local)}@{_first(name)}.{ending}"


def _phone(text: str) -> str:
    """Two characters at each end, of a number that is long enough to hide behind the rest."""
    return f"{text[:_PHONE_ENDS]}…{text[-_PHONE_ENDS:]}" if len(text) > 4 * _PHONE_ENDS else _HIDDEN
