"""One word for how an audience stands, and one sentence on what is wrong."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from guestlist.model.report import DestinationReport
from guestlist.runtime.stopped import Stopped
from guestlist.runtime.stopped import told as in_words
from guestlist.runtime.views.standing import Standing


class Status(StrEnum):
    """How an audience stands; the first that holds, in this order."""

    WAITING = "waiting"
    """A guard stopped the newest plan, and nobody has decided."""
    RUNNING = "running"
    """A run is under way that has not sealed it yet."""
    FAILED = "failed"
    """The last run ended without what it should have delivered."""
    UNCONFIRMED = "unconfirmed"
    """The platform has not said what became of what was sent."""
    STALE = "stale"
    """A second run that should have sealed it has become due since it was sealed."""
    IN_STEP = "in_step"
    """The last run ended with the audience equal to the segment."""
    NEW = "new"
    """No run has ended that served it."""


@dataclass(frozen=True, slots=True)
class Activity:
    """What is known of a segment's runs besides the ledger."""

    running: Collection[str] = ()
    """Ids of runs that are under way; a run of the command line is one without an id in Airflow."""
    died: str | None = None
    """The newest of Airflow's runs, where it failed."""
    died_at: datetime | None = None
    """When that run began."""
    told: str | None = None
    """Why it failed, where that is known."""


def is_late(standing: Standing, stale_before: datetime | None) -> bool:
    """Whether an audience is stale, whatever else it is."""
    return standing.sealed is not None and stale_before is not None and standing.sealed.at < stale_before


def status_of(standing: Standing, activity: Activity, stale_before: datetime | None) -> tuple[Status, str | None]:
    """How an audience stands, and why where it is not in step."""
    stopped, told, sealed, newest = standing.stopped, standing.told, standing.sealed, standing.newest
    if stopped is not None and stopped.open:
        return Status.WAITING, "; ".join(map(str, stopped.breaches))
    if activity.running and not (newest is not None and newest.run_id in activity.running and standing.sealed_by_newest):
        return Status.RUNNING, None
    if (why := _broken_off(standing, activity)) is not None:
        return Status.FAILED, why
    if told is not None and told["state"] not in ("sealed", "dry"):
        status = Status.UNCONFIRMED if told["state"] == "unconfirmed" else Status.FAILED
        return status, _why(DestinationReport.from_json(told), stopped)
    if is_late(standing, stale_before) and sealed is not None:
        return Status.STALE, f"not sealed since {sealed.at:%Y-%m-%d %H:%M} UTC, although its schedule was due twice"
    return (Status.IN_STEP, None) if sealed is not None else (Status.NEW, None)


def _broken_off(standing: Standing, activity: Activity) -> str | None:
    """Why the newest run has no report, where it is over."""
    newest, run = standing.newest, standing.run
    if activity.running:
        return None
    if activity.died_at and (newest is None or (activity.died != newest.run_id and activity.died_at > newest.started_at)):
        return activity.told or f"the run {activity.died} failed before it had prepared anybody; its tasks tell why"
    if standing.sealed_by_newest:
        return None
    if newest is not None and newest.ended_at is None:
        return f"the run {newest.run_id} was broken off before its report"
    return f"the run {run.run_id} failed before its report" if run is not None and standing.told is None else None


_WORDS = {"failed": "nothing was planned or sent", "unsent": "not everything was sent", "stopped": "a guard stopped it"}


def _why(report: DestinationReport, stopped: Stopped | None) -> str:
    """What the last run's report says of it, and what a person has decided since."""
    facts = report.losses or [_WORDS.get(report.state, report.state)]
    decided = [in_words(stopped.decision)] if stopped is not None and stopped.decision is not None and not stopped.open else []
    return "; ".join([*decided, *facts])
