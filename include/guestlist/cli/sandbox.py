"""``guestlist sandbox``: the emulated platforms on this machine, until Ctrl-C."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from guestlist.cli.console import AsJson, show, show_json, tell
from guestlist.model.errors import ConfigError
from guestlist.runtime.config import Config

if TYPE_CHECKING:
    from guestlist.sandbox.server import Sandbox

_ADDRESS_HELP = "What clients call it; port 0 for any free one. Any host but 127.0.0.1 makes it listen on all addresses."
_LAST_PORT = 65_535


def sandbox(
    *,
    state: Annotated[Path | None, typer.Option(help="Folder of the books (default: sandbox in GUESTLIST_HOME).")] = None,
    http: Annotated[str, typer.Option(metavar="HOST:PORT", help=_ADDRESS_HELP)] = "127.0.0.1:8765",
    grpc: Annotated[str, typer.Option(metavar="HOST:PORT", help="The same for Google's APIs.")] = "127.0.0.1:8766",
    warehouse: Annotated[
        Path | None, typer.Option(help="Build a sample warehouse there, unless there is one, and connect it, too.")
    ] = None,
    settle_seconds: Annotated[
        float | None, typer.Option(min=0, help="How long asynchronous work takes, for all platforms.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the sandbox platforms until Ctrl-C; on loopback, unless other machines are to reach them."""
    from guestlist.sandbox.server import Sandbox

    folder = state or Config.from_environment().home / "sandbox"
    (host, http_port), (_, grpc_port) = _address(http), _address(grpc)
    if warehouse and not warehouse.exists():
        build_sample(warehouse)
    running = Sandbox(folder, host=host, http_port=http_port, grpc_port=grpc_port, settle_seconds=settle_seconds)
    try:
        running.start()
    except (OSError, RuntimeError) as error:
        raise ConfigError(f"the sandbox cannot start on {http} and {grpc}: {error}; choose others") from None
    try:
        made = connections_to(running, warehouse)
        (folder / "connections.json").write_text(json.dumps(made), encoding="utf-8")  # for `airflow connections import`
        if as_json:
            show_json({**addresses(running), "connections": made})
        else:
            _tell_addresses(running, made)
        running.wait()
    except KeyboardInterrupt:  # just before it began to wait
        running.stop()
    tell("the sandbox has stopped; its books stay in the folder")


def addresses(running: Sandbox) -> dict[str, str]:
    """Where the sandbox listens, and the certificate that vouches for its gRPC address."""
    return {
        "http": running.http_url,
        "grpc": running.grpc_endpoint,
        "ca_file": str(running.ca_file),
        "state": str(running.state_dir),
    }


def connections_to(
    running: Sandbox, warehouse: Path | None, *, first: float = 1, longest: float = 5
) -> dict[str, dict[str, Any]]:
    """Connections by the names that the sample segments use. Their secrets are constants of the sandbox.

    ``first`` and ``longest`` are the seconds between two looks at what a platform is still doing.
    """
    polling = {"poll_first_seconds": first, "poll_longest_seconds": longest}
    platforms = {
        f"{platform}_main": {"conn_type": "generic", "extra": {**extra, **polling}}
        for platform, extra in running.connections().items()
    }
    source = {"warehouse": {"conn_type": "duckdb", "host": str(warehouse)}} if warehouse else {}
    return {**source, **platforms}


def build_sample(path: Path) -> None:
    """Make a sample warehouse; SAMPLE_ROWS says how many customers."""
    from guestlist.sample.warehouse import build

    build(path, int(os.environ.get("SAMPLE_ROWS") or 50_000))


def _address(written: str) -> tuple[str, int]:
    host, _, port = written.rpartition(":")
    if not host or not port.isdecimal() or int(port) > _LAST_PORT:
        raise ConfigError(f"{written!r} is no address: write HOST:PORT, and 0 as the port for any free one")
    return host, int(port)


def _tell_addresses(running: Sandbox, made: dict[str, dict[str, Any]]) -> None:
    show(*(Text(f"{name:8} {value}") for name, value in addresses(running).items()))
    show(Text("\nConnections for another terminal:"))
    for name, connection in made.items():
        typer.echo(f"export AIRFLOW_CONN_{name.upper()}={shlex.quote(json.dumps(connection))}")
    show(Text("\nCtrl-C stops it."))
