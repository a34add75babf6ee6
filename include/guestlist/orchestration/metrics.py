"""Hands metrics to Airflow's own client, whatever back end it is set to: StatsD, Datadog or OpenTelemetry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guestlist.model.segment import Segment
    from guestlist.runtime.ledger import Ledger


def emit(ledger: Ledger, segments: Iterable[Segment]) -> int:
    """Emit what the ledger says of these segments as gauges; returns how many.

    Plain StatsD knows no tags and would keep one number for all audiences: there the name carries them, as Airflow's own do.
    """
    from airflow.sdk.observability import stats

    from guestlist.runtime.metrics import measure

    tagged, count = _tagged(), 0
    for segment in segments:
        for one in measure(ledger, segment):
            name = f"guestlist.{one.name}"
            tags = {"platform": one.platform, "segment": one.segment, "destination": one.destination}
            if tagged:
                stats.gauge(name, one.value, tags=tags)
            else:
                stats.gauge(".".join((name, *tags.values())), one.value)
            count += 1
    return count


def _tagged() -> bool:
    """Whether the back end that Airflow would choose carries tags."""
    from airflow.sdk.configuration import conf

    plain = conf.getboolean("metrics", "statsd_on") and not conf.getboolean("metrics", "statsd_datadog_enabled")
    return not plain or conf.getboolean("metrics", "statsd_influxdb_enabled")
