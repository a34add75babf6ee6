"""Sessions and batches: what was sent, received and settled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from guestlist.model.audiences import AudienceRef
from guestlist.model.conversation import Json
from guestlist.model.delivery import Envelope, JobOutcome, Receipt, Settlement
from guestlist.runtime.clock import now
from guestlist.runtime.ledger import tables as t
from guestlist.runtime.ledger.book import Book
from guestlist.runtime.ledger.rows import BatchRow, OpenSession, SessionRow, aware, batch_of, open_session_of, session_of

_OPEN = ("opened", "closed", "unconfirmed")


class Sessions(Book):
    """How far the delivery of each plan is."""

    def sessions(self, plan_id: int) -> list[SessionRow]:
        """The sessions of a plan."""
        with self.reading() as connection:
            rows = connection.execute(select(t.sessions).where(t.sessions.c.plan_id == plan_id).order_by(t.sessions.c.id)).all()
        return [session_of(row) for row in rows]

    def session(self, session_id: int) -> SessionRow:
        """One session."""
        with self.reading() as connection:
            return session_of(connection.execute(select(t.sessions).where(t.sessions.c.id == session_id)).one())

    def open_sessions(self, segment: str, label: str) -> list[OpenSession]:
        """Sessions that began and have not settled, of plans that no later generation has left behind, the oldest first."""
        query = (
            select(t.sessions, t.plans.c.run_id)
            .join(t.plans, t.plans.c.id == t.sessions.c.plan_id)
            .where(t.plans.c.segment == segment, t.plans.c.label == label, t.plans.c.state == "planned")
            .where(t.sessions.c.state.in_(_OPEN))
            .order_by(t.sessions.c.plan_id, t.sessions.c.id)
        )
        with self.reading() as connection:
            return [open_session_of(row) for row in connection.execute(query)]

    def owner_of(self, session_id: int) -> tuple[str, str] | None:
        """The segment and label of a session; None where this ledger has no such session."""
        query = select(t.plans.c.segment, t.plans.c.label).join(t.sessions, t.sessions.c.plan_id == t.plans.c.id)
        with self.reading() as connection:
            row = connection.execute(query.where(t.sessions.c.id == session_id)).one_or_none()
        return (row.segment, row.label) if row else None

    def session_times(self, session_id: int) -> tuple[datetime | None, datetime | None]:
        """When a session was opened and when it settled."""
        with self.reading() as connection:
            query = select(t.sessions.c.opened_at, t.sessions.c.settled_at).where(t.sessions.c.id == session_id)
            row = connection.execute(query).one()
        opened, settled = row.opened_at, row.settled_at
        return aware(opened) if opened else None, aware(settled) if settled else None

    def opened(self, session_id: int, handle: Mapping[str, Json]) -> None:
        """The platform has begun the session."""
        self._set_session(session_id, state="opened", handle=dict(handle), opened_at=now())

    def closed(self, session_id: int, handle: Mapping[str, Json]) -> None:
        """Every batch has a receipt and the platform was told so."""
        self._set_session(session_id, state="closed", handle=dict(handle), closed_at=now())

    def _set_session(self, session_id: int, **values: Any) -> None:
        with self.transaction() as connection:
            connection.execute(update(t.sessions).where(t.sessions.c.id == session_id).values(**values))

    def batches(self, session_id: int, part: int | None = None) -> list[BatchRow]:
        """The batches of a session, or of one of its parts, in order."""
        query = select(t.batches).where(t.batches.c.session_id == session_id).order_by(t.batches.c.sequence)
        if part is not None:
            query = query.where(t.batches.c.part == part)
        with self.reading() as connection:
            return [batch_of(row) for row in connection.execute(query)]

    def sending(self, session_id: int, sequence: int, envelope: Envelope | None = None) -> None:
        """Written before a request goes out: without a receipt after it, the outcome is unknown."""
        where = (t.batches.c.session_id == session_id) & (t.batches.c.sequence == sequence)
        header = envelope.as_json() if envelope else None
        values = {"state": "sending", "attempts": t.batches.c.attempts + 1, "sent_at": now(), "envelope": header}
        with self.transaction() as connection:
            connection.execute(update(t.batches).where(where, t.batches.c.state != "received").values(values))

    def received(self, session_id: int, sequence: int, receipt: Receipt, requests: int) -> None:
        """Written after the platform has answered; ``requests`` counts what that took, retries included."""
        where = (t.batches.c.session_id == session_id) & (t.batches.c.sequence == sequence)
        values = {
            "state": "received",
            "accepted": receipt.accepted,
            "rejected": sorted([index, reason] for index, reason in receipt.rejected.items()),
            "request_id": receipt.request_id,
            "job": receipt.job,
            "requests": t.batches.c.requests + requests,
            "received_at": now(),
        }
        with self.transaction() as connection:
            connection.execute(update(t.batches).where(where).values(values))

    def refuse_rows(self, session_id: int, sequence: int, rejected: Mapping[int, str]) -> None:
        """Rows of a batch that the platform had taken and refused later, by name."""
        where = (t.batches.c.session_id == session_id) & (t.batches.c.sequence == sequence)
        pairs = sorted([index, reason] for index, reason in rejected.items())
        with self.transaction() as connection:
            values = {"rejected": pairs, "accepted": t.batches.c.rows - len(pairs)}
            connection.execute(update(t.batches).where(where).values(values))

    def settled(self, session_id: int, settlement: Settlement) -> None:
        """What a poll brought: outcomes of jobs, whether the session is done, and the audience that a snapshot has built."""
        with self.transaction() as connection:
            row = connection.execute(select(t.sessions).where(t.sessions.c.id == session_id)).one()
            later = dict(row.rejected_later)
            for job, outcome in settlement.jobs.items():
                _enter_outcome(connection, session_id, job, outcome)
                for reason, count in outcome.rejected.items():
                    later[reason] = later.get(reason, 0) + count
            values: dict[str, Any] = {
                "handle": dict(settlement.handle),
                "polls": row.polls + 1,
                "match_rate": settlement.match_rate or row.match_rate,
                "rejected_later": later,
            }
            if settlement.audience is not None:
                _enter_built(connection, row.plan_id, settlement.audience)
            if settlement.began:
                values["closed_at"] = now()
            if settlement.done:
                values |= {"state": "settled", "settled_at": now()}
            connection.execute(update(t.sessions).where(t.sessions.c.id == session_id).values(**values))

    def count_requests(self, session_id: int, requests: int) -> None:
        """Add what was asked of the platform for a session, besides its batches."""
        self._set_session(session_id, requests=t.sessions.c.requests + requests)

    def unconfirmed(self, session_id: int) -> None:
        """The platform never said what became of it."""
        self._set_session(session_id, state="unconfirmed")


def _enter_built(connection: Connection, plan_id: int, audience: AudienceRef) -> None:
    """It is the same destination's as the one that it replaces, and what was sent to it counts."""
    plan = connection.execute(select(t.plans.c.segment, t.plans.c.label).where(t.plans.c.id == plan_id)).one()
    where = (t.audiences.c.segment == plan.segment) & (t.audiences.c.label == plan.label)
    values = {"platform_id": audience.id, "name": audience.name, "url": audience.url}
    connection.execute(update(t.audiences).where(where).values(values))


def _enter_outcome(connection: Connection, session_id: int, job: str, outcome: JobOutcome) -> None:
    state = "failed" if outcome.failed else "partial" if outcome.rejected else "done"
    query = update(t.batches).where(t.batches.c.session_id == session_id, t.batches.c.state == "received")
    if job:
        query = query.where(t.batches.c.job == job)
    connection.execute(query.values(job_state=state))
