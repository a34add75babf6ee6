"""Begins the runs of what was received, at once; what is missed here the DAG ``guestlist_intake`` begins within a minute."""

from __future__ import annotations

import logging

from airflow.api.common.trigger_dag import trigger_dag
from airflow.exceptions import AirflowException
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from guestlist.model.errors import GuestlistError
from guestlist.runtime.intake import work
from guestlist.runtime.wiring import Workspace

log = logging.getLogger("guestlist.intake")


def begin(workspace: Workspace) -> None:
    """Begin all runs that are due. It never fails: the upload is safe, and what is not begun now is begun later."""
    try:
        due = work.due(workspace)
        begun = _begun({run.run_id for run in due})
    except (GuestlistError, SQLAlchemyError) as error:
        log.warning("runs of uploads are begun later: %s", type(error).__name__)
        return
    for run in due:
        if run.run_id not in begun:
            _begin(run)


def _begun(run_ids: set[str]) -> set[str]:
    with create_session() as session:
        return set(session.scalars(select(DagRun.run_id).where(DagRun.run_id.in_(run_ids))))


def _begin(run: work.Due) -> None:
    try:
        trigger_dag(run.dag_id, run_id=run.run_id, conf=run.params, triggered_by=DagRunTriggeredByType.REST_API)
    except (AirflowException, SQLAlchemyError, ValueError) as error:  # somebody has just begun it, or Airflow cannot now
        log.info("the run %s of %s is not begun now: %s", run.run_id, run.dag_id, type(error).__name__)
