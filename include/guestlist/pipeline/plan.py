"""Members held + members wanted -> who is removed, added and renewed.

The rules are those of docs/promises.md, "Planning". All comparisons are made on what the platform is sent, nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from guestlist.model.capabilities import Capabilities, Composite
from guestlist.model.plan import Counts
from guestlist.model.vocabulary import MULTI_VALUED, Field, Mode
from guestlist.pipeline.audience import KEYS, MEMBER, composite_key, has_key, keys_of_kind, signature, with_keys
from guestlist.pipeline.spans import Span

ADDED_ON = "added_on"
UNSURE = "unsure"
"""A held row that may or may not be on the platform: it is removed as if it were, and added as if it were not."""
_SIGNATURE = "signature"
_HELD_SIGNATURE = "held_signature"
_ONE_FORM = "one_form"
_ROW = "row"
_RENEWAL_SPREAD_DAYS = 30
_DAYS = "_membership_days"
_MOVING = ("new", "gone", "changed", "renewed", "resent")
"""The states of members who are not simply kept."""


@dataclass(frozen=True)
class Wish:
    """How the segment wants its audience kept, and what today is."""

    mode: Mode
    today: date
    full_resend: bool = False
    renew_within_days: int = 7


class Comparison:
    """Plans one audience, one span of members after the other, so that neither side has to fit into memory.

    Args:
        wanted: ``member`` and the platform's fields (see `audience.complete`), and ``value`` where it is sent.
        held: the same columns, ``added_on`` (Date) and ``unsure`` (Boolean); a member may have several rows.
        capabilities: of the platform.
        wish: mode, day and options.
    """

    def __init__(self, wanted: pl.LazyFrame, held: pl.LazyFrame, capabilities: Capabilities, wish: Wish) -> None:
        """Record the two sides; nothing is read yet."""
        self._wanted = wanted
        self._held = held
        self._capabilities = capabilities
        self._wish = wish
        self._columns = wanted.collect_schema().names()
        self._gone: list[pl.DataFrame] = []
        self._leaving: list[pl.DataFrame] = []
        self.counts = Counts(with_email=0 if Field.EMAIL.value in self._columns else None)
        """What the spans so far have shown."""

    def additions(self, spans: Iterable[Span]) -> Iterator[pl.DataFrame]:
        """The members to add, whole, sorted by member: those of one span after the other; the spans cover all members."""
        fields = [name for name in self._columns if name != MEMBER]
        to_add, to_remove = _movements(self._wish.mode)
        for span in spans:
            wanted = span.of(self._wanted).with_columns(signature(fields).alias(_SIGNATURE)).collect()
            usable = wanted.filter(has_key(self._capabilities, set(self._columns)))
            held = span.of(self._held).with_columns(signature(fields).alias(_HELD_SIGNATURE)).collect()
            states = _states(usable, held, self._capabilities, self._wish)
            self._count(states, wanted, usable)
            self._gone.append(_apart(states.filter(pl.col("state") == "gone").select(MEMBER).sort(MEMBER)))
            leaving = held.join(states.filter(to_remove), on=MEMBER, how="semi")
            if leaving.height:
                self._leaving.append(_apart(self._without_own(leaving.drop(_HELD_SIGNATURE), usable)))
            additions = usable.join(states.filter(to_add), on=MEMBER, how="semi").select(self._columns)
            yield _apart(additions.sort(MEMBER))

    def _without_own(self, leaving: pl.DataFrame, usable: pl.DataFrame) -> pl.DataFrame:
        """Held rows and those of their keys that the same member does not want any more."""
        changed = usable.join(leaving, on=MEMBER, how="semi")
        kept = with_keys(changed.lazy(), self._capabilities).select(MEMBER, pl.col(KEYS).alias("_wanted"))
        keyed = with_keys(leaving.lazy(), self._capabilities).join(kept, on=MEMBER, how="left", maintain_order="left")
        free = pl.col(KEYS).list.set_difference(pl.col("_wanted").fill_null(pl.lit([], dtype=pl.List(pl.String))))
        return keyed.with_columns(free.alias(KEYS)).drop("_wanted").collect()

    def _count(self, states: pl.DataFrame, wanted: pl.DataFrame, usable: pl.DataFrame) -> None:
        by_state = dict(states.group_by("state").len().iter_rows())
        with_email = self.counts.with_email
        if with_email is not None:
            with_email += int((usable.get_column(Field.EMAIL.value).list.len() > 0).sum())
        self.counts = Counts(
            wanted=self.counts.wanted + usable.height,
            held=self.counts.held + states.height - by_state.get("new", 0),
            without_key=self.counts.without_key + wanted.height - usable.height,
            with_email=with_email,
            **{state: getattr(self.counts, state) + by_state.get(state, 0) for state in _MOVING},
        )

    @property
    def gone(self) -> pl.DataFrame:
        """``member`` of those who are held and not wanted any more, with or without keys of their own."""
        return pl.concat(self._gone)

    @property
    def nobody(self) -> pl.DataFrame:
        """No rows, with the columns of additions and removals."""
        return self._wanted.clear().collect()

    @property
    def changes_nothing(self) -> bool:
        """Whether the platform holds just what is wanted."""
        return not any(getattr(self.counts, state) for state in _MOVING)

    def removals(self) -> pl.DataFrame:
        """Held rows with only those keys that no wanted member has, sorted by member; rows without any are left out."""
        if not self._leaving:
            return self.nobody
        return removable(pl.concat(self._leaving), self._wanted, self._capabilities, self._columns)


def _apart(frame: pl.DataFrame) -> pl.DataFrame:
    """A copy of its own: the strings of a filtered frame keep all that they were filtered from in memory."""
    return pl.DataFrame(pl.from_arrow(frame.to_arrow(compat_level=pl.CompatLevel.oldest())))


def _movements(mode: Mode) -> tuple[pl.Expr, pl.Expr]:
    """Which states are sent as members, and which lose their keys. With mode ``remove`` the members are themselves removed."""
    state = pl.col("state")
    everybody, nobody = pl.lit(value=True), pl.lit(value=False)
    if mode in (Mode.REPLACE, Mode.SNAPSHOT):
        return everybody, nobody
    sent = state.is_in(["new", "changed", "resent"] if mode is Mode.REMOVE else ["new", "changed", "renewed", "resent"])
    return sent, state.is_in(["gone", "changed"]) if mode is Mode.MIRROR else nobody


def _states(usable: pl.DataFrame, held: pl.DataFrame, capabilities: Capabilities, wish: Wish) -> pl.DataFrame:
    """One row a member, wanted or held, with its state."""
    several = held.get_column(MEMBER).is_duplicated()  # few, so that nearly nobody has to be grouped
    facts = [MEMBER, _HELD_SIGNATURE, _ONE_FORM, ADDED_ON, UNSURE]
    once = held.filter(~several).with_columns(pl.lit(value=True).alias(_ONE_FORM))
    together = (
        held.filter(several)
        .group_by(MEMBER)
        .agg(
            pl.col(_HELD_SIGNATURE).first(),
            (pl.col(_HELD_SIGNATURE).n_unique() == 1).alias(_ONE_FORM),
            pl.col(ADDED_ON).min(),
            pl.lit(value=True).alias(UNSURE),
        )
    )
    before = pl.concat([once.select(facts), together.select(facts)])
    days = _membership(capabilities, usable.columns).alias(_DAYS)
    both = usable.select(MEMBER, _SIGNATURE, days).join(before, on=MEMBER, how="full", coalesce=True)
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
        .when(_lapses_soon(wish))
        .then(pl.lit("renewed"))
        .otherwise(pl.lit("kept"))
    )
    return both.select(MEMBER, state.alias("state"))


def _membership(capabilities: Capabilities, columns: Collection[str]) -> pl.Expr:
    """Days that each member stays unless renewed, null for ever: as the audience says, or less by a key that it has."""
    limited = [key for key in capabilities.keys if key.membership_days and key.field.value in columns]
    by_key = [pl.when(pl.col(key.field.value).is_not_null()).then(key.membership_days) for key in limited]
    return pl.min_horizontal(pl.lit(capabilities.limits.membership_days, dtype=pl.Int32), *by_key)


def _lapses_soon(wish: Wish) -> pl.Expr:
    """Due within the renewal window; each member on its own day, so that a big first upload is not renewed at once."""
    days = pl.col(_DAYS)
    spread = pl.min_horizontal(pl.lit(_RENEWAL_SPREAD_DAYS), days // 4).clip(1)
    early = pl.col(MEMBER).str.slice(0, 4).str.to_integer(base=16, strict=False).fill_null(0) % spread
    return pl.col(ADDED_ON) + pl.duration(days=days - early) <= wish.today + timedelta(days=wish.renew_within_days)


def removable(leaving: pl.DataFrame, wanted: pl.LazyFrame, capabilities: Capabilities, columns: list[str]) -> pl.DataFrame:
    """The held rows of ``leaving`` with only those of their ``keys`` that no wanted member has; see `with_keys`."""
    rows = leaving.with_row_index(_ROW)  # a member may have several rows, each with an address of its own
    theirs = rows.select(_ROW, MEMBER, pl.col(KEYS).alias("key")).explode("key").drop_nulls("key")
    theirs = theirs.with_columns(pl.col("key").str.extract(r"^([a-z_]+)\|", 1).alias("kind"))
    free = theirs.join(_taken(theirs, wanted, capabilities), on="key", how="anti")
    if free.is_empty():
        return leaving.select(columns).clear()
    singles = [field for field in capabilities.singles if field.value in columns]
    result = free.group_by(_ROW, MEMBER).agg(_values_of(field) for field in singles)
    for composite in capabilities.composites:
        if all(part.value in columns for part in composite.required):
            result = result.join(_composite_parts(rows, free, composite, set(columns)), on=_ROW, how="left")
    absent = [name for name in columns if name not in result.columns]
    empty = [pl.lit(None, dtype=leaving.schema[name]).alias(name) for name in absent]
    return result.with_columns(empty).sort(_ROW).select(columns).sort(MEMBER, maintain_order=True)


def _taken(theirs: pl.DataFrame, wanted: pl.LazyFrame, capabilities: Capabilities) -> pl.DataFrame:
    """Those of the keys that any wanted member has, whatever span he is in."""
    found = [theirs.select("key").clear()]
    for (kind,), keys in theirs.group_by("kind"):
        asked = keys.select("key").unique().lazy()
        wanted_keys = keys_of_kind(wanted, capabilities, str(kind))
        found.append(wanted_keys.join(asked, on="key", how="semi").collect(engine="streaming").unique())
    return pl.concat(found)


def _values_of(field: Field) -> pl.Expr:
    values = pl.col("key").filter(pl.col("kind") == field.value).str.strip_prefix(f"{field.value}|").sort()
    return (values if field in MULTI_VALUED else values.first()).alias(field.value)


def _composite_parts(rows: pl.DataFrame, free: pl.DataFrame, composite: Composite, names: set[str]) -> pl.DataFrame:
    """The parts of a composite for those rows whose composite may go."""
    keyed = rows.with_columns(composite_key(composite, names).alias("key"))
    mine = keyed.join(free.select(_ROW, "key"), on=[_ROW, "key"], how="semi")
    return mine.select(_ROW, *(part.value for part in composite.parts if part.value in names))
