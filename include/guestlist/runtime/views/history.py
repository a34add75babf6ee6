"""The past of one audience: its generations, what its platform said, its runs, and what was sent and received."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, ColumnElement, Row, and_, exists, func, select

from guestlist.model.plan import Counts, Drops
from guestlist.model.report import DestinationReport
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.ledger import tables as t
from guestlist.runtime.views.standing import Key, newest_generations

_LOOKED_AT = 3
"""Generations among whose checkpoints the newest look is searched: a newer one may not be due yet."""
_OF_TREND = 30


@dataclass(frozen=True, slots=True)
class RunOfAudience:
    """One run of a segment, as far as one destination is concerned."""

    label: str
    row: Row[Any]
    """Of the table `runs`."""
    plans: Sequence[Row[Any]]
    """Its attempts at this destination, the newest first."""

    @property
    def drops(self) -> Drops | None:
        """What preparing left out."""
        return Drops(**self.row.drops) if self.row.drops else None

    @property
    def report(self) -> DestinationReport | None:
        """What became of it; None before there is a report."""
        items = self.row.report["destinations"] if self.row.report and self.row.ended_at else ()
        return next((DestinationReport.from_json(item) for item in items if item["label"] == self.label), None)

    @property
    def counts(self) -> Counts | None:
        """What was planned."""
        return Counts(**self.plans[0].counts) if self.plans else None


def trends(ledger: Ledger, segments: Sequence[str]) -> dict[Key, list[int]]:
    """Members of the newest generations of these segments' audiences, the oldest first."""
    its = t.generations.c
    query = select(its.segment, its.label, its.members).join(newest := newest_generations(segments), _within(newest, _OF_TREND))
    found: dict[Key, list[int]] = {}
    with ledger.reading() as connection:
        for segment, label, members in connection.execute(query.order_by(its.number)):
            found.setdefault((segment, label), []).append(members)
    return found


def looks(ledger: Ledger, segments: Sequence[str] | None = None) -> dict[Key, Any]:
    """The newest look at each audience, where the platform was asked since one of its newest generations."""
    its, seen = t.generations.c, t.checkpoints.c
    query = (
        select(its.segment, its.label, seen.low, seen.high, seen.match_rate, seen.done_at)
        .join(newest := newest_generations(segments), _within(newest, _LOOKED_AT))
        .join(t.checkpoints, and_(seen.plan_id == its.plan_id, seen.done_at.is_not(None)))
    )
    with ledger.reading() as connection:
        rows = connection.execute(query.order_by(seen.done_at, seen.plan_id, seen.hours)).all()
    return {(row.segment, row.label): row for row in rows}


def generations(ledger: Ledger, key: Key, limit: int, offset: int = 0) -> Sequence[Any]:
    """The newest generations with the runs that made them, the newest first."""
    its = t.generations.c
    query = select(its.number, its.members, its.sealed_at, t.plans.c.run_id).join(t.plans, t.plans.c.id == its.plan_id)
    query = query.where(its.segment == key[0], its.label == key[1], ~its.forgotten).order_by(its.number.desc())
    with ledger.reading() as connection:
        return connection.execute(query.limit(limit).offset(offset)).all()


def all_looks(ledger: Ledger, key: Key, limit: int, offset: int = 0) -> Sequence[Any]:
    """What the platform said at the newest looks, the newest first; one answer may stand at several checkpoints."""
    seen = t.checkpoints.c
    facts = (seen.done_at, seen.low, seen.high, seen.match_rate, seen.status, seen.verdict, seen.told)
    query = select(*facts).distinct().join(t.plans, t.plans.c.id == seen.plan_id).where(_of(key), seen.done_at.is_not(None))
    with ledger.reading() as connection:
        return connection.execute(query.order_by(seen.done_at.desc()).limit(limit).offset(offset)).all()


def runs(ledger: Ledger, key: Key, limit: int, offset: int = 0) -> tuple[int, list[RunOfAudience]]:
    """How many runs served an audience or failed before they had planned anything, and some of them, the newest first."""
    where = _serving(key)
    query = select(t.runs).where(where).order_by(t.runs.c.started_at.desc(), t.runs.c.run_id).limit(limit).offset(offset)
    with ledger.reading() as connection:
        total = connection.execute(select(func.count()).select_from(t.runs).where(where)).scalar_one()
        rows = connection.execute(query).all()
        ids = [row.run_id for row in rows]
        planned = select(t.plans).where(_of(key), t.plans.c.run_id.in_(ids)).order_by(t.plans.c.id.desc())
        plans = connection.execute(planned).all()
    return total, [RunOfAudience(key[1], row, [plan for plan in plans if plan.run_id == row.run_id]) for row in rows]


def run(ledger: Ledger, key: Key, run_id: str) -> RunOfAudience | None:
    """One of them."""
    segment, label = key
    row = ledger.run(segment, run_id)
    return RunOfAudience(label, row, ledger.plans_of_run(segment, label, run_id)) if row is not None else None


def sessions(ledger: Ledger, plans: Sequence[int]) -> Sequence[Row[Any]]:
    """The sessions of plans, in the order in which they were made."""
    query = select(t.sessions).where(t.sessions.c.plan_id.in_(plans)).order_by(t.sessions.c.plan_id, t.sessions.c.id)
    with ledger.reading() as connection:
        return connection.execute(query).all()


def batches(ledger: Ledger, session_id: int, limit: int, offset: int = 0) -> tuple[int, Sequence[Row[Any]]]:
    """How many batches a session has, and some of them in order."""
    mine = t.batches.c.session_id == session_id
    query = select(t.batches).where(mine).order_by(t.batches.c.sequence).limit(limit).offset(offset)
    with ledger.reading() as connection:
        total = connection.execute(select(func.count()).select_from(t.batches).where(mine)).scalar_one()
        return total, connection.execute(query).all()


def decisions(ledger: Ledger, plans: Sequence[int]) -> Sequence[Row[Any]]:
    """Every decision on these plans, the oldest first."""
    query = select(t.approvals).where(t.approvals.c.plan_id.in_(plans)).order_by(t.approvals.c.id)
    with ledger.reading() as connection:
        return connection.execute(query).all()


def _within(newest: CTE, count: int) -> ColumnElement[bool]:
    """Generations that count and are among the newest so many."""
    its = t.generations.c
    same = (its.segment == newest.c.segment) & (its.label == newest.c.label)
    return and_(same, its.number > newest.c.number - count, ~its.forgotten)


def _of(key: Key) -> ColumnElement[bool]:
    return (t.plans.c.segment == key[0]) & (t.plans.c.label == key[1])


def _serving(key: Key) -> ColumnElement[bool]:
    its = t.runs.c
    of_run = and_(t.plans.c.segment == its.segment, t.plans.c.run_id == its.run_id)
    served = exists().where(of_run, t.plans.c.label == key[1])
    return and_(its.segment == key[0], served | ~exists().where(of_run))
