"""What guards have stopped, who was erased, and how much connections were used: over many segments at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from guestlist.runtime.ledger import Ledger
from guestlist.runtime.ledger import tables as t
from guestlist.runtime.ledger.book import in_pieces


def breached_plans(ledger: Ledger, count: int, before: int | None = None) -> Sequence[Any]:
    """The newest plans that breached a guard, each with its newest decision, if there is any; ``before`` is a plan's id."""
    its, decided = t.plans.c, t.approvals.c
    newest = select(func.max(decided.id)).where(decided.plan_id == its.id).correlate(t.plans).scalar_subquery()
    facts = (its.id, its.segment, its.label, its.run_id, its.created_at, its.breaches, its.dry, its.state)
    query = select(*facts, decided.decision, decided.who, decided.at).outerjoin(t.approvals, decided.id == newest)
    older = query if before is None else query.where(its.id < before)
    with ledger.reading() as connection:
        return connection.execute(older.where(t.BREACHED).order_by(its.id.desc()).limit(count)).all()


def erasures(ledger: Ledger, limit: int, offset: int = 0) -> tuple[int, Sequence[Any]]:
    """How many requests for erasure there are, and some of them, the newest first."""
    its = t.erasures.c
    query = select(t.erasures).order_by(its.entered_at.desc(), its.id.desc()).limit(limit).offset(offset)
    with ledger.reading() as connection:
        total = connection.execute(select(func.count()).select_from(t.erasures)).scalar_one()
        return total, connection.execute(query).all()


def outcomes(ledger: Ledger, erasure_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Of each request at how many audiences it came to what; ``open`` are those where it has not yet."""
    its, found = t.erasure_steps.c, dict[str, dict[str, int]]()
    query = select(its.erasure_id, its.outcome, func.count()).group_by(its.erasure_id, its.outcome)
    with ledger.reading() as connection:
        for some in in_pieces(erasure_ids):
            for erasure_id, outcome, count in connection.execute(query.where(its.erasure_id.in_(some))):
                found.setdefault(erasure_id, {})[outcome or "open"] = count
    return found


def receipts(ledger: Ledger, erasure_ids: Sequence[str]) -> dict[str, list[int]]:
    """The numbers of each request's receipts in the chain."""
    its, found = t.erasure_receipts.c, dict[str, list[int]]()
    query = select(its.erasure_id, its.number).order_by(its.number)
    with ledger.reading() as connection:
        for some in in_pieces(erasure_ids):
            for erasure_id, number in connection.execute(query.where(its.erasure_id.in_(some))):
                found.setdefault(erasure_id, []).append(number)
    return found


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
