"""How far the delivery of one run is, at all destinations: three queries in one transaction, since people ask every second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, case, func, select

from guestlist.runtime.ledger import Ledger
from guestlist.runtime.ledger import tables as t


@dataclass(frozen=True, slots=True)
class Delivered:
    """One destination. Rows are what requests carry; ``answered`` are those with a receipt."""

    audience: Row[Any] | None = None
    """Its ``platform_id`` and ``url``, once the platform has it."""
    plan: Row[Any] | None = None
    """The run's newest: ``id``, ``state`` and ``breaches``."""
    planned: int = 0
    answered: int = 0


def delivered(ledger: Ledger, segment: str, run_id: str) -> Mapping[str, Delivered]:
    """Of each destination that has an audience or a plan, by its label."""
    with ledger.reading() as connection:
        audiences = _audiences(connection, segment)
        plans = _plans(connection, segment, run_id)
        rows = _rows(connection, [plan.id for plan in plans.values()])
    return {
        label: Delivered(audiences.get(label), plan, *(rows.get(plan.id, (0, 0)) if plan else ()))
        for label in audiences.keys() | plans.keys()
        for plan in [plans.get(label)]
    }


def _audiences(connection: Connection, segment: str) -> dict[str, Row[Any]]:
    found = connection.execute(select(t.audiences).where(t.audiences.c.segment == segment))
    return {row.label: row for row in found}


def _plans(connection: Connection, segment: str, run_id: str) -> dict[str, Row[Any]]:
    its = t.plans.c
    columns = [its.label, its.id, its.state, its.breaches]  # a plan's other ones are long
    found = connection.execute(select(*columns).where(its.segment == segment, its.run_id == run_id).order_by(its.id))
    return {row.label: row for row in found}


def _rows(connection: Connection, plans: list[int]) -> dict[int, tuple[int, int]]:
    batches, sessions = t.batches.c, t.sessions.c
    answered = func.sum(case((batches.state == "received", batches.rows), else_=0))
    query = select(sessions.plan_id, func.sum(batches.rows), answered).join(t.sessions, sessions.id == batches.session_id)
    found = connection.execute(query.where(sessions.plan_id.in_(plans)).group_by(sessions.plan_id))
    return {plan: (int(rows), int(done)) for plan, rows, done in found}
