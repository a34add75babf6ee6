"""Whole DAG runs inside one process, with Airflow's database and the sandbox: what people see for what they ask."""

import json
import threading
import time
from pathlib import Path

import pytest

from guestlist.cli.proof import prove
from guestlist.cli.stage import connections
from guestlist.runtime.segments import find_segment
from guestlist.runtime.wiring import Workspace
from guestlist.sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Airflow's own deprecations, not ours

SEGMENT = """
name: people
source: {file: people.csv}
key: id
identifiers: {email: email, phone: {columns: [phone], region: country}}
guards: {max_removed: 20%}
destinations:
  - {platform: google_ads, connection: google_ads_main, audience: People}
  - {platform: meta, connection: meta_main, audience: People}
"""


def write_people(include, numbers):
    rows = [f"{n},person{n}@example.com,+1 212 555 {n:04d},US" for n in numbers]
    (include / "people.csv").write_text("id,email,phone,country\n" + "\n".join(rows) + "\n")


@pytest.fixture(scope="module")
def airflow_database():
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def sandbox(tmp_path):
    with Sandbox(tmp_path / "sandbox", settle_seconds=0.2) as running:
        yield running


@pytest.fixture
def include(tmp_path, monkeypatch, sandbox, airflow_database):
    """A project of its own: segments, source, ledger and lake."""
    (tmp_path / "segments").mkdir()
    (tmp_path / "segments" / "people.yaml").write_text(SEGMENT)
    write_people(tmp_path, range(200))
    monkeypatch.setenv("GUESTLIST_SEGMENTS", str(tmp_path / "segments"))
    monkeypatch.setenv("GUESTLIST_HOME", str(tmp_path / "home"))
    for name, value in connections(sandbox, tmp_path / "none.duckdb").items():
        settings = json.loads(value)
        if "poll_first_seconds" in settings.get("extra", {}):
            settings["extra"] |= {"poll_first_seconds": 0.1, "poll_longest_seconds": 0.3}
        monkeypatch.setenv(name, json.dumps(settings))
    return tmp_path


def run_dag(**conf):
    """Run the DAG in this process; its state and those of its tasks."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(ROOT / "dags"), collect_dags=True)
    run = bag.dags["people"].test(run_conf=conf)
    return run.state, {f"{ti.task_id}[{ti.map_index}]": ti.state for ti in run.get_task_instances()}


def books_equal_segment(include, sandbox):
    workspace = Workspace()
    segment = find_segment("people", workspace.config.segments)
    proofs = prove(workspace, segment, sandbox.http_url, str(include / "proof"))
    assert proofs
    return all(proof.holds for proof in proofs)


def test_a_first_run_a_change_a_guard_and_an_approval(include, sandbox):
    state, tasks = run_dag()
    assert state == "success"
    assert tasks["google_ads_main.removals.send[-1]"] == "skipped"
    assert tasks["google_ads_main.additions.send[0]"] == "success"
    assert books_equal_segment(include, sandbox)

    write_people(include, range(5, 210))
    assert run_dag()[0] == "success"
    assert books_equal_segment(include, sandbox)

    state, tasks = run_dag(dry_run=True)
    assert state == "success"
    assert tasks["meta_main.guard[-1]"] == "skipped"
    assert tasks["meta_main.additions.open[-1]"] == "skipped"
    assert tasks["meta_main.seal[-1]"] == "skipped"

    write_people(include, range(5, 55))  # three quarters leave: max_removed is 20 %
    state, tasks = run_dag(approve=True, destinations=["meta_main"])
    assert state == "success"
    assert tasks["google_ads_main.plan[-1]"] == "skipped"
    assert tasks["meta_main.removals.send[0]"] == "success"
    workspace = Workspace()
    plan = workspace.ledger.unsealed_plans("people", "meta_main") or workspace.ledger.plans_of_run(
        "people", "meta_main", workspace.ledger.last_runs("people")[0].run_id
    )
    assert workspace.ledger.decision(plan[0].id).decision == "approve"


def questions():
    """What Airflow shows people of tasks that wait for them."""
    from airflow.models.hitl import HITLDetail
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        return session.scalars(select(HITLDetail.body)).all()


def decide_once_asked(label, decision, who):
    """Enter a decision as `guestlist approve` does, while the task waits for it."""
    before = questions()

    def decide():
        while len(questions()) == len(before):
            time.sleep(0.2)
        ledger = Workspace().ledger
        ledger.decide(ledger.newest_plan("people", label).id, decision, who)

    thread = threading.Thread(target=decide, daemon=True)
    thread.start()
    return thread


def test_a_guard_waits_until_somebody_decides_at_the_command_line(include, sandbox):
    assert run_dag(destinations=["meta_main"])[0] == "success"
    write_people(include, range(50))
    thread = decide_once_asked("meta_main", "reject", "ben (command line)")
    state, tasks = run_dag(destinations=["meta_main"])
    thread.join()
    assert (state, tasks["meta_main.guard[-1]"]) == ("failed", "failed")
    assert tasks["meta_main.removals.open[-1]"] == "upstream_failed"
    assert Workspace().ledger.last_runs("people")[0].report["state"] == "stopped"

    thread = decide_once_asked("meta_main", "approve", "ann (command line)")
    write_people(include, range(51))
    state, tasks = run_dag(destinations=["meta_main"])
    thread.join()
    assert (state, tasks["meta_main.guard[-1]"]) == ("success", "success")
    plan = Workspace().ledger.newest_plan("people", "meta_main")
    decision = Workspace().ledger.decision(plan.id)
    assert (plan.state, decision.decision, decision.who) == ("sealed", "approve", "ann (command line)")
    assert decision.at is not None
    assert "max_removed: 149 of 200 (74.5%), allowed 20%" in questions()[-1]
    assert not any("example" in question or "555" in question for question in questions())


def test_a_broken_source_fails_the_run_and_empties_nothing(include, sandbox):
    assert run_dag()[0] == "success"
    write_people(include, [])
    state, tasks = run_dag()
    assert state == "failed"
    assert tasks["prepare[-1]"] in ("failed", "up_for_retry")
    assert tasks["google_ads_main.plan[-1]"] == "upstream_failed"
    write_people(include, range(200))
    assert books_equal_segment(include, sandbox)


def test_rejected_rows_do_not_end_green(include, sandbox):
    import httpx

    fault = {"match": {"method": "POST", "path": "audienceMembers:ingest"}, "times": 1}
    fault["action"] = {"fail_job": "partial", "reason": "INVALID_FORMAT", "count": 3}
    url = f"{sandbox.http_url}/admin/faults/data_manager"
    httpx.post(url, json={"faults": [fault]}).raise_for_status()
    state, tasks = run_dag(destinations=["google_ads_main"])
    httpx.delete(url)
    assert state == "failed"
    assert tasks["report[-1]"] == "failed"
    report = Workspace().ledger.last_runs("people")[0].report
    assert report["state"] == "rejected"
    assert report["destinations"][0]["rejected"] == {"INVALID_FORMAT": 3}
    assert run_dag(destinations=["google_ads_main"])[0] == "success"  # what was not confirmed is sent again


def run_erasure(**conf):
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(ROOT / "dags"), collect_dags=True).dags["guestlist_erasure"].test(run_conf=conf).state


def test_the_dag_finishes_an_erasure_that_the_command_line_has_entered(include, sandbox):
    from guestlist.model.vocabulary import Field
    from guestlist.pipeline.erasure import Given
    from guestlist.runtime.erasure.request import enter

    assert run_dag()[0] == "success"
    erasure = enter(Workspace(), [[Given(Field.EMAIL, "person7@example.com")]])
    other = enter(Workspace(), [[Given(Field.PHONE, "(212) 555-0009", "US")]])
    assert run_erasure(erasure=erasure) == "success"
    ledger = Workspace().ledger
    assert [step.outcome for step in ledger.steps(erasure)] == ["removed", "removed"]
    assert [step.outcome for step in ledger.steps(other)] == []
    assert run_erasure() == "success"
    assert [step.outcome for step in ledger.steps(other)] == ["removed", "removed"]
    assert ledger.erasures(only_open=True) == []
    assert ledger.generation("people", "meta_main").members == 198
    assert run_dag()[0] == "success"
    assert books_equal_segment(include, sandbox)
    assert ledger.last_runs("people")[0].drops["rows"] == {"erased": 2}


def test_no_run_of_the_erasure_dag_can_be_told_a_person(include):
    from airflow.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        run_erasure(erasure="person7@example.com")


def test_a_source_in_parts(include, sandbox):
    """Each file of a glob is prepared by a task of its own; somebody who is in two of them is one member."""
    (include / "segments" / "people.yaml").write_text(SEGMENT.replace("people.csv", "people-*.csv"))
    for name, numbers in (("a", range(150)), ("b", range(140, 250)), ("c", range(250, 300))):
        write_people(include, numbers)
        (include / "people.csv").rename(include / f"people-{name}.csv")
    state, tasks = run_dag()
    assert state == "success", tasks
    assert [tasks[f"prepare.partition[{number}]"] for number in range(3)] == ["success"] * 3
    assert books_equal_segment(include, sandbox)
    workspace = Workspace()
    drops = workspace.ledger.last_runs("people", 1)[0].drops
    assert (drops["read"], drops["prepared"], drops["rows"]) == (310, 300, {"repeated_key": 10})
