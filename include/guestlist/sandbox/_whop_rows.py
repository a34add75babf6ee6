"""The rows of a CSV as Whop reads them: its columns by the mapping, what is usable, and what is known of a person."""

from __future__ import annotations

import csv
import re
from collections.abc import Container, Mapping
from io import StringIO
from typing import NamedTuple

from guestlist.sandbox.core import Json, digest

FIELDS = ("email", "phone", "first_name", "last_name", "country", "ltv")
_KINDS = ("email", "phone")
_FORMS = {
    "email": re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+"),
    "phone": re.compile(r"\+?[\d ().-]{4,24}"),
    "country": re.compile(r"[A-Z]{2}"),
    "ltv": re.compile(r"[^\d-]*\d+(\.\d+)?[^\d-]*"),
}


class Rows(NamedTuple):
    """How many rows a file has, which keys those that are usable hold (digests), and how many are not usable."""

    total: int
    keys: list[tuple[str, str, float | None]]
    lost: int


def read_rows(content: bytes, mapping: Json, refuse: Container[int]) -> Rows:
    """The rows, none where the file cannot be read or lacks a column of the mapping; ``refuse`` are taken for unusable."""
    try:
        reader = csv.DictReader(StringIO(content.decode("utf-8"), newline=""), strict=True)
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error):
        return Rows(0, [], 0)
    if not set(mapping.values()) <= set(reader.fieldnames or ()):
        return Rows(0, [], 0)
    keys: list[tuple[str, str, float | None]] = []
    lost = 0
    for index, row in enumerate(rows):
        person = {field: (row[str(header)] or "").strip() for field, header in mapping.items()}
        if index in refuse or not _usable(person):
            lost += 1
            continue
        worth = float(re.sub(r"[^\d.]", "", person["ltv"])) if person.get("ltv") else None
        keys += [(kind, digest(person[kind]), worth) for kind in _KINDS if person.get(kind)]
    return Rows(len(rows), keys, lost)


def _usable(person: Mapping[str, str]) -> bool:
    """It has an email or a phone number, and nothing in it is of the wrong form."""
    if not any(person.get(kind) for kind in _KINDS):
        return False
    return all(form.fullmatch(person[field]) for field, form in _FORMS.items() if person.get(field))
