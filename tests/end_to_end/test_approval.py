"""A guard's question through Airflow as people answer it: on its page, at the command line, and after tasks were cleared."""

import pytest
from end_to_end.api import Api

from guestlist.cli.components import free_port, running_airflow
from guestlist.cli.stage import Stage
from guestlist.runtime.wiring import Workspace
from guestlist.sandbox.server import Sandbox

pytestmark = pytest.mark.slow
GUARD = "meta_main.guard"
SEGMENT = """
name: people
source: {file: people.csv}
key: id
identifiers: {email: email, phone: {columns: [phone], region: country}}
guards: {min_members: 100}
destinations:
  - {platform: meta, connection: meta_main, audience: People}
"""


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """Forty people where at least a hundred are asked for: every plan waits."""
    (tmp_path / "segments").mkdir()
    (tmp_path / "segments" / "people.yaml").write_text(SEGMENT)
    rows = [f"{n},person{n}@example.com,+1 212 555 {n:04d},US" for n in range(40)]
    (tmp_path / "people.csv").write_text("id,email,phone,country\n" + "\n".join(rows) + "\n")
    monkeypatch.setenv("GUESTLIST_SEGMENTS", str(tmp_path / "segments"))
    monkeypatch.setenv("GUESTLIST_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__LOGGING__LOGGING_LEVEL", "INFO")
    return Stage(tmp_path)


def page(api, run):
    return api.get(f"/dags/people/dagRuns/{run}/taskInstances/{GUARD}/-1/hitlDetails")


def wait_until_asked(api, stage, run):
    """Nobody answers before the scheduler knows that the worker is done: then Airflow would take the task for failed."""
    api.wait_for_task(run, GUARD, ["deferred"])
    api.until(lambda: any(GUARD in line and run in line for line in executor_events(stage)))


def executor_events(stage):
    return [line for line in (stage.folder / "airflow.log").read_text().splitlines() if "Received executor event with" in line]


def answer(api, run, option):
    path = f"/dags/people/dagRuns/{run}/taskInstances/{GUARD}/-1/hitlDetails"
    api.send("PATCH", path, {"chosen_options": [option], "params_input": {}})


def newest_decision():
    ledger = Workspace().ledger
    plan = ledger.newest_plan("people", "meta_main")
    return plan, ledger.decision(plan.id)


def test_a_guard_is_answered_on_its_page_and_at_the_command_line(stage, homes, request):
    with Sandbox(stage.folder / "sandbox", settle_seconds=0.2) as sandbox:
        homes.make_ready(stage)
        with running_airflow(stage, sandbox, port=free_port(0)) as airflow:
            api = Api(airflow, "people")
            request.addfinalizer(api.client.close)
            api.wait_for_dag()

            run = api.trigger()
            wait_until_asked(api, stage, run)
            shown = page(api, run)
            assert "min_members: 40, allowed at least 100" in shown["body"]
            assert "| join | email + phone |  | 40 |" in shown["body"]
            assert "example" not in str(shown)
            answer(api, run, "Reject")
            assert api.wait(run) == "failed"
            plan, decision = newest_decision()
            assert (decision.decision, decision.who) == ("reject", airflow.user)

            api.clear(run, GUARD)
            assert api.wait(run) == "failed", "a rejection survives clearing"
            assert newest_decision()[1].id == decision.id

            run = api.trigger()
            wait_until_asked(api, stage, run)
            answer(api, run, "Approve")
            assert api.wait(run) == "success", api.tasks(run)
            approved, decision = newest_decision()
            assert (approved.state, decision.decision, decision.who) == ("sealed", "approve", airflow.user)
            assert approved.id > plan.id

            api.clear(run, "prepare")
            assert api.wait(run) == "failed", "planned anew: the page that Airflow kept shows the plan before"
            anew, decision = newest_decision()
            assert (anew.id > approved.id, decision) == (True, None)
            Workspace().ledger.decide(anew.id, "approve", "ann (command line)")
            api.clear(run, GUARD)
            assert api.wait(run) == "success", api.tasks(run)

            run = api.trigger()
            wait_until_asked(api, stage, run)
            waiting, _ = newest_decision()
            Workspace().ledger.decide(waiting.id, "approve", "ann (command line)")
            assert api.wait(run) == "success", "the waiting task goes on by itself"
            assert newest_decision()[0].state == "sealed"
