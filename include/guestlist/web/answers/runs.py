"""Answers about the runs of one audience: what was sent, and what came back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field as Described

from guestlist.web.answers.base import Answer, Count
from guestlist.web.answers.plans import Decision


class Reason(Answer):
    """Why rows or keys are not on the platform, and how many."""

    kind: Literal["dropped_row", "dropped_key", "without_key", "without_value", "rejected"]
    """Left out while preparing (a row, a key), left out for this platform, or refused by it."""
    column: str | None = None
    """Of a dropped key: the match key and its recipe, ``email:email.google.v1``."""
    reason: str
    count: int


class RunRow(Answer):
    """One run of a segment, as it went for one destination; counts are null where it has none yet."""

    run_id: str
    state: str
    """running | sealed | dry | rejected | unconfirmed | unsent | stopped | failed"""
    dry: bool = False
    url: str | None = None
    started_at: datetime
    ended_at: datetime | None = None
    seconds: float | None = None
    """From its preparation to its report."""
    delivery_seconds: float | None = None
    waited_seconds: float | None = None
    """Of the delivery, after everything was sent, until the platform had said what became of it."""
    read: int | None = None
    prepared: int | None = None
    dropped: int | None = None
    held: int | None = None
    wanted: int | None = None
    added: int | None = None
    removed: int | None = None
    renewed: int | None = None
    rows_planned: int | None = None
    rows_accepted: int | None = None
    rejected: int | None = None
    unconfirmed: int | None = None
    unsent: int | None = None
    without_key: int | None = None
    without_value: int | None = None
    requests: int | None = None
    batches: int | None = None
    generation: int | None = None
    members: int | None = None
    match_rate: float | None = None
    match_rate_told: str | None = None
    opt_outs: int | None = None
    """People who were taken off, with the platform's confirmation."""
    opt_out_median_seconds: float | None = None
    opt_out_worst_seconds: float | None = None
    breaches: tuple[str, ...] = ()


class Runs(Answer):
    """Runs of a segment, the newest first."""

    total: int
    rows: tuple[RunRow, ...]


class Session(Answer):
    """All batches of one operation of one plan."""

    id: Annotated[str, Described(pattern=r"^\d+$")]
    """A number of 64 bits: more than JavaScript's hold."""
    plan: int
    operation: str
    state: str
    """planned | opened | closed | settled | unconfirmed"""
    members: int
    rows: int
    batches: int
    parts: int
    requests: int
    """Besides those of its batches."""
    polls: int
    match_rate_told: str | None
    opened_at: datetime | None
    closed_at: datetime | None
    settled_at: datetime | None
    rejected_later: tuple[Count, ...]
    """Rows that the platform refused without naming them, by reason."""


class Run(Answer):
    """One run with all that is known of it."""

    run: RunRow
    reasons: tuple[Reason, ...]
    sessions: tuple[Session, ...]
    decisions: tuple[Decision, ...]


class Batch(Answer):
    """One request of a session, and what came back."""

    sequence: int
    batch_id: str
    part: int
    rows: int
    state: str
    """planned | sending | received"""
    attempts: int
    requests: int
    accepted: int | None
    rejected: int
    reasons: tuple[Count, ...]
    request_id: str | None
    job: str | None
    job_state: str | None
    """done | failed | partial; null while the platform works on it."""
    sent_at: datetime | None
    received_at: datetime | None


class Batches(Answer):
    """Batches of a session in order."""

    total: int
    rows: tuple[Batch, ...]
