"""Real receivers for metrics: a StatsD listener, and an OTLP one over HTTP; and Airflow's client, set up as in a task."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import airflow.sdk.serde  # noqa: F401 - it makes a client when it is first imported: not one of these
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from servers import answering

OURS = "airflow.guestlist."


@contextmanager
def client(**settings: str) -> Iterator[None]:
    """Airflow's client with these settings of its section ``metrics``, as it is when a task's process has started."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name if name.isupper() else f"AIRFLOW__METRICS__{name.upper()}", value)
        _initialise()
        yield
    _initialise()


def _initialise() -> None:
    from airflow.sdk.configuration import conf
    from airflow.sdk.observability import stats
    from airflow.sdk.observability.metrics.stats_utils import get_stats_factory

    stats.initialize(factory=get_stats_factory(), export_legacy_names=conf.getboolean("metrics", "legacy_names_on"))


class Statsd:
    """What has arrived as datagrams."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener

    def got(self) -> dict[str, float]:
        """The last value of every gauge of ours."""
        found = {}
        while True:
            try:
                lines = self._listener.recv(65536).decode().splitlines()
            except BlockingIOError:
                return found
            for name, _, value in (line.partition(":") for line in lines):
                if name.startswith(OURS) and value.endswith("|g"):
                    found[name.removeprefix(OURS)] = float(value.removesuffix("|g"))


@contextmanager
def statsd(**settings: str) -> Iterator[Statsd]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        port = str(listener.getsockname()[1])
        with client(statsd_on="True", statsd_host="127.0.0.1", statsd_port=port, **settings):
            yield Statsd(listener)
            _close()


def _close() -> None:
    """Airflow leaves its socket to the end of a task's process."""
    from airflow.sdk._shared.observability.metrics import stats

    stats._get_backend().statsd.close()


Gauge = tuple[str, frozenset[tuple[str, str]]]


class Otlp:
    """What has arrived as OTLP over HTTP."""

    def __init__(self) -> None:
        self.url = ""
        self.got: dict[Gauge, float] = {}

    def take(self, body: bytes) -> None:
        request = ExportMetricsServiceRequest.FromString(body)
        for resource in request.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    if metric.name.startswith(OURS):
                        self._keep(metric)

    def _keep(self, metric: Any) -> None:
        for point in metric.gauge.data_points:
            tags = frozenset((one.key, one.value.string_value) for one in point.attributes)
            self.got[metric.name.removeprefix(OURS), tags] = point.as_double or float(point.as_int)

    @property
    def environment(self) -> Mapping[str, str]:
        """What has Airflow send here."""
        return {"AIRFLOW__METRICS__OTEL_ON": "True", "OTEL_EXPORTER_OTLP_ENDPOINT": self.url}


@contextmanager
def otlp() -> Iterator[Otlp]:
    found = Otlp()

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.take(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with answering(Take) as found.url:
        yield found
