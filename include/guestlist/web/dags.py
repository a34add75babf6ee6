"""What Airflow's own database knows of segments' DAGs: their schedules, their runs, what their tasks failed with."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.xcom import XComModel
from airflow.utils.state import DagRunState
from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from guestlist.runtime.views.status import Activity

_UNDER_WAY = (DagRunState.RUNNING, DagRunState.QUEUED)
_ERROR = "error"
"""The XCom in which a task leaves what it failed with."""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Dag:
    """What Airflow knows of a DAG."""

    paused: bool
    schedule: str | None
    in_words: str | None
    """The schedule as people say it."""
    next_run_at: datetime | None


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """What a task left when it failed: the kind of error and its sentence, which never holds a value of a person."""

    at: datetime
    dag_id: str
    run_id: str
    task: str
    kind: str
    sentence: str


def run_url(dag_id: str, run_id: str) -> str:
    """The page of a run, from the root of Airflow's site."""
    return f"/dags/{quote(dag_id)}/runs/{quote(run_id, safe='')}"


def all_dags(session: Session) -> dict[str, Dag]:
    """Every DAG by its id."""
    facts = (DagModel.dag_id, DagModel.is_paused, DagModel.timetable_summary, DagModel.timetable_description)
    query = select(*facts, DagModel.next_dagrun_create_after)
    return {row[0]: Dag(bool(row[1]), *row[2:]) for row in session.execute(query)}


def activities(session: Session, dags: Mapping[str, Dag]) -> dict[str, Activity]:
    """The runs that are under way, and of each DAG the newest run, where it failed. A dry one that failed says nothing."""
    running: dict[str, set[str]] = {}
    under_way = select(DagRun.dag_id, DagRun.run_id, DagRun.state).where(DagRun.state.in_(_UNDER_WAY))
    for dag_id, run_id, state in session.execute(under_way):
        if state == DagRunState.RUNNING or not (dag := dags.get(dag_id)) or not dag.paused:
            running.setdefault(dag_id, set()).add(run_id)
    newest = select(func.max(DagRun.id)).group_by(DagRun.dag_id)
    facts = (DagRun.dag_id, DagRun.run_id, DagRun.conf, func.coalesce(DagRun.start_date, DagRun.run_after))
    failed = select(*facts).where(DagRun.id.in_(newest), DagRun.state == DagRunState.FAILED)
    died = {dag_id: (run_id, at) for dag_id, run_id, given, at in session.execute(failed) if not (given or {}).get("dry_run")}
    return {
        dag_id: Activity(frozenset(running.get(dag_id, ())), *died.get(dag_id, (None, None))) for dag_id in {*running, *died}
    }


def known_runs(session: Session, pairs: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these runs (DAG, run id) are Airflow's: others were the command line's, or were deleted there."""
    wanted, found = sorted(pairs), set()
    for start in range(0, len(wanted), _AT_ONCE):
        some = tuple_(DagRun.dag_id, DagRun.run_id).in_(wanted[start : start + _AT_ONCE])
        found |= {(row[0], row[1]) for row in session.execute(select(DagRun.dag_id, DagRun.run_id).where(some))}
    return found


def failures(session: Session, dag_ids: Collection[str], count: int) -> Iterable[TaskFailure]:
    """What tasks of these DAGs have failed with, the newest first, as long as nobody has cleared them."""
    facts = (XComModel.timestamp, XComModel.dag_id, XComModel.run_id, XComModel.task_id, XComModel.value)
    query = select(*facts).where(XComModel.key == _ERROR).order_by(XComModel.timestamp.desc()).limit(count)
    for at, dag_id, run_id, task, value in session.execute(query):
        if dag_id in dag_ids and (error := _error(value)) is not None:
            yield TaskFailure(at, dag_id, run_id, task, str(error["kind"]), str(error["sentence"]))


def _error(value: Any) -> Mapping[str, Any] | None:
    """An XCom as it is kept: JSON, as text or not, by which Airflow wrote it."""
    found = json.loads(value) if isinstance(value, str) else value
    return found if isinstance(found, dict) and {"kind", "sentence"} <= set(found) else None
