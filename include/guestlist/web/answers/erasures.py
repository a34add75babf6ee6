"""Answers about requests for erasure."""

from __future__ import annotations

from datetime import datetime

from guestlist.web.answers.base import Answer, Count, PushedAs


class ErasureStep(Answer):
    """What became of a request at one audience."""

    erasure: str
    segment: str
    pushed: PushedAs | None
    destination: str
    former: bool
    """An audience that the destination had before it got another one."""
    platform: str
    connection: str
    audience: str
    found: bool
    outcome: str | None
    """Null while it is open."""
    reason: str | None
    removed: tuple[Count, ...]
    request_ids: tuple[str, ...]
    at: datetime | None


class Erasure(Answer):
    """One request to take people off every audience."""

    id: str
    entered_at: datetime
    closed_at: datetime | None
    people: int
    given: tuple[Count, ...]
    receipts: tuple[int, ...]
    """Numbers in the chain of receipts."""
    outcomes: tuple[Count, ...]
    """At how many audiences it came to what, those included whose segments the user may not see."""


class ErasureSteps(Answer):
    """What became of a request at the audiences of segments that the user may see."""

    total: int
    rows: tuple[ErasureStep, ...]


class Erasures(Answer):
    """Requests, the newest first."""

    total: int
    rows: tuple[Erasure, ...]
