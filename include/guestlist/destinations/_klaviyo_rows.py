"""Rows as Klaviyo's profiles: their fields, one profile for each identifier, and back from what an import error shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Self

from guestlist.destinations._reading import table, word
from guestlist.model.capabilities import MatchKey
from guestlist.model.conversation import Json
from guestlist.model.vocabulary import Field

if TYPE_CHECKING:
    import polars as pl

IDENTIFIERS = {
    "email": MatchKey(Field.EMAIL, "email.plain.v1", "email", plain=True),
    "phone": MatchKey(Field.PHONE, "phone.klaviyo.v1", "phone_number", plain=True),
    "external_id": MatchKey(Field.EXTERNAL_ID, "external_id.v1", "external_id", plain=True),
}
PROFILE_FIELDS = tuple(
    MatchKey(field, "text.plain.v1", wire, plain=True, identifies=False)
    for field, wire in (
        (Field.FIRST_NAME, "first_name"),
        (Field.LAST_NAME, "last_name"),
        (Field.CITY, "location.city"),
        (Field.STATE, "location.region"),
        (Field.POSTAL_CODE, "location.zip"),
        (Field.COUNTRY, "location.country"),
    )
)
"""They are written onto the profile, and find nobody."""
PROFILE_BYTES = 100_000
REQUEST_BYTES = 4_900_000
"""A request may have 5 MB; the rest is for what surrounds its profiles."""


class Profile(NamedTuple):
    """A profile of an import, its size in bytes, and the rows that it stands for."""

    body: dict[str, Json]
    size: int
    rows: list[int]

    @classmethod
    def of(cls, body: dict[str, Json], rows: list[int]) -> Self:
        """Measure it as it will be written, or a little longer."""
        return cls(body, len(json.dumps(body, ensure_ascii=False).encode()) + 1, rows)

    @classmethod
    def leaving(cls, profile_id: str, name: str) -> Self:
        """One that is known by its id and loses a property."""
        return cls.of({"type": "profile", "id": profile_id, "attributes": {"properties": {name: False}}}, [0])


def profiles_of(rows: pl.DataFrame, wires: Mapping[str, str], key: str, properties: Mapping[str, bool]) -> list[Profile]:
    """One profile an identifier; of rows with the same one the last counts, for Klaviyo forbids duplicates in a request.

    ``wires`` are Klaviyo's names of the columns, such as ``location.city``; what is null is left out, and stays as it is.
    """
    found: dict[object, tuple[dict[str, Json], list[int]]] = {}
    for place, row in enumerate(rows.select(list(wires)).iter_rows(named=True)):
        body = {"type": "profile", "attributes": _attributes(row, wires, properties)}
        _, places = found.get(row[key], (None, []))
        found[row[key]] = (body, [*places, place])
    return [Profile.of(body, places) for body, places in found.values()]


def _attributes(row: Mapping[str, Json], wires: Mapping[str, str], properties: Mapping[str, bool]) -> dict[str, Json]:
    attributes: dict[str, Json] = {}
    for column, wire in wires.items():
        if row[column] is not None:
            outer, _, inner = wire.rpartition(".")
            (attributes.setdefault(outer, {}) if outer else attributes)[inner] = row[column]
    return attributes | ({"properties": dict(properties)} if properties else {})


def value_sent(payload: Json, wire: str) -> str:
    """The identifier in an import error's copy of a profile, whose shape Klaviyo leaves open; "" where it is not found."""
    outer = table(payload)
    places = (outer, table(outer.get("attributes")), table(table(outer.get("data")).get("attributes")))
    return next(filter(None, (word(place.get(wire)) for place in places)), "")
