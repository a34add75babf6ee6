"""Stuck sessions: opened and never settled, for longer than the platform's own documentation allows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from guestlist.model.capabilities import Capabilities
from guestlist.model.errors import GuestlistError, Unconfirmed
from guestlist.model.segment import Segment
from guestlist.runtime import clock
from guestlist.runtime.wiring import Workspace

_WITHOUT_POLLING = 24 * 3600.0
"""Seconds, where the platform answers at once: longer than any run that is still at work sends one operation."""


@dataclass(frozen=True)
class Stuck:
    """A session that nobody has heard of for too long."""

    segment: str
    label: str
    run_id: str
    operation: str
    state: str
    rows: int
    since: datetime
    allowed_hours: float

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "since": self.since.isoformat(timespec="seconds")}


def stuck_sessions(workspace: Workspace, segments: Iterable[Segment]) -> list[Stuck]:
    """Sessions that still count, the oldest first. What a later sealed plan has left behind is over, however it ended."""
    found = []
    for segment in segments:
        for label, capabilities in workspace.capabilities(segment).items():
            allowed = _allowed(capabilities)
            for row in workspace.ledger.open_sessions(segment.name, label):
                if clock.now() - row.since > allowed:
                    hours = allowed.total_seconds() / 3600
                    found.append(Stuck(segment.name, label, row.run_id, row.operation, row.state, row.rows, row.since, hours))
    return sorted(found, key=lambda one: one.since)


def trouble(found: Sequence[Stuck]) -> GuestlistError | None:
    """The error that a person has to see."""
    if not found:
        return None
    told = "; ".join(
        f"{one.segment}: {one.label}, {one.operation} of {one.rows:,} rows by run {one.run_id}, {one.state} since "
        f"{one.since:%Y-%m-%d %H:%M} UTC, allowed {one.allowed_hours:.0f} h"
        for one in found
    )
    return Unconfirmed(f"sessions that never settled: {told}. Run these segments: a run settles or repeats what is open")


def _allowed(capabilities: Capabilities) -> timedelta:
    return timedelta(seconds=capabilities.polling.give_up if capabilities.polling else _WITHOUT_POLLING)
