"""Small made-up audiences, and the plainest model of a platform: a set of keys. Written without the code that it judges."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from guestlist.destinations import destination_class
from guestlist.model.capabilities import Capabilities, Limits, MatchKey
from guestlist.model.plan import Counts
from guestlist.model.vocabulary import MULTI_VALUED, Field, Mode
from guestlist.pipeline.audience import complete
from guestlist.pipeline.plan import Comparison, Wish
from guestlist.pipeline.spans import Span

TODAY = date(2026, 3, 1)
Person = Mapping[str, Any]
"""Field -> a tuple of values (email, phone, mobile id) or one value or None."""
People = Mapping[str, Person]
"""Member -> person."""


def capabilities_of(platform: str, **options: object) -> Capabilities:
    cls = destination_class(platform)
    return cls.capabilities_for(cls.Options(**options))


IDS = Capabilities(
    platform="ids",
    title="Ids",
    modes=tuple(Mode),
    keys=(MatchKey(Field.EXTERNAL_ID, "external_id.v1", "ID"), MatchKey(Field.EMAIL, "email.lower.v1", "EMAIL")),
    limits=Limits(rows_per_batch=3, identifiers_per_row=2, identifiers_per_batch=4),
    docs="https://example.com/docs",
)
"""A platform on which a single-valued field identifies a person."""

GOOGLE, META = capabilities_of("google_ads"), capabilities_of("meta")
FIELDS: Mapping[str, tuple[Field, ...]] = {
    "google_ads": (Field.EMAIL, Field.PHONE, Field.FIRST_NAME, Field.LAST_NAME, Field.COUNTRY, Field.POSTAL_CODE),
    "meta": (Field.EMAIL, Field.FIRST_NAME, Field.LAST_NAME, Field.CITY, Field.MOBILE_AD_ID, Field.EXTERNAL_ID),
    "ids": (Field.EXTERNAL_ID, Field.EMAIL),
}
PLATFORMS = (GOOGLE, META, IDS)


def member_id(number: int) -> str:
    return f"{number * 7919:032x}"


def value_strategy(name: Field) -> st.SearchStrategy[Any]:
    values = [f"{name.value}-{letter}" for letter in "abc"]
    if name in MULTI_VALUED:
        return st.lists(st.sampled_from(values), unique=True, max_size=3).map(tuple)
    return st.none() | st.sampled_from(values[:2])


def people(capabilities: Capabilities, *, most: int = 3) -> st.SearchStrategy[dict[str, Person]]:
    """A few members who share few values: collisions are what is looked for."""
    person = st.fixed_dictionaries({name.value: value_strategy(name) for name in FIELDS[capabilities.platform]})
    return st.dictionaries(st.integers(0, most - 1).map(member_id), person, max_size=most)


def schema(capabilities: Capabilities) -> dict[str, Any]:
    kinds = {name.value: pl.List(pl.String) if name in MULTI_VALUED else pl.String for name in FIELDS[capabilities.platform]}
    return {"member": pl.String, **kinds}


def frame_of(people: People, capabilities: Capabilities) -> pl.LazyFrame:
    """The wanted members as planning takes them."""
    rows = [
        {"member": member, **{name: list(value) if isinstance(value, tuple) else value for name, value in person.items()}}
        for member, person in people.items()
    ]
    return complete(pl.DataFrame(rows, schema=schema(capabilities)).lazy(), capabilities.composites)


def keys_of(person: Person, capabilities: Capabilities) -> frozenset[tuple[str, ...]]:
    """What identifies a person, or the person of a wire row, on a platform."""
    found: set[tuple[str, ...]] = set()
    for name in capabilities.singles:
        value = person.get(name.value)
        values = value if isinstance(value, tuple | list) else [value]
        found |= {(name.value, one) for one in values if one is not None}
    for composite in capabilities.composites:
        if all(person.get(part.value) for part in composite.required) and not (composite.only_alone and found):
            found.add((composite.name, *(str(person.get(part.value) or "") for part in composite.parts)))
    return frozenset(found)


def as_sent(person: Person, capabilities: Capabilities) -> Person:
    """Without the parts of a composite that lacks a required one."""
    parts = {
        part.value
        for composite in capabilities.composites
        if not composite.only_alone and not all(person.get(part.value) for part in composite.required)
        for part in composite.parts
    }
    return {name: None if name in parts else value for name, value in person.items()}


def wanted_keys(people: People, capabilities: Capabilities) -> set[tuple[str, ...]]:
    return {key for person in people.values() for key in keys_of(person, capabilities)}


def usable(people: People, capabilities: Capabilities) -> dict[str, Person]:
    return {member: as_sent(person, capabilities) for member, person in people.items() if keys_of(person, capabilities)}


@dataclass
class Platform:
    """Holds keys; does to them what a request's rows say."""

    capabilities: Capabilities
    keys: set[tuple[str, ...]] = field(default_factory=set)

    def take(self, operation: str, rows: Sequence[Person], applied: Sequence[bool]) -> None:
        for row, really in zip(rows, applied, strict=True):
            if really and operation == "add":
                self.keys |= keys_of(row, self.capabilities)
            elif really:
                self.keys -= keys_of(row, self.capabilities)


def empty_held(capabilities: Capabilities) -> pl.DataFrame:
    return pl.DataFrame(schema={**schema(capabilities), "added_on": pl.Date, "unsure": pl.Boolean})


def held_people(held: pl.DataFrame) -> dict[str, frozenset[tuple[str, ...]]]:
    """Members as plain comparable data; fails where a member has several rows."""
    found: dict[str, frozenset[tuple[str, ...]]] = {}
    for row in held.drop("added_on", "unsure").iter_rows(named=True):
        member = row.pop("member")
        assert member not in found, "a member is held twice"
        found[member] = plain(row)
    return found


def plain(person: Person) -> frozenset[tuple[str, ...]]:
    return frozenset(
        (name, *(value if isinstance(value, tuple | list) else [value])) for name, value in person.items() if value
    )


@dataclass(frozen=True)
class Change:
    """What a comparison gives, all in one piece."""

    additions: pl.DataFrame
    removals: pl.DataFrame
    gone: pl.DataFrame
    counts: Counts


def compare(wanted: pl.LazyFrame, held: pl.LazyFrame, capabilities: Capabilities, wish: Wish) -> Change:
    """Compare all members at once, and again span by span: that must make no difference."""
    whole = _compare((Span(),), wanted, held, capabilities, wish)
    members = sorted({*wanted.collect()["member"], *held.collect()["member"]})
    bounds = [None, *members[1 :: max(2, len(members) // 4)], None]
    spans = [Span(low, high) for low, high in itertools.pairwise(bounds)]
    several = _compare(spans, wanted, held, capabilities, wish)
    for name in ("additions", "removals", "gone"):
        assert_frame_equal(getattr(several, name), getattr(whole, name))
    assert several.counts == whole.counts
    return whole


def _compare(spans: Sequence[Span], wanted: pl.LazyFrame, held: pl.LazyFrame, capabilities: Capabilities, wish: Wish) -> Change:
    comparison = Comparison(wanted, held, capabilities, wish)
    additions = pl.concat(comparison.additions(spans))
    if wish.mode is Mode.SNAPSHOT and comparison.changes_nothing:
        additions = additions.clear()
    return Change(additions, comparison.removals(), comparison.gone, comparison.counts)
