"""Runs of an intake in one process, with Airflow's database and the sandbox: each is for one upload."""

import pytest
from contract.rig import people
from dags.test_runs import ROOT, airflow_database, include, sandbox

from guestlist.runtime.intake import work
from guestlist.runtime.intake.audiences import Wish, audience_values, find_any, find_intake, segment_name
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


def push(workspace, content, audience_id=None, kind="replace", **wish):
    """Push a file: to an audience that is there, or to a new one of the intake."""
    audience = None if audience_id else audience_values(workspace, find_intake(workspace, "pushed"), Wish(**wish), "tests")
    upload_id = new_upload_id()
    piece = workspace.keeper.keep(upload_id, 1, ".csv", [content], 10**6)
    values = {"id": upload_id, "audience_id": audience_id or audience["id"], "kind": kind, "pushed_by": "tests"}
    return workspace.ledger.enter_upload(values, [piece], audience)


def csv_of(rows):
    return "\n".join(["email,phone,country", *(f"{row['email']},{row['phone']},{row['country']}" for row in rows)]).encode()


def run_due(workspace):
    """Begin what is due as the DAG guestlist_intake does; the states of the runs."""
    from airflow.dag_processing.dagbag import DagBag

    dags = DagBag(str(ROOT / "dags"), collect_dags=True).dags
    assert "guestlist_intake" in dags
    return [dags[run.dag_id].test(run_conf=run.params).state for run in work.due(workspace)]


def test_each_upload_has_a_run_and_each_audience_its_members(workspace, include):
    first = push(workspace, csv_of(people(range(50))), name="VIPs").audience_id
    second = push(workspace, csv_of(people(range(30, 60))), name="Lapsed", destinations=["meta_main"]).audience_id
    later = push(workspace, csv_of(people(range(10, 50))), first, kind="append")
    assert run_due(workspace) == ["success", "success"], "one upload of an audience at a time"
    assert run_due(workspace) == ["success"]
    assert work.due(workspace) == []
    for audience in map(workspace.ledger.pushed_audience, (first, second)):
        segment = find_any(workspace, segment_name(audience))
        platforms = {target.label: target.platform for target in segment.destinations}
        state = state_of(workspace.ledger, audience, platforms)
        assert (state.status, state.message) == ("ready", None)
        assert [one.label for one in state.destinations] == list(platforms)
        assert [one.members for one in state.destinations] == [50 if audience.id == first else 30] * len(platforms)
    assert workspace.ledger.upload(later.id).cleared_at, "what was pushed raw is gone"
    assert not list((include / "home" / "lake" / "_uploads").iterdir())


def test_an_upload_that_cannot_be_read_says_why(workspace):
    upload = push(workspace, b"mail,phone,country\nann@example.com,+4915112345678,DE\n", name="VIPs")
    assert run_due(workspace) == ["failed"]
    state = state_of(workspace.ledger, workspace.ledger.pushed_audience(upload.audience_id), {})
    assert state.status == "failed"
    assert "no column 'email'" in state.message
    assert "ann@" not in state.message


def test_a_run_without_an_upload_is_told_what_to_do(workspace):
    from airflow.dag_processing.dagbag import DagBag

    assert DagBag(str(ROOT / "dags"), collect_dags=True).dags["pushed"].test().state == "failed"
