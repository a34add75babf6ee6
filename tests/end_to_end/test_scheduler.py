"""One segment through Airflow as people run it: API server, scheduler, dag-processor, triggerer, and the sandbox."""

import httpx
import pytest
from end_to_end.api import Api, without_schedules

from guestlist.cli.components import free_port, running_airflow
from guestlist.cli.proof import prove
from guestlist.cli.stage import Stage
from guestlist.runtime.segments import find_segment
from guestlist.runtime.wiring import Workspace
from guestlist.sandbox.server import Sandbox

pytestmark = pytest.mark.slow
DAG = "do_not_target"


def test_a_segment_runs_in_a_real_scheduler(tmp_path, monkeypatch, request):
    monkeypatch.setenv("SAMPLE_ROWS", "20000")
    monkeypatch.setenv("GUESTLIST_SEGMENTS", str(without_schedules(tmp_path / "include")))
    stage = Stage(tmp_path)
    with Sandbox(tmp_path / "sandbox", settle_seconds=1.0) as sandbox:
        stage.build_warehouse()
        with (tmp_path / "airflow.log").open("a") as log:
            assert stage.airflow("db", "migrate", sandbox=sandbox, log=log).wait() == 0
            assert stage.import_pools(sandbox, log) == 0
        with running_airflow(stage, sandbox, port=free_port(0)) as airflow:
            api = Api(airflow, DAG)
            request.addfinalizer(api.client.close)
            api.wait_for_dag()
            assert httpx.get(f"{airflow.url}/api/v2/dags").status_code == 401
            run = api.trigger()
            assert api.wait(run) == "success", api.tasks(run)
            tasks = api.tasks(run)
            assert tasks["meta_main.additions.send[0]"]["rendered_map_index"] == "part 1"
            assert tasks["google_ads_main.plan[-1]"]["pool"] == "guestlist_google_ads_main"
            links = api.get(f"/dags/{DAG}/dagRuns/{run}/taskInstances/meta_main.seal/links")["extra_links"]
            assert "facebook.com" in links["Audience on the platform"]
            events = {event["uri"]: event["extra"] for event in api.get("/assets/events")["asset_events"]}
            assert events[f"guestlist://{DAG}/meta_main"]["added"] > 100
        for name, value in stage.environment(sandbox).items():
            if name.startswith(("GUESTLIST_", "AIRFLOW_CONN_")):
                monkeypatch.setenv(name, value)
        workspace = Workspace()
        proofs = prove(workspace, find_segment(DAG, workspace.config.segments), sandbox.http_url, str(tmp_path / "proof"))
        assert proofs
        assert all(proof.holds for proof in proofs), proofs
