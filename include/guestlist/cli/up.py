"""`make up`: Airflow's UI with the sample segments and the sandbox platforms, on loopback, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

from rich.console import Console

from guestlist.cli.components import Airflow, free_port, running_airflow
from guestlist.cli.stage import Stage
from guestlist.model.errors import GuestlistError
from guestlist.runtime.config import Config
from guestlist.sandbox.server import Sandbox

_SETTLE_SECONDS = 20.0


def main() -> int:
    """Start, show where things are, wait for Ctrl-C, stop."""
    console = Console(highlight=False)
    stage = Stage(Config.from_environment().home / "up")
    stage.folder.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, ask_to_stop)
    signal.signal(signal.SIGTERM, ask_to_stop)
    http, grpc = free_port(8765), free_port(8766)
    try:
        with Sandbox(stage.folder / "sandbox", http_port=http, grpc_port=grpc, settle_seconds=_SETTLE_SECONDS) as sandbox:
            with console.status("The sample warehouse, Airflow's database and its components (about half a minute) ..."):
                _set_up(stage, sandbox)
            with running_airflow(stage, sandbox) as airflow:
                _show(console, airflow, sandbox, stage)
                stop.wait()
                console.print("Stopping ...")
    except GuestlistError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    return 0


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
