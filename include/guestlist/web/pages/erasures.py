"""The log of erasures: what was asked for, and what became of it at each audience."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter

from guestlist.model.segment import OWN_DAGS
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.ledger.rows import aware
from guestlist.web.access import Asking, Deed, Person
from guestlist.web.answers.base import counted
from guestlist.web.answers.erasures import Erasure, Erasures, ErasureStep
from guestlist.web.books import Books
from guestlist.web.tables import Cut, answered

router = APIRouter(tags=["logs"])
_DAG = f"{OWN_DAGS}erasure"
"""Who may see this DAG may see the log; of the audiences those whose segments he may see."""


@router.get("/erasures", response_model=Erasures)
def erasures(asking: Asking, books: Books, cut: Cut) -> Any:
    """Requests for erasure, the newest first: counts and ids, never whom they are about."""
    asking.has_to(Deed.SEE, _DAG)
    every = list(reversed(books.erasures()))
    numbers = _receipts(books)
    shown = [_erasure(books, row, numbers.get(row.id, ()), asking) for row in every[cut.offset : cut.offset + cut.limit]]
    steps = [step for one in shown for step in one.steps]
    return answered(Erasures(total=len(every), rows=tuple(shown)), ErasureStep, steps, cut.format, "erasures")


def _receipts(books: Ledger) -> Mapping[str, list[int]]:
    """The numbers of each request's receipts in the chain."""
    found: dict[str, list[int]] = {}
    for link in books.receipts():
        found.setdefault(str(json.loads(link.content)["erasure"]), []).append(link.number)
    return found


def _erasure(books: Ledger, row: Any, receipts: Sequence[int], asking: Person) -> Erasure:
    return Erasure(
        id=row.id,
        entered_at=aware(row.entered_at),
        closed_at=aware(row.closed_at) if row.closed_at else None,
        people=row.people,
        given=counted(row.given),
        receipts=tuple(receipts),
        steps=tuple(_step(step) for step in books.steps(row.id) if step.segment in asking.sees),
    )


def _step(row: Any) -> ErasureStep:
    facts = ("segment", "platform", "connection", "audience", "found", "outcome", "reason")
    return ErasureStep(
        **{name: getattr(row, name) for name in facts},
        erasure=row.erasure_id,
        destination=row.label,
        former=bool(row.former),
        removed=counted(row.removed),
        request_ids=tuple(row.request_ids),
        at=aware(row.at) if row.at else None,
    )
