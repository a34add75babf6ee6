"""What a person does from the pages: run a segment, and decide on a plan that waits."""

from __future__ import annotations

from typing import Annotated, Any

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.datamodels.dag_run import TriggerDAGRunPostBody
from airflow.api_fastapi.core_api.routes.public.dag_run import trigger_dag_run
from airflow.api_fastapi.logging.decorators import action_logging
from airflow.models.dagbag import DBDagBag
from fastapi import APIRouter, Body, Depends, HTTPException, Request

from guestlist.runtime.ledger.rows import aware
from guestlist.runtime.stopped import stopped_plan, told
from guestlist.web.access import Asking, Deed, from_here
from guestlist.web.answers.base import Problem
from guestlist.web.answers.plans import Decided, DecisionRequest, RunRequest, Triggered
from guestlist.web.books import Books
from guestlist.web.dags import run_url

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
    dependencies=[Depends(action_logging("trigger_dag_run"))],
)
def run(segment: str, asked: RunRequest, asking: Asking, session: SessionDep, request: Request) -> Triggered:
    """Run a segment now, or let it plan only: a run of its DAG, as Airflow's own button makes it."""
    asking.has_to(Deed.RUN, segment)
    conf = {"dry_run": asked.dry_run, "destinations": list(asked.destinations) if asked.destinations else None}
    body = TriggerDAGRunPostBody(logical_date=None, conf=conf)
    begun = trigger_dag_run(segment, body, DBDagBag(), asking.user, session, request)
    return Triggered(run_id=begun.run_id, run_url=run_url(segment, begun.run_id), dry_run=asked.dry_run)


@router.post(
    "/destinations/{destination}/approval",
    status_code=201,
    response_model=Decided,
    responses=_REFUSED,
    dependencies=[Depends(action_logging("guestlist_approval"))],
)
def decide(segment: str, destination: str, asked: Annotated[DecisionRequest, Body()], asking: Asking, books: Books) -> Decided:
    """Approve or reject the plan that a guard stopped; the ledger keeps who did, and when. The first decision holds."""
    asking.has_to(Deed.APPROVE, segment)
    waiting = stopped_plan(books, segment, destination)
    if waiting is None or waiting.id != asked.plan:
        raise HTTPException(409, f"plan {asked.plan} of {segment}, {destination} does not wait any more: look at the page anew")
    held = books.decide_first(waiting.id, asked.decision, asking.name)
    if (held.decision, held.who) != (asked.decision, asking.name):
        raise HTTPException(409, f"plan {asked.plan} was {told(held)} already; `guestlist approve {segment}` can overrule it")
    return Decided(plan=held.plan_id, decision=held.decision, who=held.who, at=aware(held.at), next=_NEXT[held.decision])
