"""Stale audiences: not sealed for longer than the segment's schedule allows, whatever kept its runs from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from croniter import croniter

from guestlist.model.segment import After, Segment
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.ledger.rows import aware

_CRON = {"@quarterly": "0 0 1 */3 *"}
"""Presets of Airflow that croniter does not know."""
_WITHOUT_TIMES = ("@once", "@continuous")


@dataclass(frozen=True)
class Stale:
    """An audience that is older than it should be."""

    segment: str
    label: str
    platform: str
    sealed_at: datetime
    since: datetime
    """When the second run began that should have sealed it: the first may have been at work until then."""


def stale_audiences(ledger: Ledger, segment: Segment, until: datetime) -> Iterator[Stale]:
    """The audiences of a segment that are stale at a moment; none where the schedule names no times, or nothing was sealed."""
    oldest = stale_before(segment.schedule, until)
    if oldest is None:
        return
    for target in segment.destinations:
        sealed = ledger.generation(segment.name, target.label)
        if sealed is None or (sealed_at := aware(sealed.sealed_at)) >= oldest:
            continue
        times = _times(segment.schedule, sealed_at)
        times.get_next(datetime)
        yield Stale(segment.name, target.label, target.platform, sealed_at, times.get_next(datetime))


def stale_before(schedule: str | After | None, until: datetime) -> datetime | None:
    """The last time but one at which a run has begun: what was sealed before is stale. None where nothing ever is."""
    if not isinstance(schedule, str) or schedule in _WITHOUT_TIMES:
        return None
    times = _times(schedule, until.replace(microsecond=0) + timedelta(seconds=1))  # a run that begins right now counts
    times.get_prev(datetime)
    before: datetime = times.get_prev(datetime)
    return before


def _times(schedule: Any, start: datetime) -> Any:
    return croniter(_CRON.get(schedule, schedule), start)
