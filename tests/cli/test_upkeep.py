"""The commands that look after what was sent: reconcile, audiences, prune, and what status tells of it."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing

import pytest
from cli.rig import Installation, RunningSandbox, guestlist, person

from guestlist.runtime.ledger.tables import HEAD

META = [{"platform": "meta", "connection": "meta_main", "audience": "VIPs"}]


@pytest.fixture
def sent(installation: Installation, sandbox: RunningSandbox) -> Installation:
    installation.segment(destinations=META)
    installation.people([person(number) for number in range(5)])
    assert guestlist("sync", "vips", "--approve").exit_code == 0
    return installation


def test_migrate_tells_from_which_version_to_which_and_check_changes_nothing(installation: Installation) -> None:
    asked = guestlist("migrate", "--check")
    assert (asked.exit_code, asked.stdout) == (2, "")
    assert "the ledger has no tables, and this Guestlist needs" in asked.stderr
    first = guestlist("migrate")
    assert (first.exit_code, first.stdout) == (0, f"the ledger's tables: none -> {HEAD}\n")
    for arguments in ([], ["--check"]):
        again = guestlist("migrate", *arguments)
        assert (again.exit_code, again.stdout) == (0, f"the ledger's tables: {HEAD}, nothing to do\n")


def test_migrate_leaves_the_tables_of_a_newer_guestlist_alone(installation: Installation) -> None:
    guestlist("migrate")
    with closing(sqlite3.connect(installation.home / "ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE alembic_version SET version_num = '0999'")
    for command in (["migrate"], ["migrate", "--check"], ["status"]):
        refused = guestlist(*command)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert "install the Guestlist that they are of, here and on every worker" in refused.stderr


def test_prune_with_nothing_to_do_says_so(installation: Installation) -> None:
    result = guestlist("prune")
    assert (result.exit_code, result.stdout) == (0, "nothing removed: everything is needed, or younger than the retention\n")
    assert json.loads(guestlist("prune", "--json").stdout) == {"dry_run": False, "retention_days": 30, "removed": []}


def test_a_retention_that_is_none_is_a_wrong_setting(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUESTLIST_RETENTION_DAYS", "a month")
    result = guestlist("prune")
    assert result.exit_code == 2
    assert "GUESTLIST_RETENTION_DAYS takes a whole number of days" in result.stderr
    installation.segment(destinations=META)
    assert guestlist("status").exit_code == 0, "only what prunes has to understand it"


@pytest.mark.slow
def test_prune_tells_in_numbers_what_goes_and_a_dry_run_removes_nothing(sent: Installation) -> None:
    for path in (sent.home / "lake").rglob("*"):
        os.utime(path, (0, 0))
    planned = guestlist("prune", "--dry-run")
    assert planned.exit_code == 0
    assert "would go" in planned.stdout
    [row] = [line for line in planned.stdout.splitlines() if "vips" in line]
    assert row.split("│")[2:5] == ["    1 ", "     1 ", "           0 "]
    removed = json.loads(guestlist("prune", "--json").stdout)["removed"]
    assert sorted(one["path"].split("/")[1] for one in removed) == ["plans", "runs"]
    assert "nothing would go" in guestlist("prune", "--dry-run").stdout
    assert guestlist("plan", "vips").exit_code == 0
    assert guestlist("status", "vips").exit_code == 0


@pytest.mark.slow
def test_reconcile_asks_now_or_only_what_is_due(sent: Installation) -> None:
    due = guestlist("reconcile", "--due")
    assert (due.exit_code, due.stdout) == (0, "nothing to ask: nothing was sent yet, or no checkpoint has come\n")
    [one] = json.loads(guestlist("reconcile", "vips", "--json").stdout)["audiences"]
    assert (one["segment"], one["label"], one["members"], one["verdict"]) == ("vips", "meta_main", 5, "untold")
    assert "untold" in guestlist("reconcile").stdout


@pytest.mark.slow
def test_an_audience_that_is_gone_ends_reconcile_with_what_to_do(sent: Installation, sandbox: RunningSandbox) -> None:
    [book] = sandbox.admin("GET", "books/meta")
    sandbox.admin("DELETE", f"books/meta/{book['id']}")
    result = guestlist("reconcile", "vips")
    assert result.exit_code == 6
    assert "broken vips, meta_main: it is not there any more; the next run makes it anew" in result.stdout
    assert "not every audience is as it was left" in result.stderr


@pytest.mark.slow
def test_a_platform_that_refuses_the_credential_ends_reconcile_and_audiences_so(
    sent: Installation, sandbox: RunningSandbox
) -> None:
    fault = {"match": {}, "action": {"error": "190/460"}, "times": 2}
    sandbox.admin("POST", "faults/meta", {"faults": [fault]})
    assert guestlist("reconcile").exit_code == 4
    listed = guestlist("audiences")
    assert listed.exit_code == 4
    assert "VIPs" in listed.stdout


@pytest.mark.slow
def test_audiences_tells_those_that_nobody_keeps(sent: Installation) -> None:
    assert "segment" in guestlist("audiences").stdout
    (sent.segments / "vips.yaml").rename(sent.segments / "other.txt")
    sent.segment("others", destinations=META)
    result = guestlist("audiences")
    assert result.exit_code == 0
    assert "no file: no segment file names it any more" in result.stdout
    [one] = json.loads(guestlist("audiences", "--offline", "--json").stdout)["audiences"]
    assert (one["keeper"], one["segment"], one["label"], one["name"]) == ("no file", "vips", "meta_main", "VIPs")


@pytest.mark.slow
def test_status_shows_the_last_look_at_a_checkpoint(sent: Installation) -> None:
    import sqlalchemy

    assert "asked at" not in guestlist("status", "vips").stdout
    engine = sqlalchemy.create_engine(f"sqlite:///{sent.home}/ledger.db", poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:  # an hour has gone by
        connection.execute(sqlalchemy.text("UPDATE checkpoints SET due_at = '2026-01-01 00:00:00.000000' WHERE hours = 1"))
    assert guestlist("reconcile", "--due").exit_code == 0
    told = guestlist("status", "vips").stdout
    for line in ("size", "asked at", "untold"):
        assert line in told
    [destination] = json.loads(guestlist("status", "vips", "--json").stdout)["segments"][0]["destinations"]
    assert destination["seen"]["hours_after_sealing"] == 1
    assert destination["seen"]["verdict"] == "untold"
