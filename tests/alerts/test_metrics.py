"""Metrics: every number comes from the books, through Airflow's own client, to a real StatsD listener and a real OTLP one."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from alerts.conftest import Project
from alerts.webhook import run
from runtime.rig import GOOGLE, META, Rig, people
from servers import answering

from guestlist.orchestration.metrics import emit
from guestlist.runtime.metrics import METRICS, measure, share

LISTED = ("platform", "segment", "destination")


def initialise() -> None:
    """As Airflow does when a task's process starts."""
    from airflow.sdk.configuration import conf
    from airflow.sdk.observability import stats
    from airflow.sdk.observability.metrics.stats_utils import get_stats_factory

    stats.initialize(factory=get_stats_factory(), export_legacy_names=conf.getboolean("metrics", "legacy_names_on"))


class Statsd:
    """A listener for StatsD's datagrams."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener

    def got(self) -> dict[str, str]:
        """The last value of every gauge of ours."""
        found = {}
        while True:
            try:
                name, _, value = self._listener.recv(65536).decode().partition(":")
            except BlockingIOError:
                return found
            if name.startswith("airflow.guestlist."):
                found[name.removeprefix("airflow.guestlist.")] = value.removesuffix("|g")


@pytest.fixture
def statsd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Statsd]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_HOST", "127.0.0.1")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_PORT", str(listener.getsockname()[1]))
        initialise()
        yield Statsd(listener)
    monkeypatch.undo()
    initialise()
