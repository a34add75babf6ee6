"""The log of guards: what they have stopped, and what was decided."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated, Any

from airflow.api_fastapi.common.db.common import SessionDep
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from guestlist.model import plan as model
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.ledger.rows import aware
from guestlist.runtime.views.logs import breached_plans
from guestlist.web.access import Asking
from guestlist.web.answers.plans import Breach, GuardRow, Guards, Outcome
from guestlist.web.books import Books
from guestlist.web.dags import known_runs, run_url
from guestlist.web.served import Served, all_served
from guestlist.web.tables import AS_CSV, Kind, answered

router = APIRouter(tags=["logs"])
_DECIDED: dict[str, Outcome] = {"approve": "approved", "reject": "rejected", "expired": "expired"}
_AT_ONCE = 500


class Choice(BaseModel):
    """Which breaches are wanted."""

    search: str = Field("", description="In segment, destination, guard, and who decided; all of its words.")
    outcome: list[Outcome] = Field(default_factory=list)
    before: int | None = Field(None, ge=0, description="`next` of the answer before.")
    limit: int = Field(100, ge=1, le=10_000, description="Of the last plan all guards are told, even if that is a few more.")
    format: Kind = Field("json", description="CSV has the rows alone.")

    def takes(self, row: GuardRow) -> bool:
        """Whether a breach is among those that are wanted."""
        name = row.pushed.name if row.pushed else ""
        text = " ".join((row.segment, name, row.destination, row.guard, row.what, row.who or "")).casefold()
        words = self.search.casefold().split()
        return (not self.outcome or row.outcome in self.outcome) and all(word in text for word in words)


@router.get("/guards", response_model=Guards, responses=AS_CSV)
def guards(asking: Asking, books: Books, session: SessionDep, choice: Annotated[Choice, Query()]) -> Any:
    """Guards that plans did not pass, the newest first."""
    found: list[tuple[Served, GuardRow]] = []
    last: int | None = None
    for served, plan in _plans(books, asking.sees, choice.before):
        if len(found) >= choice.limit:
            break
        found += [(served, row) for row in _rows(served, plan) if choice.takes(row)]
        last = plan.id
    else:
        last = None
    shown = list(_with_links(session, found))
    return answered(Guards(rows=tuple(shown), next=last), GuardRow, shown, choice.format, "guards")


def _plans(ledger: Ledger, sees: Collection[str], before: int | None) -> Iterator[tuple[Served, Any]]:
    """Those of segments whose DAGs somebody may see, read as they are asked for."""
    while plans := breached_plans(ledger, _AT_ONCE, before):
        served = all_served(ledger, [plan.segment for plan in plans])
        yield from ((served[plan.segment], plan) for plan in plans if served[plan.segment].dag_id in sees)
        before = plans[-1].id


def _rows(served: Served, plan: Any) -> Iterator[GuardRow]:
    for breach in plan.breaches:
        yield GuardRow(
            **dict(Breach.of(model.Breach(**breach))),
            plan=plan.id,
            segment=plan.segment,
            pushed=served.pushed_as,
            destination=plan.label,
            run_id=plan.run_id,
            run_url=None,
            planned_at=aware(plan.created_at),
            outcome=_outcome(plan),
            who=plan.who,
            decided_at=aware(plan.at) if plan.at else None,
        )


def _with_links(session: Session, found: list[tuple[Served, GuardRow]]) -> Iterator[GuardRow]:
    """To the runs that are Airflow's."""
    known = known_runs(session, {(served.dag_id, row.run_id) for served, row in found})
    for served, row in found:
        run = served.dag_id, row.run_id
        yield row.model_copy(update={"run_url": run_url(*run)}) if run in known else row


def _outcome(row: Any) -> Outcome:
    if row.decision:
        return _DECIDED[row.decision]
    if row.dry:
        return "dry"
    return "waiting" if row.state == "planned" else "superseded"
