"""`make up`: Airflow's UI with the sample segments and the sandbox platforms, on loopback, until Ctrl-C."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack

from rich.console import Console

from guestlist.cli.components import Airflow, free_port, running_airflow
from guestlist.cli.running import run_until_stopped
from guestlist.cli.stage import Stage
from guestlist.runtime.config import Config
from guestlist.sandbox.server import Sandbox

_SETTLE_SECONDS = 20.0


def main() -> int:
    """Start, show where things are, wait for Ctrl-C, stop."""
    console = Console(highlight=False, soft_wrap=True)
    stage = Stage(Config.from_environment().home / "up")
    stage.folder.mkdir(parents=True, exist_ok=True)

    def start(running: ExitStack) -> None:
        http, grpc = free_port(8765), free_port(8766)
        sandbox = running.enter_context(
            Sandbox(stage.folder / "sandbox", http_port=http, grpc_port=grpc, settle_seconds=_SETTLE_SECONDS)
        )
        with console.status("The sample warehouse, Airflow's database and its components (about half a minute) ..."):
            _set_up(stage, sandbox)
        _show(console, running.enter_context(running_airflow(stage, sandbox)), sandbox, stage)

    return run_until_stopped(console, start)


def _set_up(stage: Stage, sandbox: Sandbox) -> None:
    stage.make_key()
    if not stage.warehouse.exists():
        stage.build_warehouse()
    with (stage.folder / "airflow.log").open("a", encoding="utf-8") as log:
        stage.airflow("db", "migrate", sandbox=sandbox, log=log).wait()
        stage.import_pools(sandbox, log)


def _show(console: Console, airflow: Airflow, sandbox: Sandbox, stage: Stage) -> None:
    console.print(f"Airflow   {airflow.url}/dags   user [bold]{airflow.user}[/bold]   password [bold]{airflow.password}[/bold]")
    console.print(f"Sandbox   {sandbox.http_url}/admin/health   books: {sandbox.http_url}/admin/books/google, .../meta")
    console.print(f"Kept in   {os.path.relpath(stage.folder)}   log: {os.path.relpath(airflow.log)}")
    console.print("Trigger a DAG with the button at its top right. Ctrl-C stops everything.")


if __name__ == "__main__":
    sys.exit(main())
