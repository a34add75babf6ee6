"""The DAGs of upkeep: their tasks and schedules, and what a person sees of them, in whole runs with the sandbox."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from airflow.dag_processing.dagbag import DagBag

from guestlist.cli.stage import connections
from guestlist.runtime import clock
from guestlist.runtime.ledger import audiences, checkpoints
from guestlist.runtime.segments import find_segment
from guestlist.runtime.sync.run import run_segment
from guestlist.runtime.wiring import Workspace
from guestlist.sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
SEGMENT = """
name: people
source: {file: people.csv}
key: id
identifiers: {email: email}
destinations: [{platform: meta, connection: meta_main, audience: People}]
"""


@pytest.fixture
def bag():
    return DagBag(str(ROOT / "dags"), collect_dags=True)


def test_what_is_done_once_a_day_and_what_every_hour(bag):
    assert bag.import_errors == {}
    daily, hourly, watch = (bag.dags[f"guestlist_{name}"] for name in ("upkeep", "reconcile", "watch"))
    assert set(daily.task_ids) == {"prune", "sessions", "audiences", "connections"}
    assert set(hourly.task_ids) == {"reconcile"}
    assert set(watch.task_ids) == {"watch"}, "its last success must not depend on platforms"
    assert not any(task.upstream_task_ids for task in daily.tasks), "what fails in one keeps no other"
    assert [dag.schedule for dag in (daily, hourly, watch)] == ["@daily", "@hourly", "@hourly"]
    for dag in (daily, hourly, watch):
        assert (dag.max_active_runs, dag.catchup, dag.tags) == (1, False, {"guestlist", "upkeep"})
        assert dag.doc_md
        assert all(task.retries == 3 for task in dag.tasks)


@pytest.fixture(scope="module")
def airflow_database():
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def include(tmp_path, monkeypatch, airflow_database):
    """An installation whose only audience was sealed two hours ago."""
    (tmp_path / "segments").mkdir()
    (tmp_path / "segments" / "people.yaml").write_text(SEGMENT)
    (tmp_path / "people.csv").write_text("id,email\n" + "".join(f"{n},person{n}@example.com\n" for n in range(150)))
    monkeypatch.setenv("GUESTLIST_SEGMENTS", str(tmp_path / "segments"))
    monkeypatch.setenv("GUESTLIST_HOME", str(tmp_path / "home"))
    with Sandbox(tmp_path / "sandbox", settle_seconds=0) as sandbox:
        for name, value in connections(sandbox, tmp_path / "none.duckdb").items():
            monkeypatch.setenv(name, value)
        workspace = Workspace()
        with pytest.MonkeyPatch.context() as earlier:
            for module in (audiences, checkpoints):
                earlier.setattr(module, "now", lambda: clock.now() - timedelta(hours=2))
            run_segment(workspace, find_segment("people", workspace.config.segments), "earlier")
        yield sandbox


def run_dag(bag, name):
    """Run a DAG in this process; its state and those of its tasks."""
    run = bag.dags[name].test()
    return run.state, {ti.task_id: ti.state for ti in run.get_task_instances()}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Airflow's own deprecations, not ours
def test_upkeep_is_green_where_all_is_well_and_leaves_what_is_needed(bag, include):
    state, tasks = run_dag(bag, "guestlist_upkeep")
    assert (state, set(tasks.values())) == ("success", {"success"})
    [check] = Workspace().ledger.checks()
    assert (check.platform, check.connection, check.ok) == ("meta", "meta_main", True)
    assert run_dag(bag, "guestlist_reconcile")[0] == "success"
    ledger = Workspace().ledger
    assert not ledger.is_due("people", "meta_main"), "the checkpoint of the first hour was looked at"
    assert Workspace().lake.exists(ledger.generation("people", "meta_main").path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_upkeep_is_red_where_a_connection_has_to_be_mended(bag, include, monkeypatch):
    extra = {**include.connections()["meta"], "access_token": "made-up"}
    monkeypatch.setenv("AIRFLOW_CONN_META_MAIN", json.dumps({"conn_type": "generic", "extra": extra}))
    _, tasks = run_dag(bag, "guestlist_upkeep")
    assert (tasks["connections"], tasks["prune"]) == ("failed", "success")
    [check] = Workspace().ledger.checks()
    assert (check.ok, check.findings[0]["ok"]) == (False, False)
    assert "made-up" not in str(check.findings)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_reconcile_is_red_with_what_to_do_where_an_audience_was_deleted(bag, include):
    [book] = httpx.get(f"{include.http_url}/admin/books/meta").json()
    httpx.delete(f"{include.http_url}/admin/books/meta/{book['id']}").raise_for_status()
    state, tasks = run_dag(bag, "guestlist_reconcile")
    assert (state, tasks) == ("failed", {"reconcile": "failed"})
    assert "not there any more" in Workspace().ledger.last_seen("people", "meta_main").told
