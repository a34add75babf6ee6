"""Monitoring in a running Airflow: what its workers and its DAG processor tell, measure and log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflows import Homes
from alerts.receivers import otlp
from alerts.webhook import listening
from end_to_end.api import Api

from guestlist.cli.components import free_port, running_airflow
from guestlist.cli.stage import Stage
from guestlist.sandbox.server import Sandbox

pytestmark = pytest.mark.slow
SEGMENT = """
name: {name}
source: {{file: people.csv}}
key: id
identifiers: {{email: email}}
alerts: {alerts}
destinations: [{{platform: meta, connection: {connection}, audience: People}}]
"""
LATE = SEGMENT.format(name="late", alerts="{to: ops, deadline: 1s}", connection="meta_main")
REFUSED = SEGMENT.format(name="refused", alerts="{to: ops}", connection="meta_refused")
DAGS = ("late", "refused", "guestlist_watch", "guestlist_upkeep", "broken")


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    (tmp_path / "segments").mkdir()
    (tmp_path / "segments" / "late.yaml").write_text(LATE)
    (tmp_path / "segments" / "refused.yaml").write_text(REFUSED)
    (tmp_path / "people.csv").write_text("id,email\n" + "".join(f"{n},person{n}@example.com\n" for n in range(40)))
    monkeypatch.setenv("GUESTLIST_SEGMENTS", str(tmp_path / "segments"))
    monkeypatch.setenv("GUESTLIST_HOME", str(tmp_path))
    monkeypatch.setenv("GUESTLIST_ALERTS", "ops")
    monkeypatch.setenv("GUESTLIST_RETENTION_DAYS", "0")
    monkeypatch.setenv("AIRFLOW__LOGGING__LOGGING_LEVEL", "INFO")
    return Stage(tmp_path)


def log_lines(stage: Stage, dag: str) -> list[dict[str, Any]]:
    """The lines of all task logs of a DAG: each is JSON."""
    files = (stage.airflow_home / "logs" / f"dag_id={dag}").rglob("*.log")
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_alerts_metrics_and_logs_of_a_running_airflow(
    stage: Stage, homes: Homes, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    with (
        listening() as webhook,
        otlp() as receiver,
        Sandbox(stage.folder / "sandbox", settle_seconds=0.2) as sandbox,
    ):
        extra = {**sandbox.connections()["meta"], "access_token": "made-up"}
        monkeypatch.setenv("AIRFLOW_CONN_META_REFUSED", json.dumps({"conn_type": "generic", "extra": extra}))
        monkeypatch.setenv("AIRFLOW_CONN_OPS", webhook.connection("sekret-path"))
        for name, value in receiver.environment.items():
            monkeypatch.setenv(name, value)
        homes.make_ready(stage)
        (stage.folder / "segments" / "broken.yaml").write_text("name: [unclosed")
        with running_airflow(stage, sandbox, port=free_port(0)) as airflow:
            ended = {}
            for dag in DAGS:
                api = Api(airflow, dag)
                request.addfinalizer(api.client.close)
                api.wait_for_dag()
                ended[dag] = api.wait(api.trigger())
            late = "late: deadline: not through 1s after it was queued"
            told = ["broken: failed", "guestlist_upkeep: failed", late, "refused: failed: meta_refused"]
            api.until(lambda: set(webhook.titles) >= set(told))
    assert [ended[dag] for dag in DAGS] == ["success", "failed", "success", "failed", "failed"]
    assert sorted(webhook.titles) == told, "each once"
    texts = {body["title"]: body["message"] for _, body in webhook.got}
    assert "the access token is not accepted" in texts["refused: failed: meta_refused"]
    assert "line 2: is not YAML" in texts["broken: failed"]
    assert "prune: GUESTLIST_RETENTION_DAYS takes a whole number of days" in texts["guestlist_upkeep: failed"]
    assert all(f"{airflow.url}/dags/" in text for text in texts.values())

    tags = frozenset({("platform", "meta"), ("segment", "late"), ("destination", "meta_main")})
    assert (receiver.got["adds", tags], receiver.got["members", tags], receiver.got["in_step", tags]) == (40, 40, 1)

    [sent] = [line for line in log_lines(stage, "late") if line["event"] == "add batch 1 of 1: 40 accepted"]
    about = {"segment": "late", "destination": "meta_main", "batch": 1, "dag_id": "late", "map_index": 0}
    assert sent.items() >= about.items()
    assert sent["run_id"].startswith("manual__")
    [error] = [
        line for line in log_lines(stage, "refused") if line["level"] == "error" and line["logger"] == "guestlist.airflow"
    ]
    assert (error["segment"], error["destination"]) == ("refused", "meta_refused")
    everything = "".join(file.read_text() for file in (stage.airflow_home / "logs").rglob("*.log"))
    assert "sekret-path" not in everything
    assert "@example.com" not in everything
