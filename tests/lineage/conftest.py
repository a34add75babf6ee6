"""One real run for all tests of lineage: Airflow takes its time to start."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from airflows import Homes
from end_to_end.api import Api
from lineage.rig import SEGMENTS, Events, write_stage

from guestlist.cli.components import free_port, running_airflow
from guestlist.cli.stage import Stage
from guestlist.sandbox.server import Sandbox

PATIENCE = 300
"""Seconds after which something hangs."""


@dataclass(frozen=True)
class Played:
    """What the runs have left: the events, how each segment ended, and what Airflow keeps of the assets' last updates."""

    folder: Path
    events: Events
    states: dict[str, str]
    asset_events: dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory, homes: Homes) -> Played:
    """Every segment has run; the last one because the first has updated its assets."""
    folder = tmp_path_factory.mktemp("lineage")
    write_stage(folder)
    stage = Stage(folder)
    stage.make_key()
    before = dict(os.environ)
    with Sandbox(folder / "sandbox", settle_seconds=0.2) as sandbox:
        refused = {**sandbox.connections()["meta"], "access_token": "not-accepted"}
        os.environ |= {
            "GUESTLIST_SEGMENTS": str(folder / "segments"),
            "GUESTLIST_HOME": str(folder),
            "AIRFLOW_CONN_META_REFUSED": json.dumps({"conn_type": "generic", "extra": refused}),
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps({"type": "file", "log_file_path": str(folder / "events" / "event")}),
            "AIRFLOW__OPENLINEAGE__NAMESPACE": "tests",
        }
        (folder / "events").mkdir()
        try:
            homes.make_ready(stage)
            return _play(stage, sandbox)
        finally:
            os.environ.clear()
            os.environ.update(before)


def _play(stage: Stage, sandbox: Sandbox) -> Played:
    with running_airflow(stage, sandbox, port=free_port(0)) as airflow:
        apis = {name: Api(airflow, name) for name in SEGMENTS}
        for api in apis.values():
            api.wait_for_dag(PATIENCE)
        follower = apis["one_table"]
        follower.send("PATCH", "/dags/one_table", {"is_paused": False})
        runs = {name: apis[name].trigger(approve=True) for name in ("vips", "refused", "missing")}
        states = {name: apis[name].wait(run, PATIENCE) for name, run in runs.items()}
        follower.until(lambda: follower.get("/dags/one_table/dagRuns")["dag_runs"], PATIENCE)
        run = follower.get("/dags/one_table/dagRuns")["dag_runs"][0]["dag_run_id"]
        states["one_table"] = follower.wait(run, PATIENCE)
        found = follower.get("/assets/events", limit=100)["asset_events"]
        for api in apis.values():
            api.client.close()
    events = Events(sorted((stage.folder / "events").iterdir()))
    return Played(stage.folder, events, states, {event["uri"]: event["extra"] for event in found})
