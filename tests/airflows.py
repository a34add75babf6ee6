"""Airflow's home for tests that start one: its database is migrated once for all processes of a session, and then copied.

To migrate takes five seconds, and so does an import of pools; tests/end_to_end/test_scheduler.py does both as people do.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from guestlist.cli.pools import pools_of
from guestlist.cli.stage import Stage
from guestlist.runtime.config import segments_folder
from guestlist.runtime.segments import read_segment, segment_files


@dataclass(frozen=True)
class Homes:
    """Makes homes; what they are copied from stands below a folder that processes may share."""

    shared: Path

    def make(self, environment: Mapping[str, str]) -> None:
        """The ``AIRFLOW_HOME`` of these settings, as ``airflow db migrate`` makes it."""
        home, migrated = Path(environment["AIRFLOW_HOME"]), self._migrated(environment)
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy(migrated / "airflow.db", home)
        # its keys are made up by who comes first: components that start together would each have others
        settings = (migrated / "airflow.cfg").read_text(encoding="utf-8").replace(str(migrated), str(home))
        (home / "airflow.cfg").write_text(settings, encoding="utf-8")

    def make_ready(self, stage: Stage) -> None:
        """All that `running_airflow` needs: a home, and the pools of the segments."""
        self.make({**os.environ, "AIRFLOW_HOME": str(stage.airflow_home), "PYTHONWARNINGS": "ignore"})
        pools = pools_of([read_segment(path) for path in segment_files(segments_folder())], slots=4)
        rows = [(name, pool["slots"], pool["description"], pool["include_deferred"]) for name, pool in pools.items()]
        with closing(sqlite3.connect(stage.airflow_home / "airflow.db")) as database, database:
            query = "INSERT INTO slot_pool (pool, slots, description, include_deferred) VALUES (?, ?, ?, ?)"
            database.executemany(query, rows)

    def _migrated(self, environment: Mapping[str, str]) -> Path:
        """What is copied: an auth manager may have tables of its own in the database."""
        manager = environment.get("AIRFLOW__CORE__AUTH_MANAGER", "")
        home = self.shared / f"airflow-{hashlib.sha256(manager.encode()).hexdigest()[:8]}"
        with home.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
            if not (home / "made").exists():
                settings = {**environment, "AIRFLOW_HOME": str(home)}
                command = [sys.executable, "-m", "airflow", "db", "migrate"]
                done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stdout + done.stderr
                (home / "made").touch()
        return home


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Homes:
    base = tmp_path_factory.getbasetemp()
    return Homes(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)
