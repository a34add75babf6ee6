"""Canaries go through a real Airflow at its loudest: API server, scheduler, workers, triggerer and all of our DAGs.

Runs that succeed, that platforms refuse, that wait for a person; then an erasure and the upkeep. Afterwards neither Airflow's
database (XCom, rendered fields, pages, assets, serialised DAGs) nor a log, an event of OpenLineage, the lake, the ledger or a
temporary file knows them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from contract.rig import COLUMNS, digest
from end_to_end.api import Api
from privacy.canaries import CANARIES, digests, hits, people, secrets
from privacy.places import left_behind

from guestlist.cli.components import free_port, running_airflow
from guestlist.cli.stage import Stage
from guestlist.model.vocabulary import Field
from guestlist.pipeline.erasure import Given
from guestlist.runtime.erasure.request import enter
from guestlist.runtime.wiring import Workspace
from guestlist.sandbox.server import Sandbox

pytestmark = pytest.mark.slow
PASSWORD = "hunter2-made-up"
PATIENCE = 600
"""Seconds after which something hangs: at its loudest an Airflow takes its time."""
EMAIL = CANARIES[0]["email"]
META = {"platform": "meta", "connection": "meta_main", "audience": "VIPs"}
REFUSED = {"platform": "meta", "connection": "meta_refused", "audience": "VIPs"}
QUOTING = {"platform": "tiktok_ads", "connection": "tiktok_ads_main", "audience": "VIPs", "api": "streaming"}
PLAIN = {"platform": "edgetag", "connection": "edgetag_main", "audience": "VIPs", "mode": "append"}
GOOGLE = {"platform": "google_ads", "connection": "google_ads_main", "audience": "VIPs"}
SEGMENTS: dict[str, dict[str, Any]] = {
    "good": {"destinations": [GOOGLE, PLAIN]},
    "refused": {"destinations": [REFUSED, QUOTING]},
    "waiting": {"destinations": [META], "guards": {"min_members": 100}},
}
OWN = ("guestlist_erasure", "guestlist_upkeep", "guestlist_reconcile", "guestlist_watch")
SEARCHED = ("xcom.value", "rendered_task_instance_fields.rendered_fields", "hitl_detail.body", "serialized_dag.data")


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    (tmp_path / "segments").mkdir()
    (tmp_path / "tmp").mkdir()
    identifiers = {"email": ["email", "email2"], "phone": "phone", "first_name": "first", "last_name": "last"}
    common = {"source": {"file": "people.csv"}, "key": "id", "identifiers": identifiers, "consent": {"ad_user_data": "consent"}}
    for name, more in SEGMENTS.items():
        (tmp_path / "segments" / f"{name}.yaml").write_text(yaml.safe_dump({"name": name, **common, **more}))
    rows = [",".join(COLUMNS), *(",".join(row[column] for column in COLUMNS) for row in CANARIES)]
    (tmp_path / "people.csv").write_text("\n".join(rows) + "\n")
    monkeypatch.setenv("GUESTLIST_SEGMENTS", str(tmp_path / "segments"))
    monkeypatch.setenv("GUESTLIST_HOME", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("AIRFLOW__LOGGING__LOGGING_LEVEL", "DEBUG")
    (tmp_path / "lineage").mkdir()
    events = {"type": "file", "log_file_path": str(tmp_path / "lineage" / "event")}
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", json.dumps(events))
    found = Stage(tmp_path)
    found.make_key()
    return found


@pytest.fixture
def sandbox(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """One platform quotes in its refusals what it was sent, and a connection holds a token that is not accepted."""
    with Sandbox(stage.folder / "sandbox", settle_seconds=0.2) as running:
        extra = {**running.connections()["meta"], "access_token": PASSWORD}
        monkeypatch.setenv("AIRFLOW_CONN_META_REFUSED", json.dumps({"conn_type": "generic", "extra": extra}))
        told = f"{EMAIL} {digest(EMAIL.lower())}"
        quoting = {"status": 400, "body": {"code": 40002, "message": told, "request_id": told}, "headers": {"x-tt-logid": told}}
        fault = {"match": {"path": "segment/mapping"}, "action": quoting, "times": 999}
        httpx.post(f"{running.http_url}/admin/faults/tiktok_ads", json={"faults": [fault]}).raise_for_status()
        yield running


def play(api: Callable[[str], Api]) -> None:
    """Every DAG of ours runs, and ends as it should."""
    runs = {}
    for name in SEGMENTS:
        api(name).wait_for_dag(PATIENCE)
        runs[name] = api(name).trigger()
    api("waiting").wait_for_task(runs["waiting"], "meta_main.guard", ["deferred"], PATIENCE)
    page = f"/dags/waiting/dagRuns/{runs['waiting']}/taskInstances/meta_main.guard/-1/hitlDetails"
    assert "min_members" in api("waiting").get(page)["body"]
    ended = {name: api(name).wait(runs[name], PATIENCE) for name in ("good", "refused")}
    assert ended == {"good": "success", "refused": "failed"}
    api("waiting").send("PATCH", page, {"chosen_options": ["Approve"], "params_input": {}})
    assert api("waiting").wait(runs["waiting"], PATIENCE) == "success"
    enter(Workspace(), [[Given(Field.EMAIL, EMAIL), Given(Field.PHONE, CANARIES[1]["phone"])]])
    runs = {name: api(name).trigger() for name in OWN}
    ended = {name: api(name).wait(run, PATIENCE) for name, run in runs.items()}
    by_hand = "failed"  # EdgeTag takes nobody off an audience
    refused = "failed"  # one of the connections is not accepted
    assert ended == dict(zip(OWN, (by_hand, refused, "success", "success"), strict=True))


def test_a_real_airflow_knows_nobody(stage: Stage, sandbox: Sandbox, request: pytest.FixtureRequest) -> None:
    with (stage.folder / "airflow.log").open("a") as log:
        assert stage.airflow("db", "migrate", sandbox=sandbox, log=log).wait() == 0
        assert stage.import_pools(sandbox, log) == 0
    with running_airflow(stage, sandbox, port=free_port(0)) as airflow:
        known: dict[str, Api] = {}

        def api(dag: str) -> Api:
            if dag not in known:
                known[dag] = Api(airflow, dag)
                request.addfinalizer(known[dag].client.close)
            return known[dag]

        play(api)
    extras = sandbox.connections().values()
    named = {
        str(extra[name]) for extra in extras for name in extra if name.endswith(("token", "secret", "api_key", "password"))
    }
    hidden = secrets(named | {PASSWORD, "sandbox-access-", (stage.folder / "vault.key").read_text().strip()})
    for own in ("people.csv", "vault.key"):
        (stage.folder / own).unlink()
    searched = set()
    for where, text in left_behind(stage.folder, "sandbox"):
        searched.add(where)
        in_lake = where.startswith("lake/") and "parquet" in where
        assert hits(text, people() | hidden | ({} if in_lake else digests())) == set(), where
    for column in SEARCHED:
        assert any(where.endswith(column) for where in searched), column
    for task in ("good/run_id", "meta_refused.additions", "guestlist_erasure/run_id", "guestlist_upkeep/run_id"):
        assert any(where.startswith("airflow/logs/") and task in where for where in searched), task
    assert "ledger.db, sessions.handle" in searched
    told = [json.loads(file.read_text()) for file in (stage.folder / "lineage").iterdir()]
    for ending in ("good.edgetag_main.seal COMPLETE", "refused.report FAIL", "guestlist_erasure.erase FAIL"):
        assert ending in {f"{event['job']['name']} {event['eventType']}" for event in told}
    assert all(
        any(where.startswith(f"lineage/{file.name}") for where in searched) for file in (stage.folder / "lineage").iterdir()
    )
