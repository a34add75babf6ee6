"""Starts the sandbox: every platform of this package, found by its file name, behind one HTTP and one gRPC address.

Run it by hand with ``python -m guestlist.sandbox.server --state-dir DIR``; docs/sandbox.md is its page.
"""

from __future__ import annotations

import argparse
import json
import pkgutil
import shutil
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

import uvicorn

from guestlist import sandbox
from guestlist.sandbox._certificates import certificates
from guestlist.sandbox._http import Gate, connection_factory
from guestlist.sandbox._rpc import RpcServer
from guestlist.sandbox.admin import Admin
from guestlist.sandbox.core import Json, Platform, Request, World
from guestlist.sandbox.oauth import write_service_account

_NOT_PLATFORMS = {"core", "server", "admin"}
_LOOPBACK = "127.0.0.1"


def platform_classes() -> Iterator[type[Platform]]:
    """The platforms of this package: its modules that are neither private nor the sandbox's own."""
    for module in pkgutil.iter_modules(sandbox.__path__):
        if not module.name.startswith("_") and module.name not in _NOT_PLATFORMS:
            yield import_module(f"{sandbox.__name__}.{module.name}").PLATFORM


class Sandbox:
    """All emulated platforms in this process, on loopback, in threads of their own.

    ``state_dir`` keeps the books over restarts. Port 0 means any free one. ``settle_seconds`` is how long asynchronous work
    takes on the sandbox's clock, in place of each platform's realistic default. ``ca_dir`` is where the certificate authority
    lives; several sandboxes in one process need the same one, because gRPC reads its roots only once. ``host`` is what other
    machines call this one: then it listens on all addresses.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        http_port: int = 0,
        grpc_port: int = 0,
        settle_seconds: float | None = None,
        ca_dir: Path | None = None,
        host: str = _LOOPBACK,
    ) -> None:
        self.state_dir = Path(state_dir)
        self.ca_file = self.state_dir / "ca.pem"
        self.http_url = ""
        self.grpc_endpoint = ""
        self._ca_dir = Path(ca_dir or state_dir)
        self._ports = (http_port, grpc_port)
        self._host = host
        self._settle_seconds = settle_seconds
        self._started = ExitStack()
        self._stopped = threading.Event()

    def start(self) -> Self:
        """Start serving; returns when both addresses answer. `OSError` or `RuntimeError` if a port is taken."""
        for folder in (self.state_dir, self._ca_dir):
            folder.mkdir(parents=True, exist_ok=True)
        ca_file, key, chain = certificates(self._ca_dir, self._host)
        if ca_file != self.ca_file:
            shutil.copyfile(ca_file, self.ca_file)
        with ExitStack() as started:
            world = World(self.state_dir, self._settle_seconds)
            started.callback(world.store.close)
            world.platforms = {found.name: found(world) for found in platform_classes()}
            listens_on = _LOOPBACK if self._host == _LOOPBACK else "0.0.0.0"  # noqa: S104 - asked for by naming a host
            self._gate = Gate(world, Admin(world))
            self.http_url = f"http://{self._host}:{_start_http(self._gate, listens_on, self._ports[0], started)}"
            rpc = RpcServer(world, key, chain)
            named = "localhost" if self._host == _LOOPBACK else self._host
            self.grpc_endpoint = f"{named}:{rpc.start(listens_on, self._ports[1])}"
            started.callback(rpc.stop)
            world.addresses |= self._addresses()
            self._started = started.pop_all()
        return self

    def _addresses(self) -> dict[str, str]:
        token_uri = f"{self.http_url}/oauth/token"
        return {
            "http": self.http_url,
            "grpc": self.grpc_endpoint,
            "ca_file": str(self.ca_file),
            "token_uri": token_uri,
            "service_account_file": str(write_service_account(self.state_dir, token_uri)),
        }

    def connections(self) -> dict[str, dict[str, Json]]:
        """The ``extra`` of a connection to each platform, by the platform's name; its secrets are constants."""
        addresses = {"{http}": self.http_url, "{grpc}": self.grpc_endpoint, "{ca_file}": str(self.ca_file)}
        return {
            found.name: {name: _filled(value, addresses) for name, value in found.connection.items()}
            for found in platform_classes()
            if found.connection
        }

    def admin(self, method: str, path: str, body: Json = None) -> Json:
        """Ask the admin API from this process, without the way over HTTP; ``path`` is what comes after ``/admin/``.

        `ValueError` if it refuses.
        """
        parts = urlsplit(f"/admin/{path}")
        request = Request(
            method, parts.path, dict(parse_qsl(parts.query)), body=b"" if body is None else json.dumps(body).encode()
        )
        answer = self._gate.administer(request)
        if answer.status != 200:
            raise ValueError(f"{method} {path}: {answer.body}")
        return json.loads(json.dumps(answer.body))

    def stop(self) -> None:
        """Stop serving; what the books hold stays in the state directory."""
        self._started.close()
        self._stopped.set()

    def wait(self) -> None:
        """Block until interrupted or stopped."""
        try:
            self._stopped.wait()
        except KeyboardInterrupt:
            self.stop()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop."""
        self.stop()


def _filled(value: Json, addresses: Mapping[str, str]) -> Json:
    for word, address in addresses.items():
        value = value.replace(word, address) if isinstance(value, str) else value
    return value


def _start_http(gate: Gate, address: str, port: int, started: ExitStack) -> int:
    """Serve HTTP in a thread until ``started`` is closed; gives the port."""
    listener = started.enter_context(socket.create_server((address, port)))
    config = uvicorn.Config(
        gate,
        http=connection_factory,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        log_config=None,
        date_header=False,
        server_header=False,
        h11_max_incomplete_event_size=1_000_000,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="sandbox-http", daemon=True)
    thread.start()

    def stop() -> None:
        server.should_exit = True
        thread.join(10)

    started.callback(stop)
    pause = threading.Event()
    while not server.started and thread.is_alive():
        pause.wait(0.01)
    return int(listener.getsockname()[1])


def main() -> None:
    """Run a sandbox until interrupted, and print its addresses as one line of JSON."""
    parser = argparse.ArgumentParser(description="Run Guestlist's sandbox platforms on this machine.")
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--http-port", type=int, default=0)
    parser.add_argument("--grpc-port", type=int, default=0)
    parser.add_argument("--settle-seconds", type=float)
    given = parser.parse_args()
    running = Sandbox(
        given.state_dir, http_port=given.http_port, grpc_port=given.grpc_port, settle_seconds=given.settle_seconds
    ).start()
    addresses = {"http": running.http_url, "grpc": running.grpc_endpoint, "ca_file": str(running.ca_file)}
    print(json.dumps(addresses), flush=True)  # noqa: T201 - it is what the command is for
    signal.signal(signal.SIGTERM, lambda *_: running.stop())
    running.wait()


if __name__ == "__main__":
    main()
