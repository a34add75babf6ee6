"""`make cluster`: starts the cluster with the sandbox, shows where things are, and stops it at Ctrl-C."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from guestlist.cli.cluster.cluster import Cluster
from guestlist.cli.cluster.dotenv import filled, variables
from guestlist.cli.running import run_until_stopped
from guestlist.runtime.config import Config

PROJECT = Path(__file__).resolve().parents[4]


def main() -> int:
    """Run until interrupted; secrets and volumes are made anew each time, and are gone after an orderly end."""
    console = Console(highlight=False, soft_wrap=True)
    folder = Config.from_environment().home / "cluster" / str(os.getpid())
    folder.mkdir(parents=True, mode=0o700)
    secrets = variables(filled((PROJECT / ".env.example").read_text(encoding="utf-8")))
    cluster = Cluster(PROJECT / "docker-compose.yaml", folder, {**secrets, **os.environ}, profiles=("sandbox",))

    def start(running: ExitStack) -> None:
        with console.status("PostgreSQL, Redis, an object store, the sandbox and Airflow's components (about a minute) ..."):
            running.enter_context(cluster)
        _show(console, cluster)

    if (code := run_until_stopped(console, start)) == 0:
        shutil.rmtree(folder)
    return code


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
