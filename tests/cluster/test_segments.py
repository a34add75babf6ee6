"""Every segment of the project on the cluster: Celery workers, the ledger on PostgreSQL, the lake on an object store."""

from pathlib import Path

import pytest
from end_to_end.api import Api

from guestlist.cli.proof import prove
from guestlist.runtime.config import Config
from guestlist.runtime.segments import find_segment, segment_files
from guestlist.runtime.wiring import Workspace

pytestmark = pytest.mark.slow
SEGMENTS = [path.stem for path in segment_files(Config.from_environment().segments)]


@pytest.fixture(scope="module")
def runs(airflow):
    """Every segment's run, triggered at once: they share workers, pools and accounts."""
    apis = {name: Api(airflow, name) for name in SEGMENTS}
    apis[SEGMENTS[-1]].wait_for_dag()
    yield {name: (api, api.trigger()) for name, api in apis.items()}
    for api in apis.values():
        api.client.close()


@pytest.mark.parametrize("name", SEGMENTS)
@pytest.mark.usefixtures("as_worker")
def test_a_segment_runs_on_the_cluster(cluster, runs, tmp_path: Path, name):
    api, run = runs[name]
    assert api.wait(run, seconds=900) == "success", api.tasks(run)
    workspace = Workspace(resolve=cluster.connection)
    segment = find_segment(name, workspace.config.segments)
    proofs = prove(workspace, segment, cluster.sandbox_url, str(tmp_path / "proof"))
    assert {proof.label for proof in proofs} == {target.label for target in segment.destinations}
    assert all(proof.holds for proof in proofs), proofs
    assert workspace.ledger.last_runs(name, 1)[0].state == "sealed"
    assert workspace.lake.root.protocol == "s3"


def test_tasks_ran_on_both_workers(cluster, runs):
    api, run = runs["all_customers"]
    api.wait(run, seconds=900)
    told = [container.log.read_text(encoding="utf-8") for container in cluster.of("airflow-worker")]
    assert [log.count("succeeded in") > 10 for log in told] == [True, True]
