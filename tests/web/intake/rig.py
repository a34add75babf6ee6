"""What the tests push, and how they ask."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
from airflows import Homes
from contract.rig import people

from guestlist.cli.components import Airflow, free_port, running_airflow
from guestlist.cli.stage import Stage
from guestlist.runtime import clock
from guestlist.runtime.intake.keys import create_key
from guestlist.runtime.ledger import Ledger, open_ledger
from guestlist.sandbox.server import Sandbox

INTAKE = """
name: {name}
source: {{intake: {{max_bytes: 3000000}}}}
identifiers:
  email: [email, email2]
  phone: {{columns: [phone], region: country}}
  first_name: first
  last_name: last
  country: country
  postal_code: zip
guards: {{max_removed: 100%, max_added: 100000%, min_members: 0}}
destinations:
  - {{platform: meta, connection: meta_main, audience: "{{audience}} of {name}", mode: mirror}}
  - {{platform: edgetag, connection: edgetag_main, audience: "{{audience}} of {name}", mode: append}}
"""
CROWD = "crowd"
"""An intake with one destination that only takes people in: the fewest tasks that a run can have."""
CROWDED = """
name: crowd
source: {intake: {}}
identifiers:
  email: [email, email2]
  phone: {columns: [phone], region: country}
  first_name: first
  last_name: last
  country: country
  postal_code: zip
guards: {max_added: 100000%, min_members: 0}
destinations:
  - {platform: meta, connection: meta_main, audience: "{audience} of the crowd", mode: append}
"""
API = "/guestlist/api/v1"
ENDED = ("ready", "partial", "failed")


def installed(folder: Path) -> Path:
    """A folder with the segment files of the intakes."""
    (folder / "segments").mkdir()
    (folder / "segments" / f"{CROWD}.yaml").write_text(CROWDED)
    for name in ("partners", "others"):
        (folder / "segments" / f"{name}.yaml").write_text(INTAKE.format(name=name))
    return folder / "segments"


@dataclass
class Desk:
    """Something to push to."""

    folder: Path
    client: httpx.Client
    root = "/api/v1"

    @cached_property
    def ledger(self) -> Ledger:
        """Guestlist's own books."""
        return open_ledger(f"sqlite:///{self.folder / 'ledger.db'}")

    def key(self, intakes: Iterable[str] = ("partners",), **holds: float) -> str:
        until = clock.now() + timedelta(**(holds or {"days": 1}))
        return create_key(self.ledger, "tests", list(intakes), until)[1]

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        if "authorization" not in self.client.headers:
            self.client.headers["Authorization"] = f"Bearer {self.key()}"
        return self.client.request(method, f"{self.root}{path}", **more)

    def create(self, name: str, content: bytes, filename: str = "people.csv", **more: Any) -> httpx.Response:
        """Push an audience as a form."""
        headers = more.pop("headers", {})
        form = {"data": {"name": name, **more}, "files": {"file": (filename, content)}}
        return self.ask("POST", "/audiences", headers=headers, **form)

    def push(self, method: str, audience_id: str, content: bytes, **more: Any) -> httpx.Response:
        """Push to an audience that is there."""
        return self.ask(method, f"/audiences/{audience_id}/members", files={"file": ("p.csv", content)}, **more)

    def show(self, audience_id: str) -> dict[str, Any]:
        answer = self.ask("GET", f"/audiences/{audience_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def kept(self) -> list[Path]:
        """The files of uploads in the lake."""
        return [path for path in (self.folder / "lake" / "_uploads").rglob("*") if path.is_file()]


@dataclass
class Place(Desk):
    """A running Airflow."""

    stage: Stage
    sandbox: Sandbox
    airflow: Airflow
    root = API

    @staticmethod
    def client_of(url: str) -> httpx.Client:
        return httpx.Client(base_url=url, timeout=120)

    def wait(self, audience_id: str, seconds: float = 240) -> dict[str, Any]:
        """Until its run is over."""
        until(lambda: self.show(audience_id)["status"] in ENDED, seconds)
        return self.show(audience_id)

    def as_user(self) -> dict[str, str]:
        """The headers of somebody who has logged in to Airflow."""
        login = {"username": self.airflow.user, "password": self.airflow.password}
        return {"Authorization": f"Bearer {self.client.post('/auth/token', json=login).json()['access_token']}"}


def until(true: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for what another process or thread does."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.3)


@contextmanager
def running_place(folder: Path, segments: Path, homes: Homes, intakes: Iterable[str] = ("partners",)) -> Iterator[Place]:
    """Airflow's API server and scheduler with the sandbox and the segment files of a folder, and a key for some intakes."""
    with pytest.MonkeyPatch.context() as patch, Sandbox(folder / "sandbox", settle_seconds=0.2) as sandbox:
        patch.setenv("GUESTLIST_SEGMENTS", str(segments))
        patch.setenv("GUESTLIST_INTAKE_REQUESTS", "6000")
        patch.setenv("AIRFLOW__LOGGING__LOGGING_LEVEL", "INFO")
        stage = Stage(folder)
        stage.make_key()
        homes.make_ready(stage)
        with running_airflow(stage, sandbox, port=free_port(0)) as airflow, Place.client_of(airflow.url) as client:
            place = Place(folder, client, stage, sandbox, airflow)
            client.headers["Authorization"] = f"Bearer {place.key(intakes)}"
            yield place


def csv_of(numbers: Iterable[int], delimiter: str = ",") -> bytes:
    rows = people(numbers)
    return "\n".join([delimiter.join(rows[0]), *(delimiter.join(row.values()) for row in rows), ""]).encode()
