"""Airflow's components as processes on one stage, as `airflow standalone` runs them, but all of them bound to loopback.

`airflow standalone` itself starts two log servers that listen on every address of the machine and cannot be told otherwise;
on one machine nobody needs them.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from guestlist.cli.stage import Stage
from guestlist.destinations.base import Settings
from guestlist.model.conversation import Call
from guestlist.model.errors import GuestlistError, TransientError
from guestlist.runtime import clock
from guestlist.runtime.carriers.http import HttpCarrier
from guestlist.sandbox.server import Sandbox

_COMMANDS = (
    ("api-server", "--workers", "1"),
    ("scheduler", "--skip-serve-logs"),
    ("dag-processor",),
    ("triggerer", "--skip-serve-logs"),
)
_PARTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")
_READY_SECONDS = 120.0
_STOP_SECONDS = 15.0
_PASSWORDS = "simple_auth_manager_passwords.json.generated"


@dataclass(frozen=True)
class Airflow:
    """A running Airflow: where its UI is, and who may log in."""

    url: str
    user: str
    password: str
    log: Path
    api_server: int
    """Its process."""


@contextmanager
def running_airflow(stage: Stage, sandbox: Sandbox, port: int | None = None) -> Iterator[Airflow]:
    """Start all components, wait until they are healthy, and stop them at the end.

    Raises:
        TransientError: they did not become healthy; the log tells why.
    """
    port = free_port(8080) if port is None else port
    url = f"http://127.0.0.1:{port}"
    log = stage.folder / "airflow.log"
    environment = {
        **stage.environment(sandbox),
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
    }
    with log.open("a", encoding="utf-8") as output:
        processes = [_start(command, environment, stage.folder, output.fileno()) for command in _COMMANDS]
        try:
            _wait_until_healthy(url, processes, log)
            user, password = next(iter(json.loads((stage.airflow_home / _PASSWORDS).read_text(encoding="utf-8")).items()))
            yield Airflow(url, user, password, log, processes[0].pid)
        finally:
            _stop(processes)


def _start(command: Sequence[str], environment: dict[str, str], folder: Path, output: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "airflow", *command],
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # so that each can be stopped with the workers that it forks
    )


def _wait_until_healthy(url: str, processes: Sequence[subprocess.Popen[bytes]], log: Path) -> None:
    carrier = HttpCarrier(Settings(endpoint=url, timeout_seconds=10.0))
    deadline = clock.monotonic() + _READY_SECONDS
    while not _healthy(carrier):
        if any(process.poll() is not None for process in processes) or clock.monotonic() > deadline:
            raise TransientError(f"Airflow did not start: see {log}")
        clock.sleep(0.5)
    carrier.close()


def _healthy(carrier: HttpCarrier) -> bool:
    try:
        health = carrier.send(Call("http", "GET", "/api/v2/monitor/health")).body or {}
    except GuestlistError:
        return False
    return all((health.get(part) or {}).get("status") == "healthy" for part in _PARTS)


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask each group to end, and end those that do not."""
    for process in processes:
        _signal(process, signal.SIGTERM)
    for process in processes:
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGKILL)
            process.wait()
        _signal(process, signal.SIGKILL)  # what is left of its group


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def free_port(wanted: int) -> int:
    """The wanted port of loopback, or any free one if somebody listens there."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return wanted
