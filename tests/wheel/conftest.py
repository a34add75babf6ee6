"""An Airflow that is there already: its environment, with our wheel in it, and a folder of DAGs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from wheel.bare import build_wheel, make_environment

from guestlist.cli.stage import connections
from guestlist.sandbox.server import Sandbox

DAG_FILE = """from guestlist.orchestration import airflow_dags
globals().update(airflow_dags(__file__))
"""
SEGMENT = """
name: people
source: {file: people.csv}
key: id
identifiers: {email: email}
destinations:
  - {platform: google_ads, connection: google_ads_main, audience: People}
  - {platform: meta, connection: meta_main, audience: People}
"""


@dataclass(frozen=True)
class Site:
    """Somebody's Airflow: the Python that it runs on, its folder, and the variables that are set there."""

    python: Path
    folder: Path
    environment: dict[str, str]

    def run(self, *command: str, **more: str) -> str:
        """What a program of the environment prints, such as ``airflow`` as a module or ``guestlist`` as a script."""
        done = self.try_to_run(*command, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def try_to_run(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        """The same, however it ends."""
        script = self.python.with_name(command[0])
        start = [str(script)] if script.exists() else [str(self.python), "-m", command[0]]
        started = [*start, *command[1:]]
        environment = {**self.environment, **more}
        return subprocess.run(started, env=environment, cwd=self.folder, text=True, capture_output=True, check=False)

    def json(self, *command: str) -> Any:
        """The JSON that a program prints."""
        return json.loads(self.run(*command))


@pytest.fixture(scope="session")
def built_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("platforms"), settle_seconds=0.2) as running:
        yield running


@pytest.fixture(scope="session")
def site(built_wheel: Path, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    python = make_environment(folder / "venv", built_wheel)
    dags = folder / "airflow" / "dags"
    (dags / "segments").mkdir(parents=True)
    (dags / "guestlist_dags.py").write_text(DAG_FILE)
    (dags / "segments" / "people.yaml").write_text(SEGMENT)
    write_people(dags, range(50))
    theirs = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    environment = {
        **theirs,
        "HOME": str(folder),
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "PYTHONWARNINGS": "ignore",
        "GUESTLIST_HOME": str(folder / "kept"),
        **connections(sandbox, folder / "none.duckdb"),
    }
    made = Site(python, folder, environment)
    made.run("airflow", "db", "migrate")
    return made


def write_people(folder: Path, numbers: range) -> None:
    (folder / "people.csv").write_text("id,email\n" + "".join(f"{n},person{n}@example.com\n" for n in numbers))
