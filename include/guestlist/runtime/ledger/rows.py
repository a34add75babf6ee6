"""Sessions and batches as the ledger has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from guestlist.model.conversation import Json
from guestlist.model.vocabulary import Operation
from guestlist.runtime.clock import now


@dataclass(frozen=True)
class SessionRow:
    """A session as the ledger has it."""

    id: int
    plan_id: int
    operation: Operation
    rows: int
    batches: int
    parts: int
    state: str
    handle: Mapping[str, Json]
    polls: int
    closed_at: datetime | None
    rejected_later: Mapping[str, int]
    match_rate: str | None
    requests: int


@dataclass(frozen=True)
class BatchRow:
    """A batch as the ledger has it; ``rejected`` maps row index to reason."""

    session_id: int
    sequence: int
    batch_id: str
    part: int
    offset: int
    rows: int
    state: str
    accepted: int
    rejected: Mapping[int, str]
    request_id: str | None
    job: str | None
    job_state: str | None
    requests: int


@dataclass(frozen=True)
class OpenSession:
    """A session that began and has not settled; ``since`` is when it was closed, or else opened."""

    plan_id: int
    run_id: str
    operation: str
    state: str
    rows: int
    since: datetime


def aware(moment: datetime) -> datetime:
    """SQLite forgets the time zone; everything in the ledger is UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=now().tzinfo)


def session_of(row: Row[Any]) -> SessionRow:
    """A session out of its row."""
    return SessionRow(
        id=row.id,
        plan_id=row.plan_id,
        operation=Operation(row.operation),
        rows=row.rows,
        batches=row.batches,
        parts=row.parts,
        state=row.state,
        handle=row.handle,
        polls=row.polls,
        closed_at=aware(row.closed_at) if row.closed_at else None,
        rejected_later=row.rejected_later,
        match_rate=row.match_rate,
        requests=row.requests,
    )


def open_session_of(row: Row[Any]) -> OpenSession:
    """An open session out of its row."""
    return OpenSession(row.plan_id, row.run_id, row.operation, row.state, row.rows, aware(row.closed_at or row.opened_at))


def batch_of(row: Row[Any]) -> BatchRow:
    """A batch out of its row."""
    return BatchRow(
        session_id=row.session_id,
        sequence=row.sequence,
        batch_id=row.batch_id,
        part=row.part,
        offset=row.offset,
        rows=row.rows,
        state=row.state,
        accepted=row.accepted or 0,
        rejected={int(index): str(reason) for index, reason in row.rejected or ()},
        request_id=row.request_id,
        job=row.job,
        job_state=row.job_state,
        requests=row.requests,
    )
