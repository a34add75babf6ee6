"""Plans that a guard stopped: what a person decides on, from the ledger alone, whoever asks and wherever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from guestlist.model.plan import Breach, Counts
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.ledger import tables as t
from guestlist.runtime.ledger.rows import aware

APPROVE = "approve"
REJECT = "reject"
EXPIRED = "expired"
"""Nobody decided in time: the same plan may be asked about again."""


@dataclass(frozen=True)
class Stopped:
    """A plan that a guard stopped and of which nothing was sent. ``decision`` is the newest row of `approvals`, if any."""

    id: int
    segment: str
    label: str
    run_id: str
    planned_at: datetime
    counts: Counts
    rows: Mapping[str, int]
    """Operation -> rows that would go out."""
    breaches: tuple[Breach, ...]
    decision: Row[Any] | None

    @property
    def open(self) -> bool:
        """Whether it still waits for somebody to decide."""
        return self.decision is None or self.decision.decision == EXPIRED

    @property
    def numbers(self) -> dict[str, int]:
        """What a person is shown of it besides its breaches."""
        return numbers(self.counts, self.rows)


def stopped_plan(ledger: Ledger, segment: str, label: str) -> Stopped | None:
    """The newest plan of a destination, where a guard stopped it and nothing was sent of it since."""
    row = ledger.newest_plan(segment, label)
    return next(stopped_among(ledger, [row.id]), None) if row is not None else None


def stopped_among(ledger: Ledger, plans: Sequence[int]) -> Iterator[Stopped]:
    """Those of some plans, the newest of their destinations, that a guard stopped and of which nothing was sent since."""
    its, decided = t.sessions.c, t.approvals.c
    wanted = select(t.plans).where(t.plans.c.id.in_(plans), t.plans.c.state == "planned")
    sessions: dict[int, list[Any]] = {}
    with ledger.reading() as connection:
        rows = [row for row in connection.execute(wanted) if row.breaches]
        stopped = [row.id for row in rows]
        for row in connection.execute(select(t.sessions).where(its.plan_id.in_(stopped)).order_by(its.id)):
            sessions.setdefault(row.plan_id, []).append(row)
        decisions = connection.execute(select(t.approvals).where(decided.plan_id.in_(stopped)).order_by(decided.id)).all()
    newest = {row.plan_id: row for row in decisions}
    for row in rows:
        uploads = sessions.get(row.id, ())
        if all(session.state == "planned" for session in uploads):
            yield Stopped(
                id=row.id,
                segment=row.segment,
                label=row.label,
                run_id=row.run_id,
                planned_at=aware(row.created_at),
                counts=Counts(**row.counts),
                rows={session.operation: session.rows for session in uploads},
                breaches=tuple(Breach(**breach) for breach in row.breaches),
                decision=newest.get(row.id),
            )


def numbers(counts: Counts, rows: Mapping[str, int]) -> dict[str, int]:
    """A plan in people, and in the rows that would go out."""
    people = {"held before": counts.held, "wanted": counts.wanted, "join": counts.new, "leave": counts.gone}
    people |= {"change": counts.changed, "renewed": counts.renewed, "resent": counts.resent}
    return people | {f"rows to {operation}": count for operation, count in rows.items()}


def told(decision: Row[Any]) -> str:
    """A decision in words."""
    what = {APPROVE: "approved", REJECT: "rejected"}.get(decision.decision, decision.decision)
    return f"{what} by {decision.who}, {decision.at:%Y-%m-%d %H:%M} UTC"
