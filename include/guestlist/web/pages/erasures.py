"""The log of erasures: what was asked for, and what became of it at each audience."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException

from guestlist.model.segment import OWN_DAGS
from guestlist.runtime.ledger.rows import aware
from guestlist.runtime.views import logs
from guestlist.web.access import Asking, Deed
from guestlist.web.answers.base import counted
from guestlist.web.answers.erasures import Erasure, Erasures, ErasureStep, ErasureSteps
from guestlist.web.books import Books
from guestlist.web.served import Served, all_served
from guestlist.web.tables import AS_CSV, Cut, answered

router = APIRouter(prefix="/erasures", tags=["logs"])
_DAG = f"{OWN_DAGS}erasure"
"""Who may see this DAG may see the log; of the audiences those whose segments he may see."""


@router.get("", response_model=Erasures, responses=AS_CSV)
def erasures(asking: Asking, books: Books, cut: Cut) -> Any:
    """Requests for erasure, the newest first: counts and ids, never whom they are about."""
    asking.has_to(Deed.SEE, _DAG)
    total, found = logs.erasures(books, cut.limit, cut.offset)
    ids = [row.id for row in found]
    came, receipts = logs.outcomes(books, ids), logs.receipts(books, ids)
    shown = [
        Erasure(
            id=row.id,
            entered_at=aware(row.entered_at),
            closed_at=aware(row.closed_at) if row.closed_at else None,
            people=row.people,
            given=counted(row.given),
            receipts=tuple(receipts.get(row.id, ())),
            outcomes=counted(came.get(row.id, {})),
        )
        for row in found
    ]
    return answered(Erasures(total=total, rows=tuple(shown)), Erasure, shown, cut.format, "erasures")


@router.get("/{erasure}/steps", response_model=ErasureSteps, responses=AS_CSV)
def steps(erasure: str, asking: Asking, books: Books, cut: Cut) -> Any:
    """What became of one request at each audience."""
    asking.has_to(Deed.SEE, _DAG)
    if books.erasure(erasure) is None:
        raise HTTPException(404, f"there is no request {erasure}")
    every = books.steps(erasure)
    served = all_served(books, [row.segment for row in every])
    seen = [row for row in every if served[row.segment].dag_id in asking.sees]
    shown = [_step(row, served[row.segment]) for row in seen[cut.offset : cut.offset + cut.limit]]
    return answered(ErasureSteps(total=len(seen), rows=tuple(shown)), ErasureStep, shown, cut.format, f"{erasure}-steps")


def _step(row: Any, served: Served) -> ErasureStep:
    facts = ("segment", "platform", "connection", "audience", "found", "outcome", "reason")
    return ErasureStep(
        **{name: getattr(row, name) for name in facts},
        erasure=row.erasure_id,
        pushed=served.pushed_as,
        destination=row.label,
        former=bool(row.former),
        removed=counted(row.removed),
        request_ids=tuple(row.request_ids),
        at=aware(row.at) if row.at else None,
    )
