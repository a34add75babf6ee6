"""The DAGs that segment files become: their shape, their params, and what happens to a file that cannot be used."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowFailException
from airflow.serialization.serialized_objects import DagSerialization

from guestlist.model.errors import AuthError, ConfigError, RateLimitedError, TransientError, Unconfirmed
from guestlist.orchestration import airflow_dags
from guestlist.orchestration.dags import segment_dags
from guestlist.orchestration.retries import GuestlistRetryPolicy

OURS = {"guestlist_upkeep", "guestlist_reconcile", "guestlist_watch", "guestlist_erasure"}
ROOT = Path(__file__).resolve().parents[2]
GOOD = """
name: {name}
description: People of the {name} kind
schedule: "0 5 * * *"
owner: growth
source: {{file: people.csv}}
key: id
identifiers: {{email: email}}
destinations:
  - {{platform: google_ads, connection: google_main, audience: A, mode: {google}}}
  - {{platform: meta, connection: meta_main, audience: B, mode: {meta}}}
"""


def write(folder, name, text=None, google="mirror", meta="mirror"):
    (folder / f"{name}.yaml").write_text(text if text is not None else GOOD.format(name=name, google=google, meta=meta))


def bag_of(folder, monkeypatch):
    monkeypatch.setenv("GUESTLIST_SEGMENTS", str(folder))
    bag = DagBag(str(ROOT / "dags"), collect_dags=True)
    bag.dags = {dag_id: dag for dag_id, dag in bag.dags.items() if dag_id not in OURS}
    return bag


def test_one_dag_a_file_and_no_import_errors(tmp_path, monkeypatch):
    for name in ("one", "two"):
        write(tmp_path, name)
    bag = bag_of(tmp_path, monkeypatch)
    assert bag.import_errors == {}
    assert set(bag.dags) == {"one", "two"}
    dag = bag.dags["one"]
    assert dag.max_active_runs == 1
    assert dag.catchup is False
    assert dag.tags == {"guestlist", "google_ads", "meta"}
    assert {task.owner for task in dag.tasks} == {"growth"}


def test_the_shipped_segments_are_whole():
    bag = DagBag(str(ROOT / "dags"), collect_dags=True)
    assert {dag_id for dag_id, dag in bag.dags.items() if "broken" not in dag.tags} == {
        "all_customers",
        "lapsed_vips",
        "newsletter_readers",
        "do_not_target",
        *OURS,
    }


@pytest.mark.parametrize(
    ("mode", "phases"),
    [
        ("mirror", ["removals", "additions"]),
        ("append", ["additions"]),
        ("remove", ["removals"]),
        ("replace", ["replacement"]),
    ],
)
def test_each_mode_has_its_phases_in_order_removals_first(tmp_path, monkeypatch, mode, phases):
    write(tmp_path, "one", meta=mode)
    dag = bag_of(tmp_path, monkeypatch).dags["one"]
    steps = [f"meta_main.{phase}.{step}" for phase in phases for step in ("open", "send", "settle")]
    names = {task_id for task_id in dag.task_ids if task_id.startswith("meta_main.")}
    assert names == {"meta_main.plan", "meta_main.guard", "meta_main.seal", *steps}
    chain = ["prepare", "meta_main.plan", "meta_main.guard", *steps, "meta_main.seal", "report"]
    for first, second in pairwise(chain):
        assert second in dag.task_dict[first].downstream_task_ids, (first, second)


def test_tasks_share_the_pool_of_their_connection_and_sending_is_mapped(tmp_path, monkeypatch):
    write(tmp_path, "one")
    dag = bag_of(tmp_path, monkeypatch).dags["one"]
    for task_id in ("plan", "removals.open", "removals.send", "removals.settle", "additions.send"):
        assert dag.task_dict[f"google_main.{task_id}"].pool == "guestlist_google_main"
    send = dag.task_dict["google_main.additions.send"]
    assert send.is_mapped
    assert send.max_active_tis_per_dagrun == 1
    assert "default" in send.map_index_template  # an undefined name would fail the task after it has sent


def test_the_report_runs_whatever_happened_and_nothing_comes_after_it(tmp_path, monkeypatch):
    write(tmp_path, "one")
    dag = bag_of(tmp_path, monkeypatch).dags["one"]
    assert dag.task_dict["report"].trigger_rule == "all_done"
    assert [task.task_id for task in dag.tasks if not task.downstream_task_ids] == ["report"]


def test_the_form_offers_what_a_person_may_choose(tmp_path, monkeypatch):
    write(tmp_path, "one")
    dag = bag_of(tmp_path, monkeypatch).dags["one"]
    assert set(dag.params) == {"dry_run", "destinations", "approve", "full_resend"}
    dag.params.validate()
    assert dag.params["dry_run"] is False
    assert dag.params.get_param("destinations").schema["items"]["enum"] == ["google_main", "meta_main"]


def test_the_documentation_renders_the_segment(tmp_path, monkeypatch):
    write(tmp_path, "one")
    doc = bag_of(tmp_path, monkeypatch).dags["one"].doc_md
    for text in ("People of the one kind", "people.csv", "`email`", "google_main", "max_removed", "| meta_main | meta | B |"):
        assert text in doc


def test_there_is_one_asset_for_the_segment_and_one_for_each_audience(tmp_path, monkeypatch):
    write(tmp_path, "one")
    dag = bag_of(tmp_path, monkeypatch).dags["one"]
    outlets = {task.task_id: [asset.name for asset in task.outlets] for task in dag.tasks if task.outlets}
    assert outlets == {
        "prepare": ["guestlist://one"],
        "google_main.seal": ["guestlist://one/google_main"],
        "meta_main.seal": ["guestlist://one/meta_main"],
    }


@pytest.mark.parametrize("slash", ["", "/"])
def test_who_waits_for_an_asset_describes_it_as_who_updates_it(tmp_path, monkeypatch, slash):
    """Airflow deactivates an asset that two DAGs describe differently."""
    write(tmp_path, "one")
    after = f"{{after: [guestlist://one{slash}, guestlist://one/meta_main]}}"
    write(tmp_path, "two", GOOD.format(name="two", google="mirror", meta="mirror").replace('"0 5 * * *"', after))
    bag = bag_of(tmp_path, monkeypatch)
    updated = [asset for task in bag.dags["one"].tasks for asset in task.outlets if "google" not in asset.name]
    assert list(bag.dags["two"].timetable.asset_condition.objects) == updated


def test_a_segment_may_wait_for_assets(tmp_path, monkeypatch):
    after = GOOD.format(name="one", google="mirror", meta="mirror").replace('"0 5 * * *"', "{after: [guestlist://x/y]}")
    write(tmp_path, "one", after)
    dag = bag_of(tmp_path, monkeypatch).dags["one"]
    assert "guestlist://x/y" in str(dag.timetable.asset_condition)


def test_dags_survive_serialisation(tmp_path, monkeypatch):
    write(tmp_path, "one")
    dag = bag_of(tmp_path, monkeypatch).dags["one"]
    again = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
    assert set(again.task_ids) == set(dag.task_ids)


BROKEN = {
    "typo": GOOD.format(name="typo", google="mirror", meta="mirror").replace("audience: A", "audiance: A"),
    "cron": GOOD.format(name="cron", google="mirror", meta="mirror").replace("0 5 * * *", "0 99 * * *"),
    "yaml": "name: [unclosed",
    "empty": "",
    "mode": GOOD.format(name="mode", google="snapshot", meta="mirror"),
    "platform": GOOD.format(name="platform", google="mirror", meta="mirror").replace("platform: meta", "platform: mata"),
    "binary": "\x00\x01\x02",
    "other_name": GOOD.format(name="not_the_file", google="mirror", meta="mirror"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_file_is_a_placeholder_and_the_others_stay_alive(tmp_path, monkeypatch, broken):
    write(tmp_path, "good")
    write(tmp_path, broken, BROKEN[broken])
    bag = bag_of(tmp_path, monkeypatch)
    assert bag.import_errors == {}
    assert set(bag.dags) == {"good", broken}
    assert len(bag.dags["good"].tasks) > 10
    placeholder = bag.dags[broken]
    assert "broken" in placeholder.tags
    assert placeholder.description.startswith("BROKEN: ")
    with pytest.raises(AirflowFailException) as failure:
        placeholder.task_dict["mend_the_segment_file"].execute({})
    assert str(failure.value) in placeholder.doc_md


def test_a_placeholder_tells_every_problem_and_keeps_the_schedule(tmp_path, monkeypatch):
    text = GOOD.format(name="two", google="snapshot", meta="mirror").replace("key: id", "kee: id")
    write(tmp_path, "two", text)
    dag = bag_of(tmp_path, monkeypatch).dags["two"]
    for reason in ("kee: nobody knows this key", "key: is missing", "cannot do mode 'snapshot'"):
        assert reason in dag.doc_md
    assert dag.schedule == "0 5 * * *"


def test_a_schedule_that_never_comes_is_told_every_day(tmp_path, monkeypatch):
    write(tmp_path, "two", GOOD.format(name="two", google="mirror", meta="mirror").replace("0 5 * * *", "0 0 30 2 *"))
    dag = bag_of(tmp_path, monkeypatch).dags["two"]
    assert dag.schedule == "@daily"
    assert "'0 0 30 2 *' is no cron expression of a time that ever comes" in dag.doc_md


def test_a_task_parses_its_own_file_only(tmp_path):
    write(tmp_path, "one")
    write(tmp_path, "two", "name: [")
    assert [dag.dag_id for dag in segment_dags(tmp_path, only="one")] == ["one"]


def test_a_task_of_our_own_dags_parses_no_segment(tmp_path, monkeypatch):
    write(tmp_path, "one")
    monkeypatch.setenv("GUESTLIST_SEGMENTS", str(tmp_path))
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "guestlist_upkeep")
    assert set(airflow_dags("dags/any.py")) == {"guestlist_upkeep"}
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "one")
    assert set(airflow_dags("dags/any.py")) == {"one"}


def test_parsing_loads_neither_polars_nor_a_vendors_sdk(tmp_path):
    write(tmp_path, "one")
    script = (
        "import sys\nfrom airflow.dag_processing.dagbag import DagBag\n"
        f"bag = DagBag({str(ROOT / 'dags')!r})\n"
        f"assert set(bag.dags) == {OURS | {'one'}!r}, bag.import_errors\n"
        "heavy = {'polars', 'pyarrow', 'duckdb', 'phonenumbers', 'google.ads', 'facebook_business', 'grpc'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    environment = {**os.environ, "GUESTLIST_SEGMENTS": str(tmp_path), "PYTHONPATH": str(ROOT / "include")}
    printed = subprocess.check_output([sys.executable, "-W", "ignore", "-c", script], env=environment, text=True)
    assert printed.strip().splitlines()[-1] == "[]"


def test_celerys_provider_can_be_imported():
    """The newest celery breaks it, and pip does not notice."""
    from airflow.providers.celery.executors.celery_executor import CeleryExecutor

    assert CeleryExecutor.__name__ == "CeleryExecutor"


def test_retries_follow_the_error_tree():
    policy = GuestlistRetryPolicy()
    assert policy.evaluate(ConfigError("x"), 1, 3).action.value == "fail"
    assert policy.evaluate(AuthError("x"), 1, 3).action.value == "fail"
    assert policy.evaluate(Unconfirmed("x"), 1, 3).action.value == "fail"
    assert policy.evaluate(TransientError("x"), 1, 3).action.value == "default"
    assert policy.evaluate(ValueError("x"), 1, 3).action.value == "default"
    limited = policy.evaluate(RateLimitedError("x", retry_after=1800), 1, 3)
    assert (limited.action.value, limited.retry_delay) == ("retry", timedelta(minutes=30))
    assert policy.evaluate(RateLimitedError("x", retry_after=10**6), 1, 3).retry_delay == timedelta(hours=6)
