"""`make cluster`: starts the cluster with the sandbox, shows where things are, and stops it at Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from rich.console import Console

from guestlist.cli.cluster.cluster import Cluster
from guestlist.cli.cluster.dotenv import filled, variables
from guestlist.model.errors import GuestlistError
from guestlist.runtime.config import Config

PROJECT = Path(__file__).resolve().parents[4]


def main() -> int:
    """Run until interrupted; secrets are made anew each time, since volumes are."""
    console = Console(highlight=False, soft_wrap=True)
    folder = Config.from_environment().home / "cluster" / str(os.getpid())
    folder.mkdir(parents=True, mode=0o700)
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, ask_to_stop)
    signal.signal(signal.SIGTERM, ask_to_stop)
    secrets = variables(filled((PROJECT / ".env.example").read_text(encoding="utf-8")))
    cluster = Cluster(PROJECT / "docker-compose.yaml", folder, {**secrets, **os.environ}, profiles=("sandbox",))
    try:
        with ExitStack() as running:
            with console.status(
                "PostgreSQL, Redis, an object store, the sandbox and Airflow's components (about a minute) ..."
            ):
                running.enter_context(cluster)
            _show(console, cluster)
            stop.wait()
            console.print("Stopping ...")
    except GuestlistError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    return 0


def _show(console: Console, cluster: Cluster) -> None:
    password = cluster.variables["AIRFLOW_ADMIN_PASSWORD"]
    console.print(f"Airflow   {cluster.url}   user [bold]admin[/bold]   password [bold]{password}[/bold]")
    console.print(f"Sandbox   {cluster.sandbox_url}/admin/health")
    for container in cluster.containers:
        if not container.service.ends:
            console.print(f"{container.name:26} pid {container.process.pid:<8} log {os.path.relpath(container.log)}")
    console.print("Ctrl-C stops everything.")


if __name__ == "__main__":
    sys.exit(main())
