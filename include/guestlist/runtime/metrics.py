"""Metrics: what the ledger says of each audience, as numbers with names.

They are read from the books, so that a task that is tried again counts nothing twice, and a process that dies loses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from guestlist.model.segment import Destination, Segment
from guestlist.runtime import clock
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.ledger.rows import aware

METRICS = {
    "members": "members held by the newest sealed generation",
    "seconds_since_sealed": "seconds since the newest generation was sealed",
    "in_step": "1 if the last run ended with this audience in step, else 0",
    "wanted": "members who were wanted in the last run",
    "adds": "members added in the last run",
    "removes": "members removed in the last run",
    "renewals": "members whose membership was renewed in the last run",
    "rejects": "rows that the platform rejected in the last run",
    "unconfirmed": "rows of which the platform has not said what became in the last run",
    "unsent": "rows that the last run never sent",
    "requests": "requests of the last run, retries included",
    "seconds": "seconds of the last run from the opening of its sessions until they settled",
    "waits": "of these, the seconds after everything was sent, spent waiting for the platform",
    "match_rate": "the platform's own match rate, between 0 and 1; the lower end where it tells a range",
    "size": "the platform's own size of the audience; the lower end where it tells a range",
    "opt_out_seconds": "seconds from the first run without somebody to the platform's confirmation, the worst of the last run",
}
"""Name -> what it counts. All are gauges. A run that was dry, or did not serve the destination, is not its last run."""

_RUNS = 20
"""How many runs are looked at for the last one that served a destination."""
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)(?:-\d+(?:\.\d+)?)?\s*%")


@dataclass(frozen=True)
class Measured:
    """One number about one audience."""

    name: str
    value: float
    platform: str
    segment: str
    destination: str


def measure(ledger: Ledger, segment: Segment) -> Iterator[Measured]:
    """Every number that the ledger has of a segment's audiences; what it does not know is left out."""
    reports = [run.report["destinations"] for run in ledger.last_runs(segment.name, _RUNS) if run.report]
    for target in segment.destinations:
        of_label = (item for report in reports for item in report if item["label"] == target.label)
        last = next((item for item in of_label if item["state"] != "dry"), None)
        for name, value in _numbers(ledger, segment, target, last).items():
            if value is not None:
                yield Measured(name, float(value), target.platform, segment.name, target.label)


def _numbers(ledger: Ledger, segment: Segment, target: Destination, last: Mapping[str, Any] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    sealed = ledger.generation(segment.name, target.label)
    if sealed is not None:
        since = clock.now() - aware(sealed.sealed_at)
        found |= {"members": sealed.members, "seconds_since_sealed": since.total_seconds()}
    if last is not None:
        found |= _of_report(last)
    if (seen := ledger.last_seen(segment.name, target.label)) is not None:
        found |= {"size": seen.low, "match_rate": share(seen.match_rate) or found.get("match_rate")}
    return found


def _of_report(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "in_step": item["state"] == "sealed",
        "wanted": item["wanted"],
        "adds": item["added"],
        "removes": item["removed"],
        "renewals": item["renewed"],
        "rejects": sum(item["rejected"].values()),
        "unconfirmed": item["unconfirmed"],
        "unsent": item["unsent"],
        "requests": item["requests"],
        "seconds": item["seconds"],
        "waits": item.get("waited"),
        "match_rate": share(item["match_rate"]),
        "opt_out_seconds": (item["opt_outs"] or {}).get("worst_seconds"),
    }


def share(told: str | None) -> float | None:
    """A match rate as platforms word it (``72 %``, ``meta 40-50 %``, ``< 20 %``) as a number between 0 and 1."""
    if not told or (match := _PERCENT.search(told)) is None:
        return None
    return 0.0 if told.lstrip().startswith("<") else float(match[1]) / 100
