"""``guestlist sandbox``: the emulated platforms on this machine, until Ctrl-C."""

from __future__ import annotations

import json
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


def sandbox(
    *,
    state: Annotated[Path | None, typer.Option(help="Folder of the books (default: sandbox in GUESTLIST_HOME).")] = None,
    http_port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free one.")] = 8765,
    grpc_port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free one.")] = 8766,
    settle_seconds: Annotated[
        float | None, typer.Option(min=0, help="How long asynchronous work takes, for all platforms.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the sandbox platforms on loopback until Ctrl-C."""
    from guestlist.sandbox.server import Sandbox

    folder = state or Config.from_environment().home / "sandbox"
    running = Sandbox(folder, http_port=http_port, grpc_port=grpc_port, settle_seconds=settle_seconds)
    try:
        running.start()
    except (OSError, RuntimeError) as error:
        raise ConfigError(f"the sandbox cannot start on ports {http_port} and {grpc_port}: {error}; choose others") from None
    try:
        if as_json:
            show_json({**addresses(running), "connections": connections(running)})
        else:
            _tell_addresses(running)
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


def connections(running: Sandbox) -> dict[str, dict[str, Any]]:
    """Connections to the sandbox, by the names that the sample segments use. Their secrets are constants of the sandbox."""
    polling = {"poll_first_seconds": 1, "poll_longest_seconds": 5}
    return {
        f"{platform}_main": {"conn_type": "generic", "extra": {**extra, **polling}}
        for platform, extra in running.connections().items()
    }


def _tell_addresses(running: Sandbox) -> None:
    show(*(Text(f"{name:8} {value}") for name, value in addresses(running).items()))
    show(Text("\nConnections for another terminal:"))
    for name, connection in connections(running).items():
        typer.echo(f"export AIRFLOW_CONN_{name.upper()}={shlex.quote(json.dumps(connection))}")
    show(Text("\nCtrl-C stops it."))
