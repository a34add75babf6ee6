"""Two million people, two workers, one of which is killed while it sends: the run ends green by itself, the books right."""

import signal
import time
from datetime import UTC, datetime

import psutil
import pytest
from end_to_end.api import Api
from measured import MEASURED
from sqlalchemy import select

from cluster.crowd import FILES, PEOPLE, export
from guestlist.cli.proof import prove
from guestlist.runtime.ledger import tables
from guestlist.runtime.ledger.rows import aware
from guestlist.runtime.segments import find_segment
from guestlist.runtime.wiring import Workspace

pytestmark = pytest.mark.slow


@pytest.mark.usefixtures("as_worker")
def test_a_worker_is_killed_in_the_middle_of_sending(cluster, airflow, tmp_path, request, record_property):
    export()
    api = Api(airflow, "crowd")
    request.addfinalizer(api.client.close)
    api.wait_for_dag()
    begun = datetime.now(UTC)
    run = api.trigger()
    api.until(lambda: _sends(api, run, "success") >= 4 and _sends(api, run, "running") >= 1, seconds=900)
    other = _kill_one_that_sends(cluster.of("airflow-worker"), api, run)
    killed = datetime.now(UTC)

    assert api.wait(run, seconds=1200) == "success", api.tasks(run)
    assert other.process.poll() is None
    tasks = api.tasks(run)
    assert len([name for name in tasks if name.startswith("prepare.partition[")]) == FILES
    assert any(task["try_number"] > 1 for task in tasks.values()), "nothing was running on the worker that died"
    workspace = Workspace(resolve=cluster.connection)
    segment = find_segment("crowd", workspace.config.segments)
    proofs = prove(workspace, segment, cluster.sandbox_url, str(tmp_path / "proof"))
    assert {(proof.label, proof.kind, proof.wanted) for proof in proofs} == {
        (label, kind, PEOPLE) for label in ("google_ads_main", "meta_main") for kind in ("email", "phone")
    }
    assert all(proof.holds for proof in proofs), proofs
    two, one = _throughput(workspace, begun, killed)
    told = f"rows received a second, by both platforms: {two:,.0f} with two workers, {one:,.0f} with one"
    record_property(MEASURED, told)


def _throughput(workspace, begun, killed):
    """Before the kill, and after it, with the time in it that it takes until the other worker has taken over."""
    t = tables.batches.c
    with workspace.ledger.reading() as connection:
        found = connection.execute(select(t.received_at, t.rows).order_by(t.received_at)).all()
    received = [(aware(at), rows) for at, rows in found if aware(at) >= begun]  # other segments ran before
    return _rate([one for one in received if one[0] <= killed]), _rate([one for one in received if one[0] > killed])


def _rate(received):
    """The first receipt only starts the clock."""
    return sum(rows for _, rows in received[1:]) / (received[-1][0] - received[0][0]).total_seconds()


def _sends(api, run, state):
    return sum(".send[" in name and task["state"] == state for name, task in api.tasks(run).items())


def _kill_one_that_sends(workers, api, run):
    """Returns the other one. Who was stopped before it is looked at cannot end its task in the meantime."""
    worker, other = workers
    while True:
        worker.signal(signal.SIGSTOP)
        time.sleep(1)  # what it has told the API server by now is in the database
        tasks = api.tasks(run)
        sending = [task["pid"] for name, task in tasks.items() if ".send[" in name and task["state"] == "running"]
        if any(worker.process.pid in _above(pid) for pid in sending):
            worker.signal(signal.SIGKILL)
            return other
        worker.signal(signal.SIGCONT)
        assert api.state(run) == "running", "the run ended before a worker was killed"
        time.sleep(0.2)
        worker, other = other, worker


def _above(pid):
    """The processes above one; none if it has gone or has not begun."""
    try:
        return [parent.pid for parent in psutil.Process(pid).parents()] if pid else []
    except psutil.NoSuchProcess:
        return []
