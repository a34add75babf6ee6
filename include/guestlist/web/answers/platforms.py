"""Answers about connections to platforms."""

from __future__ import annotations

from datetime import datetime

from guestlist.web.answers.base import Answer


class Finding(Answer):
    """One thing that a check looked at."""

    what: str
    ok: bool
    mend: str


class Check(Answer):
    """The last check of a connection, as ``guestlist check`` or the daily upkeep made it."""

    at: datetime
    ok: bool
    findings: tuple[Finding, ...]


class Rate(Answer):
    """So many requests within any span of so many seconds, as the platform documents it."""

    requests: int
    seconds: float
    path: str
    """Only those whose path begins so; empty for all."""


class Limit(Answer):
    """One documented limit."""

    name: str
    value: str


class TaskError(Answer):
    """What a task failed with."""

    at: datetime
    segment: str
    destination: str
    task: str
    kind: str
    sentence: str
    run_id: str
    run_url: str


class ConnectionRow(Answer):
    """A connection to a platform that segments deliver over."""

    platform: str
    platform_title: str
    connection: str
    docs: str
    segments: tuple[str, ...]
    audiences: int
    check: Check | None
    rates: tuple[Rate, ...]
    requests_last_hour: int
    requests_last_day: int
    last_sealed_at: datetime | None
    limits: tuple[Limit, ...]
    errors: tuple[TaskError, ...]
    """The newest ten."""


class Platforms(Answer):
    """All connections of the segments that the user may see."""

    rows: tuple[ConnectionRow, ...]
