"""A site to look at: Airflow's API server with FAB's users and permissions, a few segments, and a ledger with a past."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from airflows import Homes
from past import Past, write_segments
from sqlalchemy import Row

from guestlist.cli.components import free_port
from guestlist.cli.stage import Stage
from guestlist.model.segment import Segment
from guestlist.runtime import clock
from guestlist.runtime.intake.audiences import audience_segment, identifiers_of
from guestlist.runtime.ledger import Ledger, open_ledger
from guestlist.runtime.ledger.intake import Piece
from guestlist.runtime.segments import read_segment, segment_files

ROOT = Path(__file__).resolve().parents[2]
PASSWORDS = {"admin": "hunter2-admin", "viewer": "hunter2-viewer", "analyst": "hunter2-analyst"}
SEEN_BY_ANALYST = "segment_0001"
WAITING = ("segment_0000", "meta_main")
FAILED = ("segment_0000", "google_ads_main")
UNCONFIRMED = ("segment_0001", "meta_main")
IN_STEP = ("segment_0002", "klaviyo_main")
TO_DECIDE = ("segment_0002", "meta_main"), ("segment_0002", "tiktok_ads_main")
"""Audiences whose status is known beforehand."""
INTAKE = "partners"
PUSHED_ID, ARRIVED_ID = "aud_00000000000000aa", "aud_00000000000000bb"
PUSHED, ARRIVED = (f"{INTAKE}__{one.removeprefix('aud_')}" for one in (PUSHED_ID, ARRIVED_ID))
"""What was pushed: an audience with a past, and one whose run has not begun; as the ledger calls them."""
PUSHED_LABELS = ("meta_main", "edgetag_main")
PUSHED_WAITS = (PUSHED, "meta_main")
_INTAKE = """
name: partners
description: What partners push
source: {intake: {max_bytes: 3000000}}
identifiers:
  email: [email, second_email]
  phone: {columns: [phone], region: country}
  first_name: first
  last_name: last
  country: country
  postal_code: zip
guards: {max_removed: 100%, min_members: 0}
destinations:
  - {platform: meta, connection: meta_main, audience: "{audience} of partners", mode: mirror}
  - {platform: edgetag, connection: edgetag_main, audience: "{audience} of partners", mode: append}
"""
_ENDS = {
    WAITING: "stopped",
    FAILED: "rejected",
    UNCONFIRMED: "unconfirmed",
    IN_STEP: "sealed",
    **dict.fromkeys(TO_DECIDE, "stopped"),
    PUSHED_WAITS: "stopped",
    (PUSHED, "edgetag_main"): "sealed",
}
_FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
_SERIALIZED = 4
"""Segments whose DAGs Airflow has in full; of more it has the names, as nobody asks for more: 500 would take half a minute."""


@dataclass
class Site:
    """A running site. Roles are those of `PASSWORDS`."""

    folder: Path
    url: str
    segments: list[Segment]
    last_run: str
    """The id of the newest run of every segment that is not late."""
    _tokens: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def ledger(self) -> Ledger:
        """What the site reads."""
        return open_ledger(f"sqlite:///{self.folder}/ledger.db")

    def token(self, role: str) -> str:
        """Of a user who has logged in."""
        if role not in self._tokens:
            answer = httpx.post(f"{self.url}/auth/token", json={"username": role, "password": PASSWORDS[role]}, timeout=60)
            answer.raise_for_status()
            self._tokens[role] = answer.json()["access_token"]
        return self._tokens[role]

    def client(self, role: str) -> httpx.Client:
        """Asks the pages' API with a token in the header."""
        headers = {"Authorization": f"Bearer {self.token(role)}"}
        return httpx.Client(base_url=f"{self.url}/guestlist/api/v1", headers=headers, timeout=60)

    @property
    def audiences(self) -> set[tuple[str, str]]:
        """All of them: what the segments' files name, and what was pushed."""
        return {(one.name, target.label) for one in self.segments for target in one.destinations} | {
            (name, label) for name in (PUSHED, ARRIVED) for label in PUSHED_LABELS
        }

    @property
    def log(self) -> str:
        """All that Airflow has printed."""
        return (self.folder / "airflow.log").read_text(encoding="utf-8")


@contextmanager
def running_site(folder: Path, homes: Homes, count: int = _SERIALIZED, runs: int = 6) -> Iterator[Site]:
    """Make everything below a folder, start the API server, stop it at the end."""
    port = free_port(0)
    environment = _environment(folder, port)
    write_segments(folder / "segments", min(count, _SERIALIZED))
    (folder / "segments" / f"{INTAKE}.yaml").write_text(_INTAKE, encoding="utf-8")
    Stage(folder).make_key()
    homes.make(environment)
    _run(folder, environment, "-m", "airflow", "dags", "reserialize")
    write_segments(folder / "segments", count)
    *segments, intake = sorted(map(read_segment, segment_files(folder / "segments")), key=lambda one: one.name == INTAKE)
    until = clock.now()
    ledger = open_ledger(f"sqlite:///{folder}/ledger.db")
    past = Past(until, runs, _ENDS)
    past.write(ledger, [*segments[:_SERIALIZED], _push(ledger, intake)])
    ledger.set_upload("upl_VIPs", run_id=ledger.last_runs(PUSHED, 1)[0].run_id)
    _erase(ledger)
    past.write(ledger, segments[_SERIALIZED:])
    ledger.engine.dispose()
    newest = {one.name: ledger.last_runs(one.name, 1)[0].run_id for one in segments}
    error = {"kind": "AuthError", "sentence": "the access token is not accepted [segment segment_0000]"}
    given = {
        "passwords": PASSWORDS,
        "sees": [SEEN_BY_ANALYST],
        "named": [one.name for one in segments[_SERIALIZED:]],
        "runs": [(one.name, newest[one.name], "success") for one in segments[:_SERIALIZED]],
        "failed": (FAILED[0], newest[FAILED[0]], f"{FAILED[1]}.plan", error),
    }
    _run(folder, environment, str(Path(__file__).with_name("airflow_side.py")), given=json.dumps(given))
    with (folder / "airflow.log").open("a", encoding="utf-8") as log:
        serve = [sys.executable, "-m", "airflow", "api-server", "--workers", "1", "--port", str(port)]
        with subprocess.Popen(serve, env=environment, cwd=folder, stdout=log, stderr=log) as server:
            try:
                site = Site(folder, f"http://127.0.0.1:{port}", segments, newest[IN_STEP[0]])
                _wait(site, server)
                yield site
            finally:
                server.terminate()


def _environment(folder: Path, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT / "include"),
        "PYTHONWARNINGS": "ignore",
        "GUESTLIST_HOME": str(folder),
        "GUESTLIST_SEGMENTS": str(folder / "segments"),
        "GUESTLIST_VAULT_KEY": str(folder / "vault.key"),
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__AUTH_MANAGER": _FAB,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
    }


def _run(folder: Path, environment: Mapping[str, str], *arguments: str, given: str = "") -> None:
    with (folder / "airflow.log").open("a", encoding="utf-8") as log:
        command = [sys.executable, *arguments]
        subprocess.run(command, env=environment, input=given, text=True, stdout=log, stderr=log, check=True)


def _wait(site: Site, server: subprocess.Popen[bytes]) -> None:
    deadline = clock.monotonic() + 300
    while True:
        try:
            httpx.get(f"{site.url}/api/v2/version", timeout=5).raise_for_status()
        except httpx.HTTPError:
            assert server.poll() is None, site.log[-3000:]
            assert clock.monotonic() < deadline, site.log[-3000:]
            clock.sleep(0.2)
        else:
            return


def _push(ledger: Ledger, intake: Segment) -> Segment:
    """Two audiences, of which one has had its runs; returns its segment."""
    for audience_id, name in ((PUSHED_ID, "VIPs"), (ARRIVED_ID, "Newcomers")):
        audience = {
            "id": audience_id,
            "intake": INTAKE,
            "name": name,
            "destinations": list(PUSHED_LABELS),
            "key_column": intake.key,
            "identifiers": identifiers_of(intake, {}),
            "details": {},
            "pushed_by": "key:made-up",
        }
        values = {"id": f"upl_{name}", "audience_id": audience_id, "kind": "replace", "pushed_by": "key:made-up"}
        ledger.enter_upload(values, [Piece(1, f"_uploads/{name}", 10, 2, "0" * 64)], audience)
    ended = {"state": "ended", "outcome": "partial", "told": "a guard stopped meta_main"}
    ledger.set_upload("upl_VIPs", **ended, ended_at=clock.now())
    return audience_segment(intake, _found(ledger.pushed_audience(PUSHED_ID)), ledger.newest_upload(PUSHED_ID))


def _found(row: Row[Any] | None) -> Row[Any]:
    assert row is not None
    return row


def _erase(ledger: Ledger) -> None:
    """One request that is done, and one that is open."""
    for name, closed in (("er-20260301-0000000a", True), ("er-20260302-0000000b", False)):
        ledger.enter_erasure(name, 2, {"email": 2, "phone": 1}, f"erasures/{name}", "0" * 64)
        ledger.enter_steps(name)
        if closed:
            for step in ledger.steps(name):
                ledger.set_step(step, found=True, outcome="removed", removed={"email": 2}, request_ids=["A1"])
            ledger.close_erasure(name, {"outcomes": {"removed": len(ledger.steps(name))}})
