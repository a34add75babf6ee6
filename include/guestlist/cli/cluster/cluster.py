"""A cluster of plain processes: what docker-compose.yaml says, started in its order, watched by its own healthchecks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from guestlist.cli.cluster.compose import Service, read_compose
from guestlist.cli.cluster.loopback import Loopback
from guestlist.cli.cluster.stand_ins import Program, program
from guestlist.model.connection import Connection, parse_connection
from guestlist.model.errors import TransientError
from guestlist.runtime import clock

_READY_SECONDS = 300.0
_STOP_SECONDS = 20.0
_HEALTH_SECONDS = 60.0


@dataclass
class Container:
    """One process group that stands for a container. It is healthy once its healthcheck has passed."""

    service: Service
    index: int
    program: Program
    process: subprocess.Popen[bytes]
    log: Path
    healthy: bool = False

    @property
    def name(self) -> str:
        """As compose calls it."""
        return f"{self.service.name}-{self.index}"

    def check(self, folder: Path) -> bool:
        """Ask the healthcheck, unless it has passed before."""
        if not self.healthy and self.program.health:
            try:
                done = subprocess.run(
                    self.program.health,
                    env=dict(self.program.environment),
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    timeout=_HEALTH_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return False
            self.healthy = done.returncode == 0
        return self.healthy

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to everything that the container runs."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return


@dataclass
class Cluster:
    """The services of a compose file, running on loopback below ``folder``."""

    file: Path
    folder: Path
    variables: Mapping[str, str]
    profiles: Collection[str] = ()
    containers: list[Container] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read the file; nothing is started yet."""
        self.services = read_compose(self.file, self.variables, self.profiles)
        self.there = Loopback(self.file.parent, self.folder, tuple(self.services))

    @property
    def url(self) -> str:
        """Where Airflow's UI is."""
        return f"http://127.0.0.1:{self.there.port('airflow-apiserver', 8080)}"

    @property
    def sandbox_url(self) -> str:
        """Where the sandbox platforms are."""
        return f"http://127.0.0.1:{self.there.port('sandbox', 8765)}"

    def connection(self, name: str) -> Connection:
        """A connection as the cluster's tasks find it: in their environment, or among those that Airflow was given."""
        if text := self.environment("airflow-worker").get(f"AIRFLOW_CONN_{name.upper()}"):
            return parse_connection(name, text)
        written = self.there.local("/opt/airflow/sandbox/connections.json", self.services["sandbox"])
        return parse_connection(name, json.dumps(json.loads(Path(written).read_text(encoding="utf-8"))[name]))

    def environment(self, service: str) -> dict[str, str]:
        """What a process needs in its environment to be part of the cluster as that service is."""
        return dict(program(self.services[service], 0, self.there).environment)

    def __enter__(self) -> Self:
        """Start everything, and wait until all of it is healthy or has done its work.

        Raises:
            TransientError: something failed, or took too long; its log tells why.
        """
        self.there.airflow_home.mkdir(parents=True, exist_ok=True)
        (self.folder / "logs").mkdir(exist_ok=True)
        try:
            self._start_all()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop everything, the last started first."""
        self._stop()

    def of(self, service: str) -> list[Container]:
        """The containers of a service."""
        return [container for container in self.containers if container.service.name == service]

    def _start_all(self) -> None:
        waiting = dict(self.services)
        deadline = clock.monotonic() + _READY_SECONDS
        while waiting or not all(self._settled(container) for container in self.containers):
            for name, service in list(waiting.items()):
                if all(self._holds(other, condition) for other, condition in service.after.items()):
                    self._start(waiting.pop(name))
            late = clock.monotonic() > deadline
            for container in self.containers:
                if container.process.poll() not in (None, 0) or (late and not self._settled(container)):
                    raise TransientError(f"{container.name} did not start: see {container.log}")
            clock.sleep(0.2)

    def _settled(self, container: Container) -> bool:
        return container.process.poll() == 0 if container.service.ends else container.check(self.folder)

    def _holds(self, other: str, condition: str) -> bool:
        """A condition of ``depends_on``."""
        containers = self.of(other)
        return bool(containers) and (condition == "service_started" or all(map(self._settled, containers)))

    def _start(self, service: Service) -> None:
        for index in range(1, service.replicas + 1):
            runs = program(service, index, self.there)
            log = self.folder / "logs" / f"{service.name}-{index}.log"
            with log.open("ab") as output:
                process = subprocess.Popen(
                    runs.command,
                    env=dict(runs.environment),
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # so that it can be stopped with all that it starts
                    user=runs.user,
                )
            self.containers.append(Container(service, index, runs, process, log))
            runs.started()

    def _stop(self) -> None:
        for container in reversed(self.containers):
            container.signal(signal.SIGTERM)
            try:
                container.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                container.signal(signal.SIGKILL)
                container.process.wait()
            container.signal(signal.SIGKILL)  # what is left of its group
        self.containers.clear()
