"""The log of guards: what they have stopped, and what was decided."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from airflow.api_fastapi.common.db.common import SessionDep
from fastapi import APIRouter, Query
from pydantic import Field

from guestlist.model import plan as model
from guestlist.runtime.ledger.rows import aware
from guestlist.runtime.views.logs import breached_plans
from guestlist.web.access import Asking
from guestlist.web.answers.plans import Breach, GuardRow, Guards, Outcome
from guestlist.web.books import Books
from guestlist.web.dags import known_runs, run_url
from guestlist.web.tables import Pages, answered

router = APIRouter(tags=["logs"])
_DECIDED: dict[str, Outcome] = {"approve": "approved", "reject": "rejected", "expired": "expired"}


class Choice(Pages):
    """Which breaches are wanted."""

    search: str = Field("", description="In segment, destination, guard, and who decided; all of its words.")
    outcome: list[Outcome] = Field(default_factory=list)


@router.get("/guards", response_model=Guards)
def guards(asking: Asking, books: Books, session: SessionDep, choice: Annotated[Choice, Query()]) -> Any:
    """Guards that plans did not pass, the newest first."""
    words = choice.search.casefold().split()
    found = [
        row
        for row in _rows(breached_plans(books, asking.sees))
        if (not choice.outcome or row.outcome in choice.outcome) and all(word in _text(row) for word in words)
    ]
    cut = found[choice.offset : choice.offset + choice.limit]
    known = known_runs(session, {(row.segment, row.run_id) for row in cut})
    shown = [
        row.model_copy(update={"run_url": run_url(row.segment, row.run_id)}) if (row.segment, row.run_id) in known else row
        for row in cut
    ]
    return answered(Guards(total=len(found), rows=tuple(shown)), GuardRow, shown, choice.format, "guards")


def _rows(plans: Any) -> Iterator[GuardRow]:
    for row in plans:
        for breach in row.breaches:
            yield GuardRow(
                **dict(Breach.of(model.Breach(**breach))),
                plan=row.id,
                segment=row.segment,
                destination=row.label,
                run_id=row.run_id,
                run_url=None,
                planned_at=aware(row.created_at),
                outcome=_outcome(row),
                who=row.who,
                decided_at=aware(row.at) if row.at else None,
            )


def _outcome(row: Any) -> Outcome:
    if row.decision:
        return _DECIDED[row.decision]
    if row.dry:
        return "dry"
    return "waiting" if row.state == "planned" else "superseded"


def _text(row: GuardRow) -> str:
    return " ".join((row.segment, row.destination, row.guard, row.what, row.who or "")).casefold()
