"""What was sent to one audience never counts for another: a deleted one is filled anew, an opposite mode starts from nobody."""

import json

import pytest

from guestlist.cli.proof import prove
from guestlist.cli.stage import connections
from guestlist.model.segment_file import parse_segment
from guestlist.runtime.sync.run import run_segment
from guestlist.runtime.wiring import Workspace
from guestlist.sandbox.server import Sandbox

SEGMENT = """
name: people
source: {file: FILE}
key: id
identifiers: {email: email}
destinations: [{platform: meta, connection: meta_main, audience: People, mode: MODE}]
"""


@pytest.fixture
def sandbox(tmp_path):
    with Sandbox(tmp_path / "sandbox", settle_seconds=0.0) as running:
        yield running


@pytest.fixture
def workspace(tmp_path, sandbox, monkeypatch):
    monkeypatch.setenv("GUESTLIST_HOME", str(tmp_path / "home"))
    (tmp_path / "people.csv").write_text("id,email\n" + "".join(f"{n},p{n}@example.com\n" for n in range(50)))
    account(monkeypatch, sandbox, "2024001")
    return Workspace(sleep=lambda _seconds: None)


def account(monkeypatch, sandbox, number):
    settings = json.loads(connections(sandbox, sandbox.state_dir / "none")["AIRFLOW_CONN_META_MAIN"])
    settings["extra"]["ad_account_id"] = number
    monkeypatch.setenv("AIRFLOW_CONN_META_MAIN", json.dumps(settings))


def segment(tmp_path, mode="mirror"):
    return parse_segment(SEGMENT.replace("FILE", str(tmp_path / "people.csv")).replace("MODE", mode), "people.yaml", {})


def equal(workspace, wanted, sandbox, tmp_path):
    return all(proof.holds for proof in prove(workspace, wanted, sandbox.http_url, str(tmp_path / "proof")))


def test_another_account_gets_everybody(tmp_path, workspace, sandbox, monkeypatch):
    wanted = segment(tmp_path)
    assert run_segment(workspace, wanted, "one").state == "sealed"
    account(monkeypatch, sandbox, "2024002")
    report = run_segment(workspace, wanted, "two")
    assert (report.state, report.destinations[0].held, report.destinations[0].added) == ("sealed", 0, 50)
    assert equal(workspace, wanted, sandbox, tmp_path)
    assert run_segment(workspace, wanted, "three").destinations[0].added == 0


def test_the_opposite_mode_starts_from_nobody(tmp_path, workspace, sandbox):
    assert run_segment(workspace, segment(tmp_path), "one").state == "sealed"
    report = run_segment(workspace, segment(tmp_path, "remove"), "two")
    assert (report.state, report.destinations[0].removed) == ("sealed", 50)
    assert run_segment(workspace, segment(tmp_path, "remove"), "three").destinations[0].removed == 0
    back = segment(tmp_path)
    assert run_segment(workspace, back, "four").destinations[0].added == 50
    assert equal(workspace, back, sandbox, tmp_path)
