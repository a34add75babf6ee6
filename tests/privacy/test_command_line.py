"""Canaries go through every command, well and badly; what it prints, logs and leaves behind knows neither them nor a secret.

What a person is shown on purpose: `guestlist normalise` prints the match keys of what it was given, that is what it is for.
`guestlist preview` masks what it shows, and no exception is made for it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cli.rig import Installation, RunningSandbox, guestlist, program_environment
from contract.rig import digest
from privacy.canaries import CANARIES, digests, hits, people, secrets
from privacy.conftest import Logs
from privacy.places import left_behind

from guestlist.cli.main import COMMANDS

pytestmark = pytest.mark.slow
META = {"platform": "meta", "connection": "meta_main", "audience": "VIPs"}
PLAIN = {"platform": "edgetag", "connection": "edgetag_main", "audience": "VIPs", "mode": "append"}
IDENTIFIERS = {"email": ["email", "email2"], "phone": "phone", "first_name": "first", "last_name": "last"}
PASSWORD = "hunter2-made-up"
EMAIL, PHONE = CANARIES[0]["email"], CANARIES[0]["phone"]
LOUD = "import logging; logging.basicConfig(level=1)\nfrom guestlist.cli.main import run\nrun()"


@dataclass
class Person:
    """Somebody at the command line, of whom every word is kept."""

    installation: Installation
    sandbox: RunningSandbox
    patch: pytest.MonkeyPatch
    used: set[str] = field(default_factory=set)
    told: dict[str, str] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)

    def says(self, *arguments: str, code: int = 0, stdin: str | None = None) -> str:
        result = guestlist(*arguments, stdin=stdin)
        assert result.exit_code == code, (arguments[0], result.exit_code, result.output)
        self.used.add(arguments[0])
        self.told[f"{len(self.told)}: {arguments[0]}"] = result.stdout + result.stderr
        return result.stdout

    def connects(self, name: str, connection: str) -> None:
        self.patch.setenv(f"AIRFLOW_CONN_{name.upper()}", connection)

    def remembers_the_key(self) -> None:
        self.keys.add((self.installation.home / "vault.key").read_text().strip())

    def writes(self, text: str) -> str:
        """A file that is not Guestlist's."""
        path = self.installation.segments.parent / "own.txt"
        path.write_text(text, encoding="utf-8")
        return str(path)


@pytest.fixture
def somebody(installation: Installation, sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    installation.people(CANARIES)
    google = {"platform": "google_ads", "connection": "google_main", "audience": "VIPs"}
    more = {"identifiers": IDENTIFIERS, "consent": {"ad_user_data": "consent"}, "guards": {"max_removed": "20%"}}
    installation.segment(destinations=[google, META, PLAIN], **more)
    installation.segment("hashed", destinations=[META], **more)
    return Person(installation, sandbox, monkeypatch)


def runs_well(one: Person) -> None:
    one.says("plan", "vips", code=2)  # without a key nothing is read
    one.says("vault", "create")
    one.remembers_the_key()
    for command in ("validate", "check", "preview", "plan", "doctor"):
        one.says(command, "vips")
        one.says(command, "vips", "--json")
    one.says("sync", "vips")
    one.says("sync", "hashed", "--json")
    one.says("sync", "vips", "--dry-run")
    one.says("sync", "vips", "--full-resend", "--json")
    for command in ("status", "reconcile", "audiences", "prune"):
        one.says(command)
        one.says(command, "--json")
    one.says("prepare", "vips", "--out", str(one.installation.home / "out"))
    one.says("pools")
    one.says("schema")
    one.says("migrate")


def a_guard_stops(one: Person) -> None:
    one.installation.people(CANARIES[:2])
    one.says("plan", "vips", code=5)
    one.says("sync", "vips", code=5)
    one.says("approve", "vips", "--destination", "meta_main", code=5, stdin="n\n")
    one.says("approve", "vips", "--reject", "--yes")
    one.says("sync", "vips", code=5)
    one.says("approve", "vips", "--yes")
    one.says("sync", "vips")
    one.installation.people(CANARIES)


def a_platform_fails(one: Person) -> None:
    quoting = {"error": {"code": 999, "message": EMAIL, "fbtrace_id": EMAIL, "error_data": PHONE}}
    for status in (400, 403, 500):
        action = {"status": status, "body": quoting, "headers": {"x-fb-trace-id": EMAIL}}
        fault = {"match": {"path": "/users$"}, "action": action, "times": 99}
        one.sandbox.admin("POST", "faults/meta", {"faults": [fault]})
        one.says("sync", "hashed", "--full-resend", "--only", "meta_main", code={400: 6, 403: 6, 500: 6}[status])
        one.sandbox.admin("DELETE", "faults/meta")
    one.sandbox.connect(one.patch, access_token=PASSWORD)
    for command in ("check", "sync"):
        one.says(command, "hashed", code=4)
    one.says("reconcile", code=4)
    one.says("audiences", code=4)
    one.connects("meta_main", json.dumps({"conn_type": "generic", "extra": {"access_token": PASSWORD, "colour": PASSWORD}}))
    one.says("check", "hashed", code=2)
    one.connects("meta_main", f'{{"password": "{PASSWORD}"')
    one.says("sync", "hashed", code=2)
    one.sandbox.connect(one.patch)
    one.says("sync", "hashed")


def a_source_fails(one: Person) -> None:
    broken = one.installation.segment("broken", destinations=[META], identifiers={"email": "no_such_column"})
    one.says("plan", "broken", code=3)
    broken.unlink()
    row = ",".join(CANARIES[0].values())
    head = ",".join(CANARIES[0])
    for name, text in {
        "headless.csv": f"{row}\n{row}\n",
        "more.csv": f"{head}\n{row},{EMAIL}\n",
        "quote.csv": f'{head}\n"{row}\n',
        "twice.csv": f"{head},{EMAIL},{EMAIL}\n{row},,\n",
        "rows.json": f'{{"email": "{EMAIL}", }}\n',
        "rows.parquet": f"PAR1{EMAIL}PAR1",
        "rows.xlsx": EMAIL,
    }.items():
        source = one.installation.segments.parent / name
        source.write_text(text, encoding="utf-8")
        path = one.installation.segment("broken", destinations=[META], source={"file": name}, identifiers=IDENTIFIERS)
        for command in ("check", "preview", "doctor", "sync"):
            one.says(command, "broken", code=3)
        path.unlink()
        source.unlink()
    one.connects("warehouse", f"postgresql://reader:{PASSWORD}@127.0.0.1:1/{PASSWORD}")
    dead = {"connection": "warehouse", "sql": "SELECT 1 AS id"}
    path = one.installation.segment("broken", destinations=[META], source=dead, identifiers={"email": "email"})
    one.says("sync", "broken", code=8)
    path.unlink()


def values_are_typed(one: Person) -> None:
    right = digest(EMAIL.lower())
    one.says("doctor", "--email", EMAIL, "--hash", right)
    one.says("doctor", "--email", EMAIL, "--hash", digest(EMAIL), "--json", code=3)
    one.says("doctor", "--phone", PHONE, "--hash", EMAIL, code=3)
    one.says("doctor", "--email", "-", "--hash", "-", stdin=f"{EMAIL}\n{right}\n")
    one.says("doctor", "--hash", right)
    asked = {"id": 1, "platform": "meta", "field": "email", "value": EMAIL}
    one.says("normalise", one.writes(json.dumps(asked) + f'\n{{"id": "{EMAIL}", \n'), code=3)
    one.told.pop(f"{len(one.told) - 1}: normalise")  # what is shown on purpose: the line before the broken one


def people_are_erased(one: Person) -> None:
    one.says("erase", "--email", EMAIL, "--phone", PHONE, code=6)  # EdgeTag takes nobody off an audience
    one.says("erase", "--email", CANARIES[1]["email"], "--enter-only", "--json")
    one.says("erase", "--resume", code=6)
    one.says("erase", stdin=f"{CANARIES[2]['email']}\n\n\n{CANARIES[2]['phone']}\n\n", code=6)
    one.says("erase", "--file", one.writes(f"email,phone\n{CANARIES[3]['email']},{CANARIES[3]['phone']}\n"), "--json", code=6)
    one.says("erase", "--file", one.writes(f"{EMAIL}\n{EMAIL}\n"), code=2)
    one.says("erase", "--file", one.writes(f"email\n{EMAIL.replace('@', ' ')}\n"), code=3)
    one.sandbox.connect(one.patch, access_token=PASSWORD)
    one.says("erase", "--email", CANARIES[4]["email"], code=4)
    one.sandbox.connect(one.patch)
    one.says("erase", "--resume", "--json", code=6)
    one.says("verify")
    one.says("verify", one.writes(one.says("verify", "--json")), "--head", "1:0", code=3)
    one.says("sync", "vips", "--approve")


def the_key_changes(one: Person) -> None:
    one.says("vault", "rotate", "--also", str(one.installation.home / "out"))
    one.remembers_the_key()
    key_file = one.installation.home / "vault.key"
    right = key_file.read_text()
    key_file.write_text(next(key for key in one.keys if key != right.strip()) + "\n")
    one.says("sync", "vips", code=2)
    key_file.write_text(right)
    key_file.chmod(0o644)
    one.says("sync", "vips", code=2)
    key_file.chmod(0o600)


def a_process_tells_everything(one: Person) -> None:
    """With the vendors' own switches, which speak past Python's logging."""
    loud = program_environment(POLARS_VERBOSE="1", GRPC_VERBOSITY="DEBUG", PYTHONWARNINGS="default", GUESTLIST_DEBUG="1")
    command = [sys.executable, "-c", LOUD, "sync", "vips", "--full-resend", "--approve"]
    ran = subprocess.run(command, env=loud, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "guestlist.driver" in ran.stderr
    one.told["a loud process"] = ran.stdout + ran.stderr


def secrets_of(one: Person) -> set[str]:
    extras: list[dict[str, Any]] = [connection["extra"] for connection in one.sandbox.told["connections"].values()]
    named = re.compile("token$|secret|api_key|password|authorization")
    found = {str(extra[name]) for extra in extras for name in extra if named.search(name)}
    return found | one.keys | {PASSWORD, "sandbox-access-"}


def test_no_command_shows_or_leaves_a_person_or_a_secret(somebody: Person, every_log: Logs, tmp_path: Path) -> None:
    for story in (
        runs_well,
        a_guard_stops,
        a_platform_fails,
        a_source_fails,
        values_are_typed,
        a_process_tells_everything,
        people_are_erased,
        the_key_changes,
    ):
        story(somebody)
    commands = {command.__name__ for panel in COMMANDS.values() for command in panel} | {"vault"}
    assert somebody.used == commands - {"sandbox"}, "the sandbox is no part of an installation"
    hidden = secrets(secrets_of(somebody))
    for where, text in {**somebody.told, "log": every_log.text}.items():
        assert hits(text, people() | digests() | hidden) == set(), where
    for own in ("people.csv", "own.txt", "home/vault.key"):
        (tmp_path / own).unlink()
    shutil.rmtree(tmp_path / "home" / "lake" / "hashed")  # the one segment whose hashes may stand there unencrypted
    for where, text in left_behind(tmp_path):
        hashless = not where.startswith("home/lake/_erasures/")  # the hashes of those who stay off
        assert hits(text, people() | hidden | (digests() if hashless else {})) == set(), where
