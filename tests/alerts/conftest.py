"""A project of its own for each test: one segment, its source, ledger and lake, the sandbox, and a webhook for its alerts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from alerts.webhook import Webhook, listening
from runtime.rig import Rig

from guestlist.cli.stage import connections
from guestlist.runtime.segments import read_segment
from guestlist.sandbox.server import Sandbox

SEGMENT = """
name: people
schedule: "0 * * * *"
source: {{file: people.csv}}
key: id
identifiers: {{email: email, phone: {{columns: [phone], region: country}}}}
alerts: {alerts}
destinations:
  - {{platform: google_ads, connection: google_ads_main, audience: People}}
  - {{platform: meta, connection: meta_main, audience: People}}
"""


@dataclass
class Project:
    """What a test changes."""

    folder: Path
    sandbox: Sandbox

    def segment(self, alerts: str = "{to: ops}") -> None:
        path = self.folder / "segments" / "people.yaml"
        path.write_text(SEGMENT.format(alerts=alerts))
        read_segment(path)

    def people(self, count: int) -> None:
        rows = [f"{n},person{n}@example.com,+1 212 555 {n:04d},US" for n in range(count)]
        (self.folder / "people.csv").write_text("id,email,phone,country\n" + "\n".join(rows) + "\n")

    def fault(self, door: str, action: dict[str, Any], path: str, times: int = 99) -> None:
        faults = {"faults": [{"match": {"path": path}, "action": action, "times": times}]}
        httpx.post(f"{self.sandbox.http_url}/admin/faults/{door}", json=faults).raise_for_status()


@pytest.fixture(scope="session")
def platforms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("platforms"), settle_seconds=30) as running:
        yield running


@pytest.fixture
def rig(platforms: Sandbox, tmp_path: Path) -> Iterator[Rig]:
    """An installation without Airflow; its clock is the sandbox's, which waiting moves on."""
    found = Rig(platforms, tmp_path / "installation")
    yield found
    found.http.close()


@pytest.fixture(scope="session")
def airflow_database() -> None:
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def no_runs(airflow_database: None) -> None:
    """Airflow's database is the session's; what a DAG does can depend on its run before."""
    from airflow.models import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    with create_session() as session:
        session.execute(delete(DagRun))


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with listening() as found:
        monkeypatch.setenv("AIRFLOW_CONN_OPS", found.connection("sekret-path"))
        yield found


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_runs: None) -> Iterator[Project]:
    (tmp_path / "segments").mkdir()
    monkeypatch.setenv("GUESTLIST_SEGMENTS", str(tmp_path / "segments"))
    monkeypatch.setenv("GUESTLIST_HOME", str(tmp_path / "home"))
    with Sandbox(tmp_path / "sandbox", settle_seconds=0.1) as sandbox:
        for name, value in connections(sandbox, tmp_path / "none.duckdb").items():
            settings = json.loads(value)
            if "poll_first_seconds" in settings.get("extra", {}):
                settings["extra"] |= {"poll_first_seconds": 0.1, "poll_longest_seconds": 0.3}
            monkeypatch.setenv(name, json.dumps(settings))
        found = Project(tmp_path, sandbox)
        found.segment()
        found.people(200)
        yield found
