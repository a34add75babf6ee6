"""A stage to try things on: a folder with the sample warehouse, the sandbox platforms, and an Airflow of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from guestlist.cli.pools import pools_of
from guestlist.cli.sandbox import build_sample, connections_to
from guestlist.runtime.config import segments_folder
from guestlist.runtime.segments import read_segment, segment_files
from guestlist.runtime.vault import create_key_file

if TYPE_CHECKING:
    from guestlist.sandbox.server import Sandbox

_PROJECT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Stage:
    """A folder and what stands in it."""

    folder: Path

    @property
    def warehouse(self) -> Path:
        """The DuckDB file."""
        return self.folder / "warehouse.duckdb"

    @property
    def airflow_home(self) -> Path:
        """Airflow's own folder: settings, database, logs."""
        return self.folder / "airflow"

    def environment(self, sandbox: Sandbox) -> dict[str, str]:
        """The variables under which Guestlist and Airflow use this stage and nothing else."""
        return {
            **os.environ,
            "PYTHONPATH": str(_PROJECT / "include"),
            "PYTHONWARNINGS": "ignore",
            "GUESTLIST_HOME": str(self.folder),
            "GUESTLIST_VAULT_KEY": str(self.folder / "vault.key"),
            "AIRFLOW_HOME": str(self.airflow_home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(_PROJECT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(_PROJECT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
            "AIRFLOW__CORE__PARALLELISM": "8",  # SQLite: more at once than this and it reports locks
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",  # the default holds a finished task's slot for up to 5 s
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            **connections(sandbox, self.warehouse),
        }

    def make_key(self) -> None:
        """Make the key of what is kept for plain-text platforms."""
        path = self.folder / "vault.key"
        if not path.exists():
            create_key_file(path)

    def build_warehouse(self) -> None:
        """Make the sample warehouse."""
        build_sample(self.warehouse)

    def airflow(self, *arguments: str, sandbox: Sandbox, log: IO[str]) -> subprocess.Popen[str]:
        """Start an Airflow command on this stage."""
        return self._start("airflow", *arguments, sandbox=sandbox, stdout=log, stderr=subprocess.STDOUT)

    def dag_runner(self, dag_id: str, sandbox: Sandbox, log: IO[str]) -> subprocess.Popen[str]:
        """Start what runs a DAG for each line that it is given; see `dagtest`."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        return self._start("guestlist.orchestration.dagtest", dag_id, sandbox=sandbox, stderr=log, **pipes)

    def _start(self, module: str, *arguments: str, sandbox: Sandbox, **pipes: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.Popen(command, env=self.environment(sandbox), cwd=self.folder, text=True, **pipes)

    def import_pools(self, sandbox: Sandbox, log: IO[str]) -> int:
        """Make the pools that the segments' tasks name: a task whose pool is missing waits for ever."""
        file = self.folder / "pools.json"
        segments = [read_segment(path) for path in segment_files(segments_folder())]
        file.write_text(json.dumps(pools_of(segments, slots=4)), encoding="utf-8")
        return self.airflow("pools", "import", str(file), sandbox=sandbox, log=log).wait()


def connections(sandbox: Sandbox, warehouse: Path) -> dict[str, str]:
    """The connections of the sample segments, pointed at the sandbox and the sample warehouse."""
    made = connections_to(sandbox, warehouse, first=0.1, longest=1.0)
    return {f"AIRFLOW_CONN_{name.upper()}": json.dumps(connection) for name, connection in made.items()}
