"""Where on this machine the things are that services of docker-compose.yaml name: addresses and paths in containers."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from guestlist.cli.cluster.compose import Service
from guestlist.cli.components import free_port

_HOME = "/opt/airflow"


@dataclass
class Loopback:
    """Translates what is written for containers. ``folder`` holds the volumes; ``project`` is where the file lies."""

    project: Path
    folder: Path
    services: Collection[str]
    _ports: dict[tuple[str, int], int] = field(default_factory=dict)

    @property
    def airflow_home(self) -> Path:
        """What is /opt/airflow in the containers."""
        return self.folder / "airflow"

    def port(self, service: str, port: int) -> int:
        """The port of loopback that stands for a service's."""
        if (service, port) not in self._ports:
            self._ports[service, port] = free_port(0)
        return self._ports[service, port]

    def local(self, text: str, service: Service) -> str:
        """A word of a command or of the environment as it has to be on this machine."""
        return self._paths(self._addresses(text, service), service)

    def environment(self, service: Service) -> dict[str, str]:
        """The service's environment on this machine."""
        return {name: self.local(value, service) for name, value in service.environment.items()}

    def _addresses(self, text: str, service: Service) -> str:
        names = "|".join(map(re.escape, (*self.services, "localhost")))

        def address(match: re.Match[str]) -> str:
            whose = service.name if match[1] == "localhost" else match[1]
            return f"127.0.0.1:{self.port(whose, int(match[2]))}"

        return re.sub(rf"(?<![\w.-])({names}):(\d+)\b", address, text)

    def _paths(self, text: str, service: Service) -> str:
        for path, here in sorted(self._mounts(service).items(), key=lambda mount: -len(mount[0])):
            text = re.sub(rf"(?<![\w.-]){re.escape(path)}(?![\w.-])", lambda _match, here=here: str(here), text)  # type: ignore[misc]
        return text

    def _mounts(self, service: Service) -> Mapping[str, Path]:
        mounts = {target: self._source(source) for source, target in service.volumes}
        return {**mounts, _HOME: self.airflow_home}

    def _source(self, source: str) -> Path:
        if source.startswith("."):
            return (self.project / source).resolve()
        volume = self.folder / "volumes" / source
        volume.mkdir(parents=True, exist_ok=True)
        return volume
