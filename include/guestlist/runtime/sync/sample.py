"""A masked sample of whom a plan moves: groups by what is known of people, so large that nobody in them can be recognised.

Raw values are gone when a plan is made, and a hash, even its beginning, tells somebody who has an address whether it is among
them. So a sample holds neither: docs/decisions/0011 tells why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from guestlist.model.capabilities import Capabilities
from guestlist.model.plan import Plan
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import MULTI_VALUED, Field, Mode
from guestlist.pipeline.audience import MEMBER
from guestlist.runtime.layout import gone_file, members_folder
from guestlist.runtime.sync.held import RECORDED
from guestlist.runtime.wiring import Workspace

SMALLEST_GROUP = 5
_GROUPS = 6
_OTHERS = "others, in small groups"


@dataclass(frozen=True)
class Group:
    """People whom the plan moves the same way, of whom the same is known; ``country`` only where the platform has it plain."""

    movement: str
    known_by: str
    country: str
    people: int


@dataclass(frozen=True)
class Sample:
    """The largest groups, and how many of the changed members differ in a field, where they are many enough to tell."""

    groups: tuple[Group, ...] = ()
    changed: dict[str, int] = field(default_factory=dict)


def sample_of(workspace: Workspace, segment: Segment, plan: Plan) -> Sample:
    """Sample a plan from its files in the lake."""
    lake, capabilities = workspace.lake, workspace.capabilities(segment)[plan.label]
    sealed = workspace.ledger.generation(plan.segment, plan.label)
    held = lake.scan(sealed.path).unique(subset=MEMBER, keep="first") if sealed else None
    groups: list[Group] = []
    changed: dict[str, int] = {}
    if held is not None and plan.mode not in (Mode.APPEND, Mode.REMOVE):
        leaving = held.join(lake.scan(gone_file(plan.path)).select(MEMBER), on=MEMBER, how="semi")
        groups += _groups(leaving, "leave", capabilities)
    if plan.upload(recorded := RECORDED[plan.mode]) is not None:
        sent = lake.scan(members_folder(plan.path, recorded))
        new = sent.join(held.select(MEMBER), on=MEMBER, how="anti") if held is not None else sent
        groups += _groups(new, "are taken off" if plan.mode is Mode.REMOVE else "join", capabilities)
        changed = _changed(sent, held, plan) if held is not None else {}
    return Sample(tuple(groups), changed)


def _groups(members: pl.LazyFrame, movement: str, capabilities: Capabilities) -> Iterator[Group]:
    schema = members.collect_schema()
    names = set(schema.names())
    kinds = [(str(kind), _has(kind)) for kind in capabilities.singles if kind.value in names]
    for composite in capabilities.composites:
        if all(part.value in names for part in composite.required):
            kinds.append((composite.name, pl.all_horizontal(_has(part) for part in composite.required)))
    known = pl.concat_str([pl.when(has).then(pl.lit(kind)) for kind, has in kinds], separator=" + ", ignore_nulls=True)
    plain = any(key.field is Field.COUNTRY and key.plain for key in capabilities.keys) and Field.COUNTRY.value in names
    country = pl.col(Field.COUNTRY.value).fill_null("") if plain else pl.lit("")
    counted = members.group_by(known.alias("known"), country.alias("country")).agg(pl.len().alias("people"))
    found = counted.collect(engine="streaming").sort("people", "known", "country", descending=[True, False, False])
    shown = found.filter(pl.col("people") >= SMALLEST_GROUP).head(_GROUPS)
    yield from (Group(movement, *row) for row in shown.iter_rows())
    if others := int(found["people"].sum()) - int(shown["people"].sum()):
        yield Group(movement, _OTHERS, "", others)


def _has(kind: Field) -> pl.Expr:
    column = pl.col(kind.value)
    return (column.list.len() > 0).fill_null(value=False) if kind in MULTI_VALUED else column.is_not_null()


def _changed(sent: pl.LazyFrame, held: pl.LazyFrame, plan: Plan) -> dict[str, int]:
    """In which fields members who are sent again differ from what is held of them."""
    there = set(held.collect_schema().names()) & set(sent.collect_schema().names())
    names = [kind.value for kind in plan.fields if kind.value in there]
    both = sent.join(held, on=MEMBER, how="inner", suffix="_held")
    differ = [_text(name).ne_missing(_text(name, f"{name}_held")).sum().alias(name) for name in names]
    counts = both.select(differ).collect(engine="streaming").row(0, named=True) if names else {}
    return {name: count for name, count in counts.items() if count >= SMALLEST_GROUP}


def _text(name: str, column: str = "") -> pl.Expr:
    values = pl.col(column or name)
    return values.list.sort().list.join(" ") if name in MULTI_VALUED else values
