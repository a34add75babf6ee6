"""What guards have stopped, and how much connections were used: over many segments at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, func, select

from guestlist.runtime.ledger import Ledger
from guestlist.runtime.ledger import tables as t

_NONE = "[]"
"""How a plan is kept that breaches nothing."""


def breached_plans(ledger: Ledger, segments: Collection[str]) -> Sequence[Any]:
    """Plans of these segments that breached a guard, the newest first, each with its newest decision, if there is any."""
    its, decided = t.plans.c, t.approvals.c
    newest = select(func.max(decided.id)).where(decided.plan_id == its.id).correlate(t.plans).scalar_subquery()
    facts = (its.id, its.segment, its.label, its.run_id, its.created_at, its.breaches, its.dry, its.state)
    query = (
        select(*facts, decided.decision, decided.who, decided.at)
        .outerjoin(t.approvals, decided.id == newest)
        .where(cast(its.breaches, Text) != _NONE)
        .order_by(its.id.desc())
    )
    with ledger.reading() as connection:
        return [row for row in connection.execute(query) if row.segment in segments]


def requests_since(ledger: Ledger, since: datetime) -> dict[tuple[str, str], int]:
    """Requests of the sessions opened since a moment, retries included, by platform and connection."""
    its, of = t.sessions.c, t.audiences.c
    of_batches = select(func.sum(t.batches.c.requests)).where(t.batches.c.session_id == its.id).correlate(t.sessions)
    query = (
        select(of.platform, of.connection, func.sum(its.requests + func.coalesce(of_batches.scalar_subquery(), 0)))
        .join(t.plans, t.plans.c.id == its.plan_id)
        .join(t.audiences, (of.segment == t.plans.c.segment) & (of.label == t.plans.c.label))
        .where(its.opened_at >= since)
        .group_by(of.platform, of.connection)
    )
    with ledger.reading() as connection:
        return {(platform, name): int(count) for platform, name, count in connection.execute(query.select_from(t.sessions))}
