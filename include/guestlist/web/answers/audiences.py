"""Answers about audiences: the overview, and the page of one of them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from guestlist.runtime.views.status import Status
from guestlist.web.answers.base import Answer, PushedAs
from guestlist.web.answers.plans import Waiting
from guestlist.web.answers.runs import RunRow


class AudienceRow(Answer):
    """One audience: a destination of a segment."""

    segment: str
    """As the ledger names it: the segment of a file, or a pushed audience."""
    pushed: PushedAs | None
    dag_id: str
    """What runs it: the segment's own, or the intake's."""
    destination: str
    platform: str
    platform_title: str
    connection: str
    audience: str
    mode: str
    status: Status
    why: str | None = None
    """One sentence on a status that is not in step."""
    late: bool = False
    """It is stale, whatever else it is."""
    members: int | None = None
    """Held by the newest sealed generation, as receipts say."""
    size: int | None = None
    """Of the audience, as the platform said at the last look; the lower end where it tells a range."""
    size_high: int | None = None
    size_at: datetime | None = None
    match_rate: float | None = None
    """Between 0 and 1; the lower end where the platform tells a range."""
    match_rate_told: str | None = None
    sealed_at: datetime | None = None
    wanted: int | None = None
    """This and the counts below: of the last run that served it and was not dry."""
    added: int | None = None
    removed: int | None = None
    renewed: int | None = None
    rejected: int | None = None
    unconfirmed: int | None = None
    unsent: int | None = None
    run_id: str | None = None
    run_at: datetime | None = None
    run_url: str | None = None
    """Of the DAG run in Airflow, from the root of its site; null where it was no run of Airflow's."""
    trend: tuple[int, ...] = ()
    """Members by generation, the oldest first; at most 30."""
    can_run: bool
    """Whether the user may trigger the segment's DAG; what was pushed runs when it is pushed."""
    can_approve: bool
    """Whether the user may answer for its guards."""


class Overview(Answer):
    """Audiences of all segments that the user may see."""

    as_of: datetime
    total: int
    """Rows that the filters leave."""
    statuses: dict[Status, int]
    """How many of each, whatever ``status`` was asked for."""
    platforms: tuple[str, ...]
    """Of all audiences that the user may see."""
    rows: tuple[AudienceRow, ...]


class Sealed(Answer):
    """One generation of an audience."""

    generation: int
    at: datetime
    members: int
    run_id: str


class Seen(Answer):
    """What the platform said at one look."""

    at: datetime
    low: int | None
    high: int | None
    match_rate: float | None
    match_rate_told: str | None
    status: str | None
    verdict: str | None
    told: str | None


class Schedule(Answer):
    """When the segment runs by itself."""

    text: str | None
    """A cron expression, a preset, ``after`` assets, or null for by hand alone."""
    in_words: str | None
    """The same as Airflow says it: ``At 05:00``."""
    next_run_at: datetime | None
    paused: bool
    """Nothing runs before somebody unpauses the DAG."""


class Origin(Answer):
    """One arrow of the lineage: a source column, what makes a match key of it, and the platform's field."""

    column: str
    use: Literal["match_key", "region", "member_key", "consent", "value", "suppression"]
    """What the column is for; only match keys and the value arrive at the platform."""
    recipe: str | None = None
    """The name and version of the rule, or what the column is asked for."""
    field: str | None = None
    platform_field: str | None = None
    hashed: bool = False
    """Only a SHA-256 of it leaves."""


class Lineage(Answer):
    """From the source's columns to the platform's fields."""

    source: str
    """A table, a file, the name of a query, never its text, or that it is pushed."""
    source_connection: str | None
    platform: str
    audience: str
    origins: tuple[Origin, ...]


class Audience(Answer):
    """The page of one audience."""

    audience: AudienceRow
    audience_id: str | None
    audience_url: str | None
    """On the platform's own site."""
    description: str
    owner: str | None
    dag_url: str
    schedule: Schedule
    sealed: tuple[Sealed, ...]
    """The newest 200 generations, the oldest first."""
    seen: tuple[Seen, ...]
    """The newest 200 looks, the oldest first."""
    runs: tuple[RunRow, ...]
    """The newest 50 runs that served it, the newest first; more by ``/runs``."""
    waiting: Waiting | None
    problem: str | None = None
    """Why the segment's file cannot be used, or that there is none."""
