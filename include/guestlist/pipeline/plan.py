"""Members held + members wanted -> who is removed, added and renewed; and whether the guards let that pass.

The rules are those of docs/promises.md, "Planning". All comparisons are made on what the platform is sent, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from guestlist.model.delivery import MULTI_VALUED, Capabilities, Composite, Field, Mode
from guestlist.model.plan import Breach, Counts, Drops
from guestlist.model.segment import Guards
from guestlist.pipeline.audience import KEYS, MEMBER, composite_key, signature, with_keys

ADDED_ON = "added_on"
UNSURE = "unsure"
"""A held row that may or may not be on the platform: it is removed as if it were, and added as if it were not."""
_SIGNATURE = "signature"
_HELD_SIGNATURE = "held_signature"
_ONE_FORM = "one_form"
_ROW = "row"
_RENEWAL_SPREAD_DAYS = 30


@dataclass(frozen=True)
class Change:
    """What a plan does: member rows to remove (only the keys that may go) and to add (whole)."""

    removals: pl.DataFrame
    additions: pl.DataFrame
    gone: pl.DataFrame
    """``member`` of those who are held and not wanted any more, with or without keys of their own."""
    counts: Counts


@dataclass(frozen=True)
class Wish:
    """How the segment wants its audience kept, and what today is."""

    mode: Mode
    today: date
    full_resend: bool = False
    renew_within_days: int = 7


def compare(wanted: pl.LazyFrame, held: pl.LazyFrame, capabilities: Capabilities, wish: Wish) -> Change:
    """Plan one audience.

    Args:
        wanted: ``member`` and the platform's fields (see `audience.complete`), and ``value`` where it is sent.
        held: the same columns, ``added_on`` (Date) and ``unsure`` (Boolean); a member may have several rows.
        capabilities: of the platform.
        wish: mode, day and options.
    """
    fields = [name for name in wanted.collect_schema().names() if name != MEMBER]
    keyed = with_keys(wanted, capabilities)
    usable = keyed.filter(pl.col(KEYS).list.len() > 0).with_columns(signature(fields).alias(_SIGNATURE))
    held_keyed = with_keys(held, capabilities).with_columns(signature(fields).alias(_HELD_SIGNATURE))
    states = _states(usable, held_keyed, capabilities, wish)
    counts = _counts(states, keyed)
    if wish.mode is Mode.SNAPSHOT and states.get_column("state").is_in(["kept"]).all():
        states = states.clear()  # built whole or not at all: nothing to build where nothing has changed
    to_add, to_remove = _movements(wish.mode)
    columns = [MEMBER, *fields]
    additions = usable.join(states.lazy().filter(to_add).select(MEMBER), on=MEMBER, how="semi").select(columns)
    leaving = held_keyed.join(states.lazy().filter(to_remove).select(MEMBER), on=MEMBER, how="semi")
    removals = _removable(leaving, usable, capabilities, columns)
    return Change(
        removals=removals.sort(MEMBER, maintain_order=True),
        additions=additions.collect().sort(MEMBER),
        gone=states.filter(pl.col("state") == "gone").select(MEMBER).sort(MEMBER),
        counts=counts,
    )


def _movements(mode: Mode) -> tuple[pl.Expr, pl.Expr]:
    """Which states are sent as members, and which lose their keys. With mode ``remove`` the members are themselves removed."""
    state = pl.col("state")
    nobody = pl.lit(value=False)
    if mode in (Mode.REPLACE, Mode.SNAPSHOT):
        return state != "gone", nobody
    sent = state.is_in(["new", "changed", "resent"] if mode is Mode.REMOVE else ["new", "changed", "renewed", "resent"])
    return sent, state.is_in(["gone", "changed"]) if mode is Mode.MIRROR else nobody


def _states(usable: pl.LazyFrame, held: pl.LazyFrame, capabilities: Capabilities, wish: Wish) -> pl.DataFrame:
    """One row a member, wanted or held, with its state."""
    before = held.group_by(MEMBER).agg(
        pl.col(_HELD_SIGNATURE).first(),
        (pl.col(_HELD_SIGNATURE).n_unique() == 1).alias(_ONE_FORM),
        pl.col(ADDED_ON).min(),
        ((pl.len() > 1) | pl.col(UNSURE).any()).alias(UNSURE),
    )
    both = usable.select(MEMBER, _SIGNATURE).join(before, on=MEMBER, how="full", coalesce=True)
    same = (pl.col(_SIGNATURE) == pl.col(_HELD_SIGNATURE)) & pl.col(_ONE_FORM)
    gone = "kept" if wish.mode is Mode.APPEND else "gone"  # who was appended stays
    state = (
        pl.when(pl.col(_SIGNATURE).is_null())
        .then(pl.lit(gone))
        .when(pl.col(_HELD_SIGNATURE).is_null())
        .then(pl.lit("new"))
        .when(~same)
        .then(pl.lit("changed"))
        .when(pl.col(UNSURE) | wish.full_resend)
        .then(pl.lit("resent"))
        .when(_lapses_soon(capabilities, wish))
        .then(pl.lit("renewed"))
        .otherwise(pl.lit("kept"))
    )
    return both.select(MEMBER, state.alias("state")).collect()


def _lapses_soon(capabilities: Capabilities, wish: Wish) -> pl.Expr:
    """Due within the renewal window; each member on its own day, so that a big first upload is not renewed at once."""
    days = capabilities.limits.membership_days
    if days is None:
        return pl.lit(value=False)
    spread = max(min(_RENEWAL_SPREAD_DAYS, days // 4), 1)
    early = (pl.col(MEMBER).str.slice(0, 4).str.to_integer(base=16, strict=False).fill_null(0) % spread).cast(pl.Int32)
    due = wish.today + timedelta(days=wish.renew_within_days - days)
    return pl.col(ADDED_ON) <= pl.lit(due) + pl.duration(days=early)


def _removable(leaving: pl.LazyFrame, usable: pl.LazyFrame, capabilities: Capabilities, columns: list[str]) -> pl.DataFrame:
    """The held rows of ``leaving`` with only those keys that no wanted member has; rows without any are left out."""
    kinds = pl.col("key").str.extract(r"^([a-z_]+)\|", 1).alias("kind")
    rows = leaving.collect().with_row_index(_ROW).lazy()  # a member may have several rows, each with an address of its own
    theirs = rows.select(_ROW, MEMBER, pl.col(KEYS).alias("key")).explode("key").drop_nulls("key")
    wanted_keys = usable.select(pl.col(KEYS).alias("key")).explode("key")
    free = theirs.join(wanted_keys, on="key", how="anti").with_columns(kinds).collect()
    if free.is_empty():
        return leaving.select(columns).head(0).collect()
    singles = [field for field in capabilities.singles if field.value in columns]
    result = free.group_by(_ROW, MEMBER).agg(_values_of(field) for field in singles)
    for composite in capabilities.composites:
        if all(part.value in columns for part in composite.required):
            result = result.join(_composite_parts(rows, free, composite, set(columns)), on=_ROW, how="left")
    absent = [name for name in columns if name not in result.columns]
    schema = leaving.collect_schema()
    empty = [pl.lit(None, dtype=schema[name]).alias(name) for name in absent]
    return result.with_columns(empty).sort(_ROW).select(columns)


def _values_of(field: Field) -> pl.Expr:
    values = pl.col("key").filter(pl.col("kind") == field.value).str.strip_prefix(f"{field.value}|").sort()
    return (values if field in MULTI_VALUED else values.first()).alias(field.value)


def _composite_parts(rows: pl.LazyFrame, free: pl.DataFrame, composite: Composite, names: set[str]) -> pl.DataFrame:
    """The parts of a composite for those rows whose composite may go."""
    keyed = rows.with_columns(composite_key(composite, names).alias("key"))
    mine = keyed.join(free.lazy().select(_ROW, "key"), on=[_ROW, "key"], how="semi")
    return mine.select(_ROW, *(part.value for part in composite.parts if part.value in names)).collect()


def _counts(states: pl.DataFrame, keyed: pl.LazyFrame) -> Counts:
    by_state = dict(states.group_by("state").len().iter_rows())
    email = Field.EMAIL.value
    names = keyed.collect_schema().names()
    has_email = (pl.col(email).list.len() > 0) if email in names else pl.lit(value=False)
    facts = keyed.select(
        (pl.col(KEYS).list.len() > 0).sum().alias("wanted"),
        (pl.col(KEYS).list.len() == 0).sum().alias("without_key"),
        (has_email & (pl.col(KEYS).list.len() > 0)).sum().alias("with_email"),
    ).collect()
    return Counts(
        wanted=int(facts["wanted"][0]),
        held=states.height - by_state.get("new", 0),
        new=by_state.get("new", 0),
        gone=by_state.get("gone", 0),
        changed=by_state.get("changed", 0),
        renewed=by_state.get("renewed", 0),
        resent=by_state.get("resent", 0),
        without_key=int(facts["without_key"][0]),
        with_email=int(facts["with_email"][0]) if email in names else None,
    )


def breaches(counts: Counts, drops: Drops, guards: Guards, mode: Mode) -> tuple[Breach, ...]:
    """The guards that a plan does not pass. The first run of an audience is exempt from ``max_added`` only."""
    found = []
    if mode in (Mode.MIRROR, Mode.REPLACE, Mode.SNAPSHOT) and counts.gone > guards.max_removed.limit(counts.held):
        found.append(Breach("max_removed", str(guards.max_removed), counts.gone, counts.held))
    if counts.held and counts.new > guards.max_added.limit(counts.held):
        found.append(Breach("max_added", str(guards.max_added), counts.new, counts.held))
    if counts.wanted < guards.min_members:
        found.append(Breach("min_members", f"at least {guards.min_members}", counts.wanted, 0))
    coverage = guards.min_email_coverage
    if coverage is not None and counts.with_email is not None and counts.with_email < coverage.limit(counts.wanted):
        found.append(Breach("min_email_coverage", f"at least {coverage}", counts.with_email, counts.wanted))
    dropped = sum(drops.rows.values())
    if guards.max_dropped is not None and dropped > guards.max_dropped.limit(drops.read):
        found.append(Breach("max_dropped", str(guards.max_dropped), dropped, drops.read))
    return tuple(found)
