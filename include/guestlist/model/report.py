"""A run's report as data: what became of each audience, in counts and names, never a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from guestlist.model.plan import Drops


@dataclass(frozen=True)
class OptOuts:
    """Members who are off an audience since its last generation, and the seconds that it took."""

    members: int
    median_seconds: float
    worst_seconds: float


@dataclass
class DestinationReport:
    """One audience in one run. Members are people, rows are what requests carry; all of it from receipts."""

    label: str
    platform: str
    audience: str
    state: str
    """sealed | dry | rejected (sealed, but rows were lost) | unconfirmed | unsent | stopped | failed"""
    url: str | None = None
    wanted: int = 0
    held: int = 0
    added: int = 0
    removed: int = 0
    renewed: int = 0
    rows_planned: int = 0
    rows_accepted: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    unconfirmed: int = 0
    unsent: int = 0
    without_key: int = 0
    without_value: int = 0
    requests: int = 0
    batches: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    """Of these seconds, those after everything was sent, until the platform had said what became of it."""
    generation: int | None = None
    members: int | None = None
    size: str | None = None
    match_rate: str | None = None
    opt_outs: OptOuts | None = None
    """How long it took until the platform had confirmed that those who left are off; None where nobody left."""
    breaches: list[str] = field(default_factory=list)

    @property
    def losses(self) -> list[str]:
        """What it is without: rows by what became of them, and guards that were breached."""
        parts = [f"{count:,} rejected as {reason}" for reason, count in sorted(self.rejected.items())]
        open_rows = {"unconfirmed": self.unconfirmed, "unsent": self.unsent}
        parts += [f"{count:,} {'row' if count == 1 else 'rows'} {state}" for state, count in open_rows.items() if count]
        return parts + self.breaches

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> DestinationReport:
        """What `RunReport.as_json` wrote, in this version or an earlier one, which knew less."""
        known = {one.name for one in fields(cls)}
        took = document.get("opt_outs")
        values = {name: value for name, value in document.items() if name in known}
        return cls(**{**values, "opt_outs": OptOuts(**took) if took else None})


@dataclass
class RunReport:
    """One run of a segment."""

    segment: str
    run_id: str
    drops: Drops
    destinations: list[DestinationReport]

    @property
    def state(self) -> str:
        """The worst state of its destinations; ``sealed`` is the only green one."""
        order = ("failed", "stopped", "unsent", "unconfirmed", "rejected", "sealed", "dry")
        states = {destination.state for destination in self.destinations}
        return next((state for state in order if state in states), "sealed")

    def as_json(self) -> dict[str, Any]:
        """Plain JSON: names and counts."""
        return {**asdict(self), "state": self.state}


def lost(report: DestinationReport) -> str:
    """What a destination is without, in brackets."""
    return f" ({', '.join(report.losses)})" if report.losses else ""
