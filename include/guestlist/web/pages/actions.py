"""What a person does from the pages: run a segment, and decide on a plan that waits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.datamodels.dag_run import TriggerDAGRunPostBody
from airflow.api_fastapi.core_api.routes.public.dag_run import trigger_dag_run
from airflow.models import Log
from airflow.models.dagbag import DBDagBag
from fastapi import APIRouter, Depends, HTTPException, Request
from sqlalchemy.orm import Session

from guestlist.runtime.ledger.rows import aware
from guestlist.runtime.stopped import stopped_plan, told
from guestlist.web.access import Asking, Deed, Person, from_here
from guestlist.web.answers.base import Problem
from guestlist.web.answers.plans import Decided, DecisionRequest, RunRequest, Triggered
from guestlist.web.books import Books
from guestlist.web.dags import run_url
from guestlist.web.served import ServedBy

router = APIRouter(prefix="/segments/{segment}", tags=["actions"], dependencies=[Depends(from_here)])
_REFUSED: dict[int | str, dict[str, Any]] = {409: {"model": Problem}}
_NEXT = {
    "approve": "a task of Airflow that waits for it goes on within seconds; otherwise clear the guard, or run the segment",
    "reject": "nothing is sent; a task of Airflow that waits for it fails within seconds",
}


@router.post(
    "/runs",
    status_code=201,
    response_model=Triggered,
    responses={400: {"model": Problem}, **_REFUSED},
)
def run(served: ServedBy, asked: RunRequest, asking: Asking, session: SessionDep, request: Request) -> Triggered:
    """Run a segment now, or let it plan only: a run of its DAG, as Airflow's own button makes it."""
    asking.has_to(Deed.RUN, served.dag_id)
    if served.pushed is not None:
        raise HTTPException(409, "runs of an intake begin with an upload: push a file in place of a run by hand")
    segment = served.segment
    conf = {"dry_run": asked.dry_run, "destinations": list(asked.destinations) if asked.destinations else None}
    body = TriggerDAGRunPostBody(logical_date=None, conf=conf)
    begun = trigger_dag_run(segment, body, DBDagBag(), asking.user, session, request)
    _note(session, asking, "trigger_dag_run", segment, begun.run_id, conf)
    return Triggered(run_id=begun.run_id, run_url=run_url(segment, begun.run_id), dry_run=asked.dry_run)


@router.post(
    "/destinations/{destination}/approval",
    status_code=201,
    response_model=Decided,
    responses=_REFUSED,
)
def decide(
    served: ServedBy, destination: str, asked: DecisionRequest, asking: Asking, books: Books, session: SessionDep
) -> Decided:
    """Approve or reject the plan that a guard stopped; the ledger keeps who did, and when. The first decision holds."""
    segment = served.segment
    asking.has_to(Deed.APPROVE, served.dag_id)
    waiting = stopped_plan(books, segment, destination)
    if waiting is None or waiting.id != asked.plan:
        raise HTTPException(409, f"plan {asked.plan} of {segment}, {destination} does not wait any more: look at the page anew")
    held = books.decide_first(waiting.id, asked.decision, asking.name)
    if (held.decision, held.who) != (asked.decision, asking.name):
        raise HTTPException(409, f"plan {asked.plan} was {told(held)} already; `guestlist approve {segment}` can overrule it")
    _note(
        session, asking, "guestlist_decision", served.dag_id, waiting.run_id, {"destination": destination, **asked.model_dump()}
    )
    return Decided(plan=held.plan_id, decision=held.decision, who=held.who, at=aware(held.at), next=_NEXT[held.decision])


def _note(session: Session, asking: Person, event: str, dag_id: str, run_id: str, facts: Mapping[str, Any]) -> None:
    """Enter a deed in Airflow's audit log, as its own routes do."""
    told = {"owner": asking.name, "owner_display_name": asking.name, "extra": json.dumps(facts)}
    session.add(Log(event=event, dag_id=dag_id, run_id=run_id, **told))
