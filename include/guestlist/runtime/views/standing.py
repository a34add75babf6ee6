"""How all audiences stand in the ledger, in a handful of queries however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import CTE, Connection, Row, func, select, tuple_

from guestlist.model.report import DestinationReport
from guestlist.runtime import clock
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.ledger import tables as t
from guestlist.runtime.ledger.book import in_pieces
from guestlist.runtime.ledger.rows import aware
from guestlist.runtime.stopped import Stopped, stopped_among

Key = tuple[str, str]
"""A segment and the label of one of its destinations."""
ByLabel = Mapping[str, Mapping[str, Any]]
"""What a run's report says of each destination."""
_NEWEST_RUNS = 3
"""How many runs of each segment are looked at for all at once: one under way, one that was dry, and one that counts."""
_LOOKED_BACK = 20
"""How many runs are looked at where the newest that counts has not served a destination."""


@dataclass(frozen=True, slots=True)
class SealedNow:
    """The newest generation of an audience."""

    number: int
    members: int
    at: datetime


@dataclass(frozen=True, slots=True)
class LastRun:
    """A run of a segment. ``ended_at`` is None while it is under way, or was broken off."""

    run_id: str
    state: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger knows of one audience at this moment."""

    newest: LastRun | None = None
    """Of the segment, whatever it served."""
    run: LastRun | None = None
    """The last that ended, served the destination and was not dry."""
    told: Mapping[str, Any] | None = None
    """What that run's report says of the destination; None where it failed before it could tell."""
    sealed: SealedNow | None = None
    stopped: Stopped | None = None

    @property
    def sealed_by_newest(self) -> bool:
        """Whether the newest run has sealed it already: no two runs of a segment are at work at once."""
        return self.sealed is not None and self.newest is not None and self.sealed.at >= self.newest.started_at

    @property
    def report(self) -> DestinationReport | None:
        """The same as a report: made when it is asked for, since most are not shown."""
        return DestinationReport.from_json(self.told) if self.told else None


def standings(ledger: Ledger, keys: Sequence[Key]) -> dict[Key, Standing]:
    """How each audience stands."""
    with ledger.reading() as connection:
        sealed = _sealed(connection)
        planned = _planned(connection, keys)
        runs = _newest_runs(connection)
        counted = {segment: run for segment, found in runs.items() if (run := next(filter(_counts, found), None))}
        reports = _reports(ledger, connection, counted)
    stopped = {(one.segment, one.label): one for some in in_pieces(planned) for one in stopped_among(ledger, some)}
    older: dict[str, Sequence[Row[Any]]] = {}
    found = {}
    for key in keys:
        segment, label = key
        run = counted.get(segment)
        told = reports.get(segment, {}).get(label)
        if run is not None and told is None and segment in reports:  # it served others: an earlier one may count
            if segment not in older:
                older[segment] = ledger.last_runs(segment, _LOOKED_BACK)
            run, told = _served(older[segment], label)
        newest = runs.get(segment, [])[:1]
        found[key] = Standing(newest[0] if newest else None, run, told, sealed.get(key), stopped.get(key))
    return found


def sealed_now(ledger: Ledger) -> dict[Key, SealedNow]:
    """The newest generation of each audience."""
    with ledger.reading() as connection:
        return _sealed(connection)


def at_work(ledger: Ledger) -> set[str]:
    """Segments that the command line is at work on: whoever holds the lease is there."""
    with ledger.reading() as connection:
        rows = connection.execute(select(t.leases).where(t.leases.c.expires_at > clock.now())).all()
    return {row.segment for row in rows if row.holder.startswith("process ") and not clock.process_is_gone(row.holder)}


def newest_generations(segments: Iterable[str] | None = None) -> CTE:
    """Segment, label and number of each audience's newest generation that counts; of all segments where none are named."""
    its, audiences = t.generations.c, t.audiences.c
    mine = (its.segment == audiences.segment) & (its.label == audiences.label) & ~its.forgotten
    # not max(): that would look at every generation whether it was forgotten
    number = select(its.number).where(mine).order_by(its.number.desc()).limit(1).correlate(t.audiences).scalar_subquery()
    query = select(audiences.segment, audiences.label, number.label("number"))
    chosen = query if segments is None else query.where(audiences.segment.in_(list(segments)))
    return chosen.cte("newest").prefix_with("MATERIALIZED")  # else SQLite asks anew for every generation that there is


def _sealed(connection: Connection) -> dict[Key, SealedNow]:
    newest, its = newest_generations(), t.generations.c
    same = (its.segment == newest.c.segment) & (its.label == newest.c.label) & (its.number == newest.c.number)
    query = select(its.segment, its.label, its.number, its.members, its.sealed_at).join(newest, same)
    return {(row[0], row[1]): SealedNow(row[2], row[3], aware(row[4])) for row in connection.execute(query)}


def _planned(connection: Connection, keys: Sequence[Key]) -> list[int]:
    """The newest plan of each audience that was made to be sent, where it was not sealed."""
    plans, audiences = t.plans.c, t.audiences.c
    mine = (plans.segment == audiences.segment) & (plans.label == audiences.label) & ~plans.dry
    newest = select(plans.id).where(mine).order_by(plans.id.desc()).limit(1).correlate(t.audiences).scalar_subquery()
    known = select(audiences.segment, audiences.label, newest.label("plan")).cte("known").prefix_with("MATERIALIZED")
    query = select(known.c.segment, known.c.label, plans.id).outerjoin(
        t.plans, (plans.id == known.c.plan) & (plans.state == "planned")
    )
    found = {(segment, label): plan for segment, label, plan in connection.execute(query)}
    new = sorted(
        {segment for segment, label in keys if (segment, label) not in found}
    )  # they have no audience yet, and few plans
    for some in in_pieces(new):
        of_new = select(plans.segment, plans.label, func.max(plans.id)).where(plans.segment.in_(some), ~plans.dry)
        grouped = connection.execute(of_new.group_by(plans.segment, plans.label))
        found |= {(segment, label): plan for segment, label, plan in grouped}
    return [plan for plan in found.values() if plan is not None]


def _newest_runs(connection: Connection) -> dict[str, list[LastRun]]:
    its, other = t.runs.c, t.runs.alias()
    segments = select(its.segment).distinct().subquery()
    of_segment = select(other.c.started_at).where(other.c.segment == segments.c.segment).order_by(other.c.started_at.desc())
    last = of_segment.limit(1).offset(_NEWEST_RUNS - 1).correlate(segments).scalar_subquery()
    query = select(its.segment, its.run_id, its.state, its.started_at, its.ended_at).join(
        segments, (its.segment == segments.c.segment) & ((its.started_at >= last) | last.is_(None))
    )
    found: dict[str, list[LastRun]] = {}
    for row in connection.execute(query.order_by(its.segment, its.started_at.desc())):
        found.setdefault(row.segment, []).append(_run_of(row))
    return found


_READ: WeakKeyDictionary[Ledger, Mapping[str, tuple[LastRun, ByLabel]]] = WeakKeyDictionary()
"""The reports that were read last, by segment: to read 500 of them takes a third of the time that a page has.

One is written with the end of its run; whoever writes another one moves that end.
"""


def _reports(ledger: Ledger, connection: Connection, runs: Mapping[str, LastRun]) -> dict[str, ByLabel]:
    """Of one run for each segment, by label; a run that failed without a report is left out."""
    before, its = _READ.get(ledger, {}), t.runs.c
    found = {segment: before[segment] for segment, run in runs.items() if segment in before and before[segment][0] == run}
    pairs = [(segment, run.run_id) for segment, run in runs.items() if segment not in found]
    for some in in_pieces(pairs):
        query = select(its.segment, its.report).where(tuple_(its.segment, its.run_id).in_(some))
        for segment, report in connection.execute(query):
            if report:
                found[segment] = runs[segment], {item["label"]: item for item in report["destinations"]}
    _READ[ledger] = found
    return {segment: told for segment, (_, told) in found.items()}


def _served(rows: Sequence[Row[Any]], label: str) -> tuple[LastRun | None, Mapping[str, Any] | None]:
    for row in rows:
        for item in row.report["destinations"] if row.report and row.ended_at else ():
            if item["label"] == label and item["state"] != "dry":
                return _run_of(row), item
    return None, None


def _counts(run: LastRun) -> bool:
    return run.ended_at is not None and run.state != "dry"


def _run_of(row: Any) -> LastRun:
    return LastRun(row.run_id, row.state, aware(row.started_at), aware(row.ended_at) if row.ended_at else None)
