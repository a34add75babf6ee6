"""Why what was pushed waits although nothing is wrong with it: somebody has paused a DAG that it needs."""

from __future__ import annotations

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from guestlist.model.segment import OWN_DAGS
from guestlist.runtime.intake.state import AudienceState
from guestlist.runtime.intake.work import run_of

_BEGINS_RUNS = f"{OWN_DAGS}intake"
_PAUSED = "the DAG {0} is paused, so this waits: somebody who may unpauses it in Airflow, and it goes on by itself"


def why_it_waits(state: AudienceState) -> str | None:
    """What to tell of an audience that waits for a DAG.

    Airflow's own database is asked, and only while something is under way. Where it does not answer nothing is told: the
    ledger knows the rest.
    """
    if state.is_over:
        return None
    try:
        paused = _paused(state)
    except SQLAlchemyError:
        return None
    return _PAUSED.format(paused) if paused else None


def _paused(state: AudienceState) -> str | None:
    """The DAG that is paused: the intake's own, or the one that would begin its run."""
    asked = select(DagModel.dag_id).where(DagModel.dag_id.in_((state.intake, _BEGINS_RUNS)), DagModel.is_paused)
    begun = select(DagRun.id).where(DagRun.dag_id == state.intake, DagRun.run_id == run_of(state.upload_id))
    with create_session() as session:
        paused = set(session.scalars(asked))
        if state.intake in paused:
            return state.intake
        return _BEGINS_RUNS if paused and session.scalar(begun) is None else None
