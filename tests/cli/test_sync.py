"""Whole runs from the command line against the sandbox, which a `guestlist sandbox` of its own serves."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import time
from typing import Any

import pytest
from cli.rig import PROGRAM, Installation, RunningSandbox, guestlist, person, program_environment

from guestlist.runtime.clock import now
from guestlist.runtime.wiring import Workspace

pytestmark = pytest.mark.slow
PEOPLE = 150


def run(*arguments: str, code: int = 0) -> dict[str, Any]:
    told = guestlist("sync", "vips", *arguments, "--json")
    assert told.exit_code == code, told.stderr
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def by_label(report: dict[str, Any], name: str) -> dict[str, Any]:
    return {item["label"]: item[name] for item in report["destinations"]}


@pytest.fixture
def people(installation: Installation, sandbox: RunningSandbox) -> list[dict[str, str]]:
    found = [person(number) for number in range(PEOPLE)]
    installation.segment()
    installation.people(found)
    return found


def test_a_first_run_then_only_the_difference(
    installation: Installation, sandbox: RunningSandbox, people: list[dict[str, str]]
) -> None:
    first = run()
    assert first["state"] == "sealed"
    assert by_label(first, "added") == {"google_main": PEOPLE, "meta_main": PEOPLE}
    assert sandbox.members("google") == sandbox.members("meta") == [PEOPLE]
    installation.people([*people[10:], person(900), person(901)])
    second = run()
    assert by_label(second, "removed") == {"google_main": 10, "meta_main": 10}
    assert by_label(second, "added") == {"google_main": 2, "meta_main": 2}
    assert by_label(second, "held") == {"google_main": PEOPLE, "meta_main": PEOPLE}
    assert sandbox.members("google") == sandbox.members("meta") == [PEOPLE - 8]
    third = run()
    assert by_label(third, "requests") == {"google_main": 0, "meta_main": 0}


def test_the_report_for_a_person(people: list[dict[str, str]]) -> None:
    told = guestlist("sync", "vips")
    assert told.exit_code == 0, told.stderr
    for row in (
        "state",
        "wanted",
        "held before",
        "added",
        "removed",
        "renewed",
        "rejected",
        "unconfirmed",
        "requests",
        "seconds",
    ):
        assert f"│ {row} " in told.stdout
    assert f"{PEOPLE} rows read = {PEOPLE} prepared + 0 dropped" in told.stdout
    assert "person1@" not in told.output


def test_only_one_destination(sandbox: RunningSandbox, people: list[dict[str, str]]) -> None:
    assert list(by_label(run("--only", "meta_main"), "added")) == ["meta_main"]
    assert sandbox.members("google") == []
    assert sandbox.members("meta") == [PEOPLE]


def test_a_dry_run_sends_nothing(sandbox: RunningSandbox, people: list[dict[str, str]]) -> None:
    found = run("--dry-run")
    assert [item["counts"]["new"] for item in found["destinations"]] == [PEOPLE, PEOPLE]
    assert sandbox.members("google") == sandbox.members("meta") == []
    assert run()["state"] == "sealed"


def test_full_resend(people: list[dict[str, str]]) -> None:
    run()
    assert set(by_label(run("--full-resend"), "rows_accepted").values()) == {PEOPLE}


def test_a_guard_stops_and_approval_goes_on(
    installation: Installation, sandbox: RunningSandbox, people: list[dict[str, str]]
) -> None:
    run()
    installation.people(people[:50])
    told = guestlist("sync", "vips", "--json")
    assert told.exit_code == 5
    assert "max_removed: 100 of 150" in told.stderr
    assert "--approve" in told.stderr
    assert json.loads(told.stdout)["state"] == "stopped"
    assert sandbox.members("meta") == [PEOPLE]
    assert run("--approve")["state"] == "sealed"
    assert sandbox.members("google") == sandbox.members("meta") == [50]


def test_rejected_rows_are_exit_6_with_their_reason(sandbox: RunningSandbox, people: list[dict[str, str]]) -> None:
    fault = {"match": {"path": "/users$"}, "action": {"reject_rows": [0, 3]}}
    sandbox.admin("POST", "faults/meta", {"faults": [fault]})
    found = run(code=6)
    assert by_label(found, "state") == {"google_main": "sealed", "meta_main": "rejected"}
    assert sum(by_label(found, "rejected")["meta_main"].values()) == 2


def test_a_refused_credential_is_exit_4_after_the_others_were_served(
    sandbox: RunningSandbox, people: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.connect(monkeypatch, access_token="wrong")
    told = guestlist("sync", "vips")
    assert told.exit_code == 4
    assert "destination meta_main" in told.stderr
    assert "wrong" not in told.output
    assert "sealed" in told.stdout, "the report of what was done comes first"
    assert sandbox.members("google") == [PEOPLE]
    sandbox.connect(monkeypatch)
    assert run()["state"] == "sealed"
    assert sandbox.members("meta") == [PEOPLE]


def test_another_run_is_exit_10(installation: Installation, people: list[dict[str, str]]) -> None:
    ledger = Workspace().ledger
    ledger.take_lease("vips", "airflow scheduled__2026-01-01")
    told = guestlist("sync", "vips")
    assert told.exit_code == 10
    assert "airflow scheduled__2026-01-01" in told.stderr
    ledger.drop_lease("vips", "airflow scheduled__2026-01-01")
    assert run()["state"] == "sealed"


def test_a_failed_source_lets_the_next_run_in(installation: Installation, people: list[dict[str, str]]) -> None:
    (installation.segments.parent / "people.csv").unlink()
    assert guestlist("sync", "vips").exit_code == 3
    installation.people(people)
    assert run()["state"] == "sealed"


def _wait_for_session(installation: Installation) -> None:
    """Until everything was sent and the platform is being waited for."""
    until = now().timestamp() + 30
    while now().timestamp() < until:
        time.sleep(0.05)
        if not (installation.home / "ledger.db").exists():
            continue
        with sqlite3.connect(f"file:{installation.home}/ledger.db?mode=ro", uri=True) as books:
            tables = {name for (name,) in books.execute("SELECT name FROM sqlite_master")}
            if "sessions" in tables and list(books.execute("SELECT 1 FROM sessions WHERE state = 'closed'")):
                return
    pytest.fail("no session was closed within 30 s")


def test_ctrl_c_loses_nothing(
    installation: Installation, sandbox: RunningSandbox, people: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.connect(monkeypatch, poll_first_seconds=300, poll_longest_seconds=300)
    command = [*PROGRAM, "sync", "vips", "--only", "meta_main"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=program_environment()) as process:
        _wait_for_session(installation)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said == "stopped\n"
    told = json.loads(guestlist("status", "vips", "--json").stdout)["segments"][0]
    assert told["runs"][0]["state"] == "failed"
    assert [item["state"] for item in told["destinations"][1]["open_sessions"]] == ["closed"]
    sandbox.connect(monkeypatch)
    before = sandbox.admin("GET", "requests/meta/summary")
    again = run("--only", "meta_main")
    assert again["state"] == "sealed"
    assert by_label(again, "rows_planned") == {"meta_main": 0}, "what has a receipt is not sent again"
    assert sandbox.members("meta") == [PEOPLE]
    assert before != sandbox.admin("GET", "requests/meta/summary"), "only the session was asked for"
