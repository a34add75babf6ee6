"""Klaviyo's profiles: the rules for one in a request, and those that the sandbox keeps, by digests of their identifiers only.

https://developers.klaviyo.com/en/reference/bulk_import_profiles
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from guestlist.sandbox._klaviyo_errors import error
from guestlist.sandbox.core import Audience, Json, Platform, digest

KINDS = {"email": "email", "phone_number": "phone", "external_id": "external_id"}
"""Klaviyo's names of what identifies a profile, and the kinds of key in the books."""
_TEXTS = ("first_name", "last_name", "organization", "locale", "title", "image", "_kx")
_PLACES = ("address1", "address2", "city", "country", "region", "zip", "timezone", "ip", "latitude", "longitude")
_PATCHES = ("append", "unappend", "unset")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]+")
_PHONE = re.compile(r"\+[1-9]\d{6,14}")


@dataclass(slots=True)
class Profile:
    """What a request says of a profile, without anything that could name a person."""

    id: str | None
    keys: dict[str, str]
    """Klaviyo's name of an identifier -> digest."""
    memberships: dict[str, bool] = field(default_factory=dict)
    """Boolean properties; False, too, for those that are unset."""

    def as_json(self) -> Json:
        """For the staging area."""
        return [self.id, self.keys, self.memberships]


Place = tuple[str, str]
"""Of a profile in a list: kind and digest of the key by which it is there."""


class Inside(NamedTuple):
    """Some of the profiles in a list, and where those before and after them begin."""

    ids: list[str]
    before: Place | None
    after: Place | None


def read_profile(data: Json, pointer: str, most_bytes: int) -> tuple[Profile | None, list[dict[str, Json]]]:
    """A profile that obeys the rules, or what is wrong with it."""
    attributes = data.get("attributes") if isinstance(data, dict) else None
    if not isinstance(data, dict) or data.get("type") != "profile" or not isinstance(attributes, dict):
        return None, [error("invalid", "A resource of type 'profile' with attributes is required.", pointer=pointer)]
    problems = [
        error("invalid", detail, pointer=f"{pointer}/attributes/{name}") for name, detail in _attribute_problems(attributes)
    ]
    if not _is_meta(data.get("meta")):
        problems.append(error("invalid", "Invalid meta.", pointer=f"{pointer}/meta"))
    if len(json.dumps(data, ensure_ascii=False).encode()) > most_bytes:
        problems.append(error("invalid", "The profile is too large.", pointer=pointer))
    given = {name: value for name in KINDS if isinstance(value := attributes.get(name), str)}
    known = data.get("id")
    if not given and not known and not attributes.get("_kx"):
        problems.append(error("invalid", "One of email, phone_number, external_id or id is required.", pointer=pointer))
    if problems:
        return None, problems
    return Profile(known, {name: digest(value) for name, value in given.items()}, _memberships(data)), []


def _memberships(data: Mapping[str, Any]) -> dict[str, bool]:
    """Boolean properties of a profile; one that is unset is no longer true."""
    unset = ((data.get("meta") or {}).get("patch_properties") or {}).get("unset") or []
    properties = data["attributes"].get("properties") or {}
    gone = dict.fromkeys([unset] if isinstance(unset, str) else unset, False)
    return gone | {name: value for name, value in properties.items() if isinstance(value, bool)}


def _attribute_problems(attributes: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for name, value in attributes.items():
        if name not in (*KINDS, *_TEXTS, "location", "properties"):
            yield name, f"'{name}' is not a valid field for the resource 'profile'."
        elif value is not None and (wrong := _problem(name, value)):
            yield name, wrong


def _problem(name: str, value: Any) -> str:
    match name:
        case "email":
            good = isinstance(value, str) and _EMAIL.fullmatch(value) is not None
        case "phone_number":
            good = isinstance(value, str) and _PHONE.fullmatch(value) is not None
        case "external_id":
            good = isinstance(value, str) and 0 < len(value) <= 255
        case "location":
            good = isinstance(value, dict) and set(value) <= set(_PLACES)
        case "properties":
            good = isinstance(value, dict) and not any(key.startswith("$") for key in value)
        case _:
            good = isinstance(value, str)
    return "" if good else f"Invalid {name}."


def _is_meta(meta: Any) -> bool:
    if meta is None:
        return True
    patches = meta.get("patch_properties") if isinstance(meta, dict) else ""
    if patches is None:
        return True
    unset = patches.get("unset") if isinstance(patches, dict) else 0
    good = unset is None or isinstance(unset, str) or (isinstance(unset, list) and all(isinstance(it, str) for it in unset))
    return good and isinstance(patches, dict) and set(patches) <= set(_PATCHES)


# Both begin with the members, which are few where a list is short, and are there in the order of pages.
_KNOWN = """
    FROM members AS m CROSS JOIN records AS known ON known.door = ?1 AND known.id = m.value
        AND known.kind = CASE m.kind WHEN 'phone' THEN 'phone_number' ELSE m.kind END
    WHERE m.audience = ?2 AND (m.lapses IS NULL OR m.lapses > ?3)
"""
_PAGE = f"""
SELECT m.kind, m.value, known.data ->> '$' AS profile {_KNOWN} AND (m.kind, m.value) {{0}} (?4, ?5) AND NOT EXISTS (
    SELECT 1 FROM records AS whole, json_each(whole.data) AS other CROSS JOIN members AS earlier ON earlier.audience = ?2
        AND earlier.kind = CASE other.key WHEN 'phone_number' THEN 'phone' ELSE other.key END AND earlier.value = other.value
    WHERE whole.door = ?1 AND whole.kind = 'profile' AND whole.id = known.data ->> '$' AND earlier.kind < m.kind)
ORDER BY m.kind {{1}}, m.value {{1}} LIMIT ?6
"""
"""A profile stands where the first of its keys does."""
_FORWARDS, _BACKWARDS = _PAGE.format(">=", "ASC"), _PAGE.format("<", "DESC")
_COUNT = f"SELECT count(DISTINCT known.data) {_KNOWN}"
START = ("", "")


class Profiles:
    """All profiles of the account."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._records = platform.records
        self._book = platform.book

    def get(self, profile_id: str) -> dict[str, str] | None:
        """The identifiers of a profile, as digests."""
        found: dict[str, str] | None = self._records.get("profile", profile_id)
        return found

    def find(self, name: str, value: str) -> str | None:
        """The id of the profile with this identifier; ``value`` is a digest."""
        found: str | None = self._records.get(name, value)
        return found

    def all(self) -> list[str]:
        """The ids of all profiles."""
        return [profile_id for profile_id, _ in self._records.all("profile")]

    def matching(self, profile: Profile) -> list[str]:
        """The ids of the profiles that its id and identifiers belong to."""
        found = {self.find(name, value): None for name, value in profile.keys.items()}
        if profile.id and self.get(profile.id) is not None:
            found[profile.id] = None
        return [profile_id for profile_id in found if profile_id]

    def upsert(self, profile: Profile) -> str | None:
        """Make or change the profile that is meant; None where its identifiers belong to several, or its id to none.

        Where one identifier finds a profile, the others are written onto it: it is known by them from now on.
        """
        known = self.matching(profile)
        if len(known) > 1 or (profile.id and profile.id not in known):
            return None
        profile_id = known[0] if known else f"01SANDBOX{self._records.next_number(1):017d}"
        before = self.get(profile_id) or {}
        after = before | profile.keys
        if before != after:
            self._rename(profile_id, before, after)
        return profile_id

    def _rename(self, profile_id: str, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        """Keep the identifiers of a profile; wherever it is on a list, it is known there by the new ones."""
        for name, value in before.items():
            self._records.drop(name, value)
        for name, value in after.items():
            self._records.put(name, value, profile_id)
        self._records.put("profile", profile_id, after)
        old, new = _keys_of(before), _keys_of(after)
        for audience in self._book.all() if old else ():
            held = self._book.keys(audience)
            if any(value in held.get(kind, ()) for kind, value in old):
                self._book.remove(audience, old)
                self._book.add(audience, new)

    def put_in(self, audience: Audience, profile_ids: Iterable[str]) -> None:
        """Add profiles to a list, or to those who have a property."""
        self._book.add(audience, self._keys(profile_ids))

    def take_out(self, audience: Audience, profile_ids: Iterable[str]) -> None:
        """Remove profiles; who is not in it is no matter."""
        self._book.remove(audience, self._keys(profile_ids))

    def inside(self, audience: Audience, start: Place, most: int) -> Inside:
        """At most so many of the profiles in a list, from a place on; no others are looked at."""
        found = self._rows(_FORWARDS, audience, *start, most + 1)
        before = self._rows(_BACKWARDS, audience, *start, most)
        following: Place | None = found[most][:2] if len(found) > most else None
        return Inside([profile_id for _, _, profile_id in found[:most]], before[-1][:2] if before else None, following)

    def count_inside(self, audience: Audience) -> int:
        """How many profiles are in a list."""
        return int(self._rows(_COUNT, audience)[0][0])

    def _rows(self, sql: str, audience: Audience, *more: object) -> list[Any]:
        platform = self._platform
        return platform.world.store.rows(sql, platform.name, audience.row, platform.clock.now(), *more)

    def _keys(self, profile_ids: Iterable[str]) -> list[tuple[str, str]]:
        return [key for profile_id in profile_ids for key in _keys_of(self.get(profile_id) or {})]


def _keys_of(identifiers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Keys for the books."""
    return [(KINDS[name], value) for name, value in identifiers.items()]
