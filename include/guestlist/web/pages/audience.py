"""The page of one audience: how it stands, its past, and the plan that waits for a person."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.common.db.common import SessionDep
from fastapi import APIRouter, HTTPException
from sqlalchemy.orm import Session

from guestlist.model.segment import Segment
from guestlist.runtime.ledger.rows import aware
from guestlist.runtime.metrics import share
from guestlist.runtime.stopped import Stopped
from guestlist.runtime.views import history
from guestlist.web.access import Asking, Audience
from guestlist.web.answers import audiences as a
from guestlist.web.answers.base import counted
from guestlist.web.answers.plans import Breach, Waiting
from guestlist.web.books import Books, Segments
from guestlist.web.dags import all_dags, known_runs, run_url
from guestlist.web.pages.places import place_of
from guestlist.web.pages.runs import decision_of, run_rows
from guestlist.web.pages.standing import entries, rows, schedule_text
from guestlist.web.served import ServedBy
from guestlist.web.tables import AS_CSV, Cut, answered, named

router = APIRouter(prefix="/segments/{segment}/destinations/{destination}", tags=["audiences"])
_RUNS = 50
_POINTS = 200
"""Generations and looks that are shown."""


@router.get("", response_model=a.Audience)
def page(key: Audience, served: ServedBy, asking: Asking, books: Books, shelf: Segments, session: SessionDep) -> a.Audience:
    """All that the page of one audience shows at first."""
    found = shelf.segment(served.dag_id)
    place = place_of(books, served, key[1], found)
    if place is None:
        raise HTTPException(404, f"{key[0]} has no destination {key[1]}")
    [entry] = entries(books, session, {served.dag_id: found}, [place])
    audience = books.audience(*key)
    dag = all_dags(session).get(served.dag_id)
    stopped = entry.standing.stopped
    return a.Audience(
        audience=rows(books, session, asking, [entry])[0],
        audience_id=audience.id if audience and audience.id else None,
        audience_url=_web(audience.url if audience else ""),
        description=found.description if isinstance(found, Segment) else "",
        owner=found.owner if isinstance(found, Segment) else None,
        dag_url=f"/dags/{served.dag_id}",
        schedule=a.Schedule(
            text=schedule_text(found) or (dag.schedule if dag else None),
            in_words=(dag.in_words if dag else None) or None,
            next_run_at=dag.next_run_at if dag else None,
            paused=dag.paused if dag else True,
        ),
        sealed=tuple(reversed([_sealed(row) for row in history.generations(books, key, _POINTS)])),
        seen=tuple(reversed([_seen(row) for row in history.all_looks(books, key, _POINTS)])),
        runs=tuple(run_rows(session, served.dag_id, history.runs(books, key, _RUNS)[1])),
        waiting=_waiting(session, served.dag_id, stopped) if stopped else None,
        problem=found if isinstance(found, str) else None,
    )


@router.get("/sealed", response_model=list[a.Sealed], responses=AS_CSV)
def sealed(key: Audience, books: Books, cut: Cut) -> Any:
    """The generations of an audience, the newest first."""
    found = [_sealed(row) for row in history.generations(books, key, cut.limit, cut.offset)]
    return answered(found, a.Sealed, found, cut.format, named(key, "sealed"))


@router.get("/seen", response_model=list[a.Seen], responses=AS_CSV)
def seen(key: Audience, books: Books, cut: Cut) -> Any:
    """What the platform said at each look, the newest first."""
    found = [_seen(row) for row in history.all_looks(books, key, cut.limit, cut.offset)]
    return answered(found, a.Seen, found, cut.format, named(key, "seen"))


def _sealed(row: Any) -> a.Sealed:
    return a.Sealed(generation=row.number, at=aware(row.sealed_at), members=row.members, run_id=row.run_id)


def _seen(row: Any) -> a.Seen:
    return a.Seen(
        at=aware(row.done_at),
        low=row.low,
        high=row.high,
        match_rate=share(row.match_rate),
        match_rate_told=row.match_rate,
        status=row.status,
        verdict=row.verdict,
        told=row.told,
    )


def _waiting(session: Session, dag_id: str, stopped: Stopped) -> Waiting:
    run = run_url(dag_id, stopped.run_id)
    of_airflow = bool(known_runs(session, {(dag_id, stopped.run_id)}))
    return Waiting(
        plan=stopped.id,
        run_id=stopped.run_id,
        run_url=run if of_airflow else None,
        planned_at=stopped.planned_at,
        breaches=tuple(Breach.of(breach) for breach in stopped.breaches),
        numbers=counted(stopped.numbers),
        decided=decision_of(stopped.decision) if stopped.decision is not None else None,
        page_url=f"{run}/tasks/{stopped.label}.guard/required_actions" if of_airflow else None,
    )


def _web(url: str) -> str | None:
    """A platform may send anything for an address: only one of the web is a link."""
    return url if url.startswith(("https://", "http://")) else None
