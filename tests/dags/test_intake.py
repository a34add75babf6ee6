"""Runs of an intake in one process, with Airflow's database and the sandbox: each is for one upload."""

import pytest
from contract.rig import people
from dags.test_runs import ROOT, airflow_database, include, sandbox

from guestlist.runtime.intake import work
from guestlist.runtime.intake.audiences import Wish, enter_audience, find_any, find_intake, segment_name
from guestlist.runtime.intake.kept import new_upload_id
from guestlist.runtime.intake.state import state_of
from guestlist.runtime.vault import create_key_file
from guestlist.runtime.wiring import Workspace

__all__ = ["airflow_database", "include", "sandbox"]
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

INTAKE = """
name: pushed
source: {intake: {}}
identifiers: {email: email, phone: {columns: [phone], region: country}}
destinations:
  - {platform: google_ads, connection: google_ads_main, audience: "Partner {audience}"}
  - {platform: meta, connection: meta_main, audience: "{audience}"}
"""


@pytest.fixture
def workspace(include):
    (include / "segments" / "pushed.yaml").write_text(INTAKE)
    found = Workspace()
    create_key_file(found.config.vault_key)
    return found


def push(workspace, audience, content, kind="replace"):
    upload_id = new_upload_id()
    piece = workspace.keeper.keep(upload_id, 1, ".csv", [content], 10**6)
    values = {"id": upload_id, "audience_id": audience.id, "kind": kind, "pushed_by": "tests"}
    return workspace.ledger.enter_upload(values, [piece])


def csv_of(rows):
    return "\n".join(["email,phone,country", *(f"{row['email']},{row['phone']},{row['country']}" for row in rows)]).encode()


def run_due(workspace):
    """Begin what is due as the DAG guestlist_intake does; the states of the runs."""
    from airflow.dag_processing.dagbag import DagBag

    dags = DagBag(str(ROOT / "dags"), collect_dags=True).dags
    assert "guestlist_intake" in dags
    return [dags[run.dag_id].test(run_conf=run.params).state for run in work.due(workspace)]


def test_each_upload_has_a_run_and_each_audience_its_members(workspace, include):
    intake = find_intake(workspace, "pushed")
    first = enter_audience(workspace, intake, Wish("VIPs"), "tests")
    second = enter_audience(workspace, intake, Wish("Lapsed", destinations=["meta_main"]), "tests")
    push(workspace, first, csv_of(people(range(50))))
    push(workspace, second, csv_of(people(range(30, 60))))
    later = push(workspace, first, csv_of(people(range(10, 50))), kind="append")
    assert run_due(workspace) == ["success", "success"], "one upload of an audience at a time"
    assert run_due(workspace) == ["success"]
    assert work.due(workspace) == []
    for audience in (first, second):
        segment = find_any(workspace, segment_name(audience))
        platforms = {target.label: target.platform for target in segment.destinations}
        state = state_of(workspace.ledger, workspace.ledger.pushed_audience(audience.id), platforms)
        assert (state.status, state.message) == ("ready", None)
        assert [one.label for one in state.destinations] == list(platforms)
        assert [one.members for one in state.destinations] == [50 if audience is first else 30] * len(platforms)
    assert workspace.ledger.upload(later.id).cleared_at, "what was pushed raw is gone"
    assert not list((include / "home" / "lake" / "_uploads").iterdir())


def test_an_upload_that_cannot_be_read_says_why(workspace):
    intake = find_intake(workspace, "pushed")
    audience = enter_audience(workspace, intake, Wish("VIPs"), "tests")
    push(workspace, audience, b"mail,phone,country\nann@example.com,+4915112345678,DE\n")
    assert run_due(workspace) == ["failed"]
    state = state_of(workspace.ledger, audience, {})
    assert state.status == "failed"
    assert "no column 'email'" in state.message
    assert "ann@" not in state.message


def test_a_run_without_an_upload_is_told_what_to_do(workspace):
    from airflow.dag_processing.dagbag import DagBag

    assert DagBag(str(ROOT / "dags"), collect_dags=True).dags["pushed"].test().state == "failed"
