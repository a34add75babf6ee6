"""The task that waits for dbt: in the DAG only where a segment names a model, and without a worker's slot while it waits."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import TaskDeferred
from sources.artifacts import GOOD, TESTS, write_artifacts

from guestlist.model.errors import DataError
from guestlist.orchestration.dags import build
from guestlist.runtime.segments import read_segment

SEGMENT = """
name: people
source:
  file: people.csv
  dbt: {model: lapsed_vips, artifacts: target, max_age: 26h, wait: 2h}
key: id
identifiers: {email: email}
destinations:
  - {platform: meta, connection: meta_main, audience: People}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "segments").mkdir()
    (tmp_path / "segments" / "people.yaml").write_text(SEGMENT)
    monkeypatch.setenv("GUESTLIST_SEGMENTS", str(tmp_path / "segments"))
    monkeypatch.setenv("GUESTLIST_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def task(project):
    return build(read_segment(project / "segments" / "people.yaml")).get_task("dbt")


CONTEXT = {
    "run_id": "manual",
    "dag": SimpleNamespace(fileloc=__file__),
    "params": {},
    "dag_run": SimpleNamespace(run_after=None),
    "ti": SimpleNamespace(xcom_push=lambda key, value: None),  # where an error's sentence goes, for the alert
}


def test_it_comes_before_the_source_is_read_and_only_where_a_model_is_named(project, task):
    assert task.downstream_task_ids == {"prepare"}
    path = project / "segments" / "people.yaml"
    path.write_text(SEGMENT.replace("people.csv", "people-*.csv"))
    assert build(read_segment(path)).get_task("dbt").downstream_task_ids == {"prepare.partitions"}
    path.write_text(SEGMENT.replace("  dbt: {model: lapsed_vips, artifacts: target, max_age: 26h, wait: 2h}\n", ""))
    assert not build(read_segment(path)).has_task("dbt")


def test_a_fresh_build_lets_the_run_go_on(project, task):
    write_artifacts(project / "target", GOOD)
    task.execute(CONTEXT)


def test_it_waits_in_the_triggerer_and_remembers_since_when(project, task):
    write_artifacts(project / "target", GOOD, datetime.now(UTC) - timedelta(hours=27))
    with pytest.raises(TaskDeferred) as first:
        task.execute(CONTEXT)
    since = first.value.kwargs["since"]
    with pytest.raises(TaskDeferred) as second:
        task.execute(CONTEXT, event=None, since=since)
    assert second.value.kwargs["since"] == since
    over = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    with pytest.raises(DataError, match="waited 2 h 0 min"):
        task.execute(CONTEXT, event=None, since=over)


def test_a_failed_test_ends_the_run(project, task):
    write_artifacts(project / "target", {**GOOD, list(TESTS)[1]: "fail"})
    with pytest.raises(DataError, match=r"unique_lapsed_vips_id \(fail\)"):
        task.execute(CONTEXT)
