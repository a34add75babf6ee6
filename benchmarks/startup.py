"""Measure ``startup``: how long a person waits for ``guestlist --help``, and Airflow for the DAGs of five hundred segments."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.bench import GUESTLIST, ROOT, Bench, size
from benchmarks.results import Row

TITLE = "start-up"
NOTE = (
    "wall seconds; a run that is not counted comes before. `guestlist --help` is a process of its own. Parsing is what "
    "Airflow's DAG processor does each time, in a process that has Airflow loaded: the DAG file is loaded and every DAG "
    "checked. The start of a task is what Guestlist adds to it in a worker that has Airflow loaded: the DAG file is loaded "
    "for this DAG alone, then what the task runs on is imported, up to its first step. Each segment has two destinations."
)
_HELP, _PARSE, _START = 0.4, 4.0, 1.5
_SEGMENT = """
name: {name}
schedule: "0 5 * * *"
source: {{file: people.csv}}
key: id
identifiers: {{email: email, phone: {{columns: [phone], region: country}}}}
destinations:
  - {{platform: google_ads, connection: google_ads_main, audience: {name}}}
  - {{platform: meta, connection: meta_main, audience: {name}}}
"""


def measure(bench: Bench) -> Iterator[Row]:
    """The medians."""
    folder, count = bench.folder / "segments", size("SEGMENTS", 500, least=5)
    folder.mkdir()
    for number in range(count):
        name = f"segment_{number:04d}"
        (folder / f"{name}.yaml").write_text(_SEGMENT.format(name=name), encoding="utf-8")
    contenders = {
        "guestlist --help": (_HELP, lambda: bench.program(GUESTLIST, "--help")),
        f"parsing {count} segments": (_PARSE, lambda: bench.call(parse, folder=str(folder))),
        f"start of a task among {count} segments": (_START, lambda: bench.call(start, folder=str(folder), dag_id=name)),
    }
    for _, run in contenders.values():
        run()
    taken = bench.rounds({what: run for what, (_, run) in contenders.items()})
    for what, (goal, _) in contenders.items():
        runs, seconds = taken[what], taken[what].median()
        yield Row(what, f"{seconds:.2f} s", runs.peak, len(runs.done), f"under {goal} s", seconds < goal)


def parse(folder: str) -> Mapping[str, Any]:
    """Load all DAGs."""
    _prepare(folder)
    from airflow.dag_processing.dagbag import DagBag

    started = time.perf_counter()
    bag = DagBag(str(ROOT / "dags"), collect_dags=True)
    seconds = time.perf_counter() - started
    found = sum(not name.startswith("guestlist_") for name in bag.dags)
    if bag.import_errors or found != len([*Path(folder).iterdir()]):
        raise RuntimeError("not every segment became a DAG")
    return {"seconds": seconds}


def start(folder: str, dag_id: str) -> Mapping[str, Any]:
    """Load one DAG as its task's process does, and what its tasks import first."""
    _prepare(folder)
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk.execution_time import task_runner

    started = time.perf_counter()
    with task_runner._airflow_parsing_context_manager(dag_id=dag_id, task_id="prepare"):  # noqa: SLF001 - as the runner does
        bag = DagBag(str(ROOT / "dags"), collect_dags=True)
    from guestlist.runtime import sync
    from guestlist.runtime.wiring import Workspace

    seconds = time.perf_counter() - started
    if [*bag.dags] != [dag_id] or not (sync and Workspace):
        raise RuntimeError("another DAG was made than the task's")
    return {"seconds": seconds}


def _prepare(folder: str) -> None:
    """An Airflow of its own, which has nothing to do with that of the machine."""
    os.environ |= {
        "AIRFLOW_HOME": str(Path(folder).with_name("airflow")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "GUESTLIST_SEGMENTS": folder,
        "PYTHONWARNINGS": "ignore",
    }
