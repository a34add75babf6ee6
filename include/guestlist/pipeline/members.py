"""What an audience holds after some batches were answered: the last generation and what the receipts since then say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import polars as pl

from guestlist.model.capabilities import Capabilities
from guestlist.pipeline.audience import KEYS, MEMBER, with_keys
from guestlist.pipeline.plan import ADDED_ON, UNSURE

OUTCOME = "outcome"
_ROW = "row"


class Outcome(StrEnum):
    """What became of a wire row, or of all rows of a member together."""

    SURE = "sure"
    """The platform took it, and has nothing left to say about it."""
    UNSURE = "unsure"
    """It may or may not be on the platform."""
    REJECTED = "rejected"
    UNSENT = "unsent"


def by_member(rows: pl.DataFrame) -> pl.DataFrame:
    """Outcomes of wire rows (``member``, ``outcome``) -> one row a member: sure only if all of its rows are."""
    outcome = pl.col(OUTCOME)
    joined = (
        pl.when((outcome == Outcome.SURE).all())
        .then(pl.lit(Outcome.SURE.value))
        .when((outcome == Outcome.UNSENT).all())
        .then(pl.lit(Outcome.UNSENT.value))
        .when(outcome.is_in([Outcome.REJECTED, Outcome.UNSENT]).all())
        .then(pl.lit(Outcome.REJECTED.value))
        .otherwise(pl.lit(Outcome.UNSURE.value))
    )
    return rows.group_by(MEMBER).agg(joined.alias(OUTCOME))


@dataclass(frozen=True)
class Answered:
    """The members of one operation as they were to be sent, and ``member`` and ``outcome`` of each."""

    members: pl.DataFrame
    outcomes: pl.DataFrame

    def where(self, *outcomes: Outcome) -> pl.DataFrame:
        """Those members of whom this became."""
        them = self.outcomes.filter(pl.col(OUTCOME).is_in([outcome.value for outcome in outcomes]))
        return self.members.join(them, on=MEMBER, how="semi")

    def sent(self) -> pl.DataFrame:
        """Those members of whom anything may have reached the platform."""
        return self.where(Outcome.SURE, Outcome.UNSURE, Outcome.REJECTED)


def after_upload(held: pl.DataFrame, additions: Answered, gone: pl.DataFrame, today: date) -> pl.DataFrame:
    """The members held where no keys are removed one by one: all modes but mirror.

    Args:
        held: members, with ``added_on`` and ``unsure``.
        additions: who was to be sent.
        gone: ``member`` of those who are to be forgotten.
        today: what ``added_on`` becomes.
    """
    return _with_added(held.join(_leaving(additions, gone), on=MEMBER, how="anti"), additions, today)


class AfterMirror:
    """The members held once removals and additions were answered, span after span.

    A row is forgotten only when each of its keys has surely been removed or is held by another row: as long as a key may
    be on the platform, somebody has to be known from whom it can be removed one day. Who has a key is known when all spans
    are through, so that `owed` comes last.
    """

    def __init__(self, removals: Answered, today: date, capabilities: Capabilities) -> None:
        """Begin with all removals, whichever span their members are in: a key is removed from everybody who has it."""
        self._sent = _keys(removals.sent(), capabilities).collect()
        self._sure = _keys(removals.where(Outcome.SURE), capabilities).collect()
        self._today, self._capabilities = today, capabilities
        self._forgotten: list[pl.DataFrame] = []

    def after(self, held: pl.DataFrame, additions: Answered, gone: pl.DataFrame) -> pl.DataFrame:
        """The members of one span; the arguments are those of `after_upload`."""
        held = self._doubted(held)
        leaving = _leaving(additions, gone)
        forgotten = held.join(leaving, on=MEMBER, how="semi").with_row_index(_ROW)
        left = _keys(forgotten, self._capabilities, _ROW).join(self._sure.lazy(), on=KEYS, how="anti").select(_ROW).unique()
        self._forgotten.append(forgotten.join(left.collect(), on=_ROW, how="semi").drop(_ROW))
        return _with_added(held.join(leaving, on=MEMBER, how="anti"), additions, self._today)

    def owed(self, after: pl.LazyFrame) -> pl.DataFrame:
        """The rows that have to stay beside ``after``, which is what all spans gave; with its columns."""
        forgotten = pl.concat(self._forgotten, how="diagonal_relaxed").with_row_index(_ROW)
        keys = _keys(forgotten, self._capabilities, _ROW).join(self._sure.lazy(), on=KEYS, how="anti").collect()
        there = _keys(after, self._capabilities).join(keys.lazy().select(KEYS).unique(), on=KEYS, how="semi").unique()
        owed = keys.join(there.collect(engine="streaming"), on=KEYS, how="anti").select(_ROW).unique()
        kept = forgotten.join(owed, on=_ROW, how="semi").drop(_ROW)
        return pl.concat([after.clear().collect(), kept], how="diagonal_relaxed")

    def _doubted(self, held: pl.DataFrame) -> pl.DataFrame:
        """All who have a key that was removed are unsure, whoever's removal it was."""
        if self._sent.is_empty():
            return held
        numbered = held.with_row_index(_ROW)
        hit = _keys(numbered, self._capabilities, _ROW).join(self._sent.lazy(), on=KEYS, how="semi").select(_ROW)
        touched = hit.collect(engine="streaming").get_column(_ROW).unique()
        return numbered.with_columns(pl.col(UNSURE) | pl.col(_ROW).is_in(touched.implode())).drop(_ROW)


def _leaving(additions: Answered, gone: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([gone.select(MEMBER), additions.where(Outcome.SURE).select(MEMBER)])


def _with_added(held: pl.DataFrame, additions: Answered, today: date) -> pl.DataFrame:
    """The rows held before, and one for each member who was added or may have been."""
    added = [
        additions.where(outcome).with_columns(pl.lit(today).alias(ADDED_ON), pl.lit(unsure).alias(UNSURE))
        for outcome, unsure in ((Outcome.SURE, False), (Outcome.UNSURE, True))
    ]
    doubted = pl.col(MEMBER).is_in(additions.sent()[MEMBER].implode())
    return pl.concat([held.with_columns(pl.col(UNSURE) | doubted), *added], how="diagonal_relaxed")


def _keys(members: pl.DataFrame | pl.LazyFrame, capabilities: Capabilities, *columns: str) -> pl.LazyFrame:
    """One row a key."""
    return with_keys(members.lazy(), capabilities).select(*columns, KEYS).explode(KEYS).drop_nulls(KEYS)
