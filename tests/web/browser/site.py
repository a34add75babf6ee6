"""A running API server of Airflow with a made-up past of 500 segments on ten platforms, and who may log in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from guestlist.cli.components import free_port
from guestlist.cli.past import Past, write_segments
from guestlist.runtime import clock
from guestlist.runtime.ledger import Ledger, open_ledger
from guestlist.runtime.segments import read_segment, segment_files

ROOT = Path(__file__).resolve().parents[3]
SEGMENTS, RUNS = 500, 3
PASSWORDS = {"ann": "made-up-admin", "vic": "made-up-viewer"}
ROLES = {"ann": "admin", "vic": "viewer"}
ENTER_DAGS = """
import sys
from airflow.models.dag import DagModel
from airflow.utils.session import create_session
with create_session() as session:
    session.add_all(
        DagModel(dag_id=name, bundle_name="dags-folder", fileloc="guestlist_dags.py", is_paused=False, timetable_type="")
        for name in sys.argv[1:]
    )
"""
"""Airflow knows a DAG by its row; that of one segment is serialized in full, which for 500 would take half a minute."""


@dataclass(frozen=True)
class Site:
    """Where the server is, and its ledger."""

    url: str
    ledger: Ledger

    def token(self, user: str) -> str:
        """What the browser keeps as a cookie once somebody has logged in."""
        answer = httpx.post(f"{self.url}/auth/token", json={"username": user, "password": PASSWORDS[user]}, timeout=60)
        answer.raise_for_status()
        return answer.json()["access_token"]


@contextmanager
def running_site(folder: Path, segments: int = SEGMENTS) -> Iterator[Site]:
    """Serve what stands in an empty folder; everything is on loopback and ends with the context."""
    port = free_port(0)
    environment = _environment(folder, port)
    _airflow(environment, "db", "migrate")
    write_segments(folder / "segments", 1)
    _airflow(environment, "dags", "reserialize")
    write_segments(folder / "segments", segments)
    files = segment_files(folder / "segments")
    _python(environment, "-c", ENTER_DAGS, *(path.stem for path in files[1:]))
    ledger = open_ledger(environment["GUESTLIST_LEDGER"])
    Past(clock.now(), RUNS).write(ledger, [read_segment(path) for path in files])
    _erase_somebody(ledger)
    with (folder / "server.log").open("w") as log:
        command = [sys.executable, "-m", "airflow", "api-server", "--workers", "1"]
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield Site(_ready(server, port, folder), ledger)
        finally:
            server.terminate()
            server.wait()


def _environment(folder: Path, port: int) -> dict[str, str]:
    (folder / "passwords.json").write_text(json.dumps(PASSWORDS))
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT / "include"),
        "PYTHONWARNINGS": "ignore",
        "GUESTLIST_HOME": str(folder),
        "GUESTLIST_LEDGER": f"sqlite:///{folder}/ledger.db",
        "GUESTLIST_SEGMENTS": str(folder / "segments"),
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in ROLES.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "passwords.json"),
    }


def _airflow(environment: Mapping[str, str], *arguments: str) -> None:
    _python(environment, "-m", "airflow", *arguments)


def _python(environment: Mapping[str, str], *arguments: str) -> None:
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _erase_somebody(ledger: Ledger) -> None:
    ledger.enter_erasure("made-up-erasure", 2, {"email": 2}, "_erasures/made-up", "0" * 64)
    ledger.enter_steps("made-up-erasure")


def _ready(server: subprocess.Popen[bytes], port: int, folder: Path) -> str:
    url = f"http://127.0.0.1:{port}"
    deadline = clock.monotonic() + 120
    while True:
        try:
            if httpx.get(f"{url}/api/v2/version", timeout=10).is_success:
                return url
        except httpx.TransportError:
            assert server.poll() is None, (folder / "server.log").read_text()
            assert clock.monotonic() < deadline, (folder / "server.log").read_text()
            clock.sleep(0.2)
