"""The runs of one audience, and what was sent and received in each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any

from airflow.api_fastapi.common.db.common import SessionDep
from fastapi import APIRouter, Depends, HTTPException, Path
from sqlalchemy.orm import Session as AirflowSession

from guestlist.model.plan import Breach, Counts
from guestlist.model.report import DestinationReport
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.ledger.rows import aware
from guestlist.runtime.metrics import share
from guestlist.runtime.views import history
from guestlist.runtime.views.history import RunOfAudience
from guestlist.web.access import Audience
from guestlist.web.answers.base import counted
from guestlist.web.answers.plans import Decision
from guestlist.web.answers.runs import Batch, Batches, Reason, Run, RunRow, Runs, Session
from guestlist.web.books import Books
from guestlist.web.dags import known_runs, run_url
from guestlist.web.served import ServedBy
from guestlist.web.tables import AS_CSV, Cut, Format, answered, named


def _run(key: Audience, run_id: str, books: Books) -> RunOfAudience:
    found = history.run(books, key, run_id)
    if found is None:
        raise HTTPException(404, f"{key[0]} has no run {run_id}")
    return found


OneRun = Annotated[RunOfAudience, Depends(_run)]
router = APIRouter(prefix="/segments/{segment}/destinations/{destination}/runs", tags=["runs"])


@router.get("", response_model=Runs, responses=AS_CSV)
def of_audience(key: Audience, served: ServedBy, books: Books, session: SessionDep, cut: Cut) -> Any:
    """The runs that served an audience or failed before they had planned anything, the newest first."""
    total, found = history.runs(books, key, cut.limit, cut.offset)
    rows = run_rows(session, served.dag_id, found)
    return answered(Runs(total=total, rows=tuple(rows)), RunRow, rows, cut.format, named(key, "runs"))


@router.get("/{run_id}", response_model=Run)
def one(served: ServedBy, found: OneRun, books: Books, session: SessionDep) -> Run:
    """One run with all that is known of it."""
    plans = [plan.id for plan in found.plans]
    return Run(
        run=run_rows(session, served.dag_id, [found])[0],
        reasons=tuple(_reasons(found)),
        sessions=tuple(_sessions(books, found)),
        decisions=tuple(decision_of(row) for row in history.decisions(books, plans)),
    )


@router.get("/{run_id}/reasons", response_model=list[Reason], responses=AS_CSV)
def reasons(key: Audience, found: OneRun, wanted: Format = "json") -> Any:
    """Why rows and keys of a run are not on the platform, and how many; never which."""
    rows = list(_reasons(found))
    return answered(rows, Reason, rows, wanted, named(key, "reasons"))


@router.get("/{run_id}/sessions", response_model=list[Session], responses=AS_CSV)
def sessions(key: Audience, found: OneRun, books: Books, wanted: Format = "json") -> Any:
    """The sessions of a run."""
    rows = list(_sessions(books, found))
    return answered(rows, Session, rows, wanted, named(key, "sessions"))


@router.get("/{run_id}/sessions/{session}/batches", response_model=Batches, responses=AS_CSV)
def batches(
    key: Audience,
    found: OneRun,
    session: Annotated[str, Path(pattern=r"^\d{1,19}$")],
    books: Books,
    cut: Cut,
) -> Any:
    """The batches of a session, with the platform's ids of requests."""
    if session not in {one.id for one in _sessions(books, found)}:
        raise HTTPException(404, f"the run {found.row.run_id} has no session {session}")
    total, kept = history.batches(books, int(session), cut.limit, cut.offset)
    rows = [_batch(row) for row in kept]
    return answered(Batches(total=total, rows=tuple(rows)), Batch, rows, cut.format, named(key, "batches"))


def run_rows(session: AirflowSession, dag_id: str, found: Sequence[RunOfAudience]) -> list[RunRow]:
    """Runs as rows, with links to those that are Airflow's."""
    known = known_runs(session, {(dag_id, one.row.run_id) for one in found})
    return [_row(one, run_url(dag_id, one.row.run_id) if (dag_id, one.row.run_id) in known else None) for one in found]


def decision_of(row: Any) -> Decision:
    """What a person decided, out of its row."""
    return Decision(plan=row.plan_id, decision=row.decision, who=row.who, at=aware(row.at))


def _row(one: RunOfAudience, url: str | None) -> RunRow:
    row, drops = one.row, one.drops
    ended = aware(row.ended_at) if row.ended_at else None
    started = aware(row.started_at)
    return RunRow(
        run_id=row.run_id,
        state=(one.report.state if one.report else row.state) if ended else "running",
        dry=bool(one.plans and one.plans[0].dry),
        url=url,
        started_at=started,
        ended_at=ended,
        seconds=(ended - started).total_seconds() if ended else None,
        read=drops.read if drops else None,
        prepared=drops.prepared if drops else None,
        dropped=sum(drops.rows.values()) if drops else None,
        breaches=tuple(str(Breach(**breach)) for breach in one.plans[0].breaches) if one.plans else (),
        **(_reported(one.report) if one.report else _planned(one.counts)),
    )


_COUNTED = (
    *("held", "wanted", "added", "removed", "renewed", "rows_planned", "rows_accepted", "unconfirmed", "unsent"),
    *("without_key", "without_value", "requests", "batches", "generation", "members"),
)


def _reported(report: DestinationReport) -> dict[str, Any]:
    took = report.opt_outs
    return {name: getattr(report, name) for name in _COUNTED} | {
        "rejected": sum(report.rejected.values()),
        "delivery_seconds": report.seconds,
        "waited_seconds": report.waited,
        "match_rate": share(report.match_rate),
        "match_rate_told": report.match_rate,
        "opt_outs": took.members if took else None,
        "opt_out_median_seconds": took.median_seconds if took else None,
        "opt_out_worst_seconds": took.worst_seconds if took else None,
    }


def _planned(counts: Counts | None) -> dict[str, Any]:
    """What is known of a run before its report."""
    names = ("held", "wanted", "without_key", "without_value")
    return {name: getattr(counts, name) for name in names} if counts else {}


def _reasons(one: RunOfAudience) -> Iterator[Reason]:
    """Out of what preparing counted, for all destinations alike, and of what this one's platform has said."""
    if (drops := one.drops) is not None:
        for reason, count in sorted(drops.rows.items()):
            yield Reason(kind="dropped_row", reason=reason, count=count)
        for column, counts in sorted(drops.keys.items()):
            for reason, count in sorted(counts.items()):
                yield Reason(kind="dropped_key", column=column, reason=reason, count=count)
    if one.counts is not None and one.counts.without_key:
        yield Reason(kind="without_key", reason="no match key that the platform takes", count=one.counts.without_key)
    if one.counts is not None and one.counts.without_value:
        yield Reason(kind="without_value", reason="no value, or a negative one", count=one.counts.without_value)
    for reason, count in sorted((one.report.rejected if one.report else {}).items()):
        yield Reason(kind="rejected", reason=reason, count=count)


def _sessions(books: Ledger, one: RunOfAudience) -> Iterator[Session]:
    for row in history.sessions(books, [plan.id for plan in one.plans]):
        yield Session(
            id=str(row.id),
            plan=row.plan_id,
            operation=row.operation,
            state=row.state,
            members=row.members,
            rows=row.rows,
            batches=row.batches,
            parts=row.parts,
            requests=row.requests,
            polls=row.polls,
            match_rate_told=row.match_rate,
            opened_at=_moment(row.opened_at),
            closed_at=_moment(row.closed_at),
            settled_at=_moment(row.settled_at),
            rejected_later=counted(row.rejected_later),
        )


def _batch(row: Any) -> Batch:
    refused = Counter(reason for _, reason in row.rejected or ())
    facts = (
        "sequence",
        "batch_id",
        "part",
        "rows",
        "state",
        "attempts",
        "requests",
        "accepted",
        "request_id",
        "job",
        "job_state",
    )
    return Batch(
        **{name: getattr(row, name) for name in facts},
        rejected=refused.total(),
        reasons=counted(refused),
        sent_at=_moment(row.sent_at),
        received_at=_moment(row.received_at),
    )


def _moment(moment: datetime | None) -> datetime | None:
    return aware(moment) if moment else None
