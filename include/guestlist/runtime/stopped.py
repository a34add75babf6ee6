"""Plans that a guard stopped: what a person decides on, from the ledger alone, whoever asks and wherever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from guestlist.model.plan import Breach, Counts
from guestlist.runtime.ledger import Ledger
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
    if row is None or row.state != "planned" or not row.breaches:
        return None
    sessions = ledger.sessions(row.id)
    if any(session.state != "planned" for session in sessions):
        return None
    return Stopped(
        id=row.id,
        segment=segment,
        label=label,
        run_id=row.run_id,
        planned_at=aware(row.created_at),
        counts=Counts(**row.counts),
        rows={session.operation.value: session.rows for session in sessions},
        breaches=tuple(Breach(**breach) for breach in row.breaches),
        decision=ledger.decision(row.id),
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
