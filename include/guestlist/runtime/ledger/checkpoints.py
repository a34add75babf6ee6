"""Checkpoints: when the platform is asked again what became of a sealed plan, and what it said."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from guestlist.runtime.clock import now
from guestlist.runtime.ledger import tables as t
from guestlist.runtime.ledger.book import Book
from guestlist.runtime.ledger.rows import aware

HOURS = (1, 24, 48)
"""After sealing: what acted at once shows within the hour, the slowest platforms take two days."""


@dataclass(frozen=True)
class Seen:
    """What a platform said of an audience. ``held_low`` and ``held_high`` bound the members that it may have meant."""

    platform_id: str
    held_low: int | None
    held_high: int | None
    low: int | None
    high: int | None
    match_rate: str | None
    status: str | None
    verdict: str
    told: str | None


def enter_checkpoints(connection: Connection, plan_id: int, sealed_at: datetime) -> None:
    """Have a plan that is being sealed looked at again."""
    rows = [{"plan_id": plan_id, "hours": hours, "due_at": sealed_at + timedelta(hours=hours)} for hours in HOURS]
    connection.execute(t.checkpoints.insert(), rows)


class Checkpoints(Book):
    """The looks at each destination's audience."""

    def is_due(self, segment: str, label: str) -> bool:
        """Whether a checkpoint of a destination has come and nobody has looked since."""
        query = _of(segment, label).where(t.checkpoints.c.done_at.is_(None), t.checkpoints.c.due_at <= now())
        with self.reading() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def seen(self, segment: str, label: str, what: Seen) -> None:
        """Enter what the platform said at all checkpoints that have come: it is the same answer for each."""
        with self.transaction() as connection:
            moment = now()
            due = _of(segment, label).where(t.checkpoints.c.done_at.is_(None), t.checkpoints.c.due_at <= moment)
            for row in connection.execute(due).all():
                this = (t.checkpoints.c.plan_id == row.plan_id) & (t.checkpoints.c.hours == row.hours)
                connection.execute(update(t.checkpoints).where(this).values(done_at=moment, **asdict(what)))

    def last_seen(self, segment: str, label: str, platform_id: str | None = None) -> Row[Any] | None:
        """The newest look at a destination; with ``platform_id``, the newest at that audience that told a size."""
        query = _of(segment, label).where(t.checkpoints.c.done_at.is_not(None))
        if platform_id is not None:
            query = query.where(t.checkpoints.c.platform_id == platform_id, t.checkpoints.c.high > 0)
        newest = query.order_by(t.checkpoints.c.done_at.desc(), t.checkpoints.c.plan_id.desc(), t.checkpoints.c.hours.desc())
        with self.reading() as connection:
            return connection.execute(newest.limit(1)).one_or_none()

    def held_since(self, segment: str, label: str, moment: datetime) -> tuple[int, int]:
        """The fewest and the most members held at any time since a moment."""
        its = t.generations.c
        where = (its.segment == segment) & (its.label == label) & ~its.forgotten
        query = select(its.members, its.sealed_at).where(where).order_by(its.number.desc())
        with self.reading() as connection:
            found = connection.execute(query).all()
        members: list[int] = []
        for row in found:
            members.append(row.members)
            if aware(row.sealed_at) <= moment:
                break
        else:
            members.append(0)  # the first of them was sealed later
        return min(members), max(members)


def _of(segment: str, label: str) -> Any:
    joined = select(t.checkpoints).join(t.plans, t.plans.c.id == t.checkpoints.c.plan_id)
    return joined.where(t.plans.c.segment == segment, t.plans.c.label == label)
