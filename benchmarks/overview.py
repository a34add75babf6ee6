"""The overview of many audiences: how long the API server works until it has answered."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.bench import ROOT, Bench, size
from benchmarks.results import Row

TITLE = "overview"
NOTE = (
    "`GET /guestlist/api/v1/overview` inside Airflow's whole API application, without a network: the first hundred rows of all "
    "audiences, each segment with ten destinations and a week of daily runs, ledger and Airflow's database in SQLite. The "
    "first answer reads the segment files as well."
)
_GOAL = 0.3
_ASKED = 10


def measure(bench: Bench) -> Iterator[Row]:
    """The first answer of a process, and those that follow."""
    count, folder = size("PAGE_SEGMENTS", 500, least=5), str(bench.folder / "pages")
    bench.say(f"making a week of {count} segments")
    bench.call(past, folder=folder, count=count)
    bench.say("asking")
    run = bench.call(overview, folder=folder, count=count)
    what = f"overview of {10 * count:,} audiences"
    yield Row(f"{what}, the first answer", f"{run.facts['first']:.2f} s", run.peak)
    seconds = run.facts["seconds"]
    yield Row(f"{what}, the median of {_ASKED}", f"{seconds:.2f} s", goal=f"under {_GOAL} s", reached=seconds < _GOAL)


def past(folder: str, count: int) -> Mapping[str, Any]:
    """Write segment files, and a ledger as if they had run for a week."""
    from past import Past, write_segments

    from guestlist.runtime import clock
    from guestlist.runtime.ledger import open_ledger
    from guestlist.runtime.segments import read_segment, segment_files

    segments = Path(folder) / "segments"
    write_segments(segments, count)
    Past(clock.now(), runs=7).write(open_ledger(_ledger(folder)), [read_segment(path) for path in segment_files(segments)])
    return {"seconds": 0}


def overview(folder: str, count: int) -> Mapping[str, Any]:
    """Ask again and again for the first page of the overview, as an admin."""
    os.environ |= {
        "AIRFLOW_HOME": f"{folder}/airflow",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "GUESTLIST_SEGMENTS": f"{folder}/segments",
        "GUESTLIST_HOME": folder,
        "GUESTLIST_LEDGER": _ledger(folder),
        "PYTHONWARNINGS": "ignore",
    }
    from airflow.api_fastapi.app import create_app
    from airflow.utils.db import initdb
    from fastapi.testclient import TestClient

    initdb()
    _enter_dags(count)
    with TestClient(create_app(apps="core"), base_url="http://localhost") as client:
        token = client.get("/auth/token/login", follow_redirects=False).cookies["_token"]
        headers = {"Authorization": f"Bearer {token}"}
        taken = []
        for _ in range(_ASKED + 1):
            started = time.perf_counter()
            answer = client.get("/guestlist/api/v1/overview", headers=headers)
            taken.append(time.perf_counter() - started)
    if answer.status_code != 200 or answer.json()["total"] != 10 * count:
        raise RuntimeError(f"the overview was not answered: {answer.status_code}")
    return {"first": taken[0], "seconds": statistics.median(taken[1:])}


def _ledger(folder: str) -> str:
    return f"sqlite:///{folder}/ledger.db"


def _enter_dags(count: int) -> None:
    """The DAGs as Airflow's database names them: without one nobody may see its segment."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.session import create_session

    with create_session() as session:
        session.add(DagBundleModel(name="made-up"))
        session.flush()
        names = (f"segment_{number:04d}" for number in range(count))
        session.add_all(DagModel(dag_id=name, bundle_name="made-up", is_stale=False, max_active_tasks=1) for name in names)
