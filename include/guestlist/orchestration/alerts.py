"""Who tells of what: a task that knows tells itself, a DAG's callback tells what no task could, a deadline's tells of delay."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from airflow.sdk import DeadlineAlert, DeadlineReference, SyncCallback  # type: ignore[attr-defined]

from guestlist.model.alerts import Alerts
from guestlist.model.errors import GuestlistError
from guestlist.orchestration.notifiers import deliver
from guestlist.runtime.alerts import Alert, TaskError, of_deadline, of_death
from guestlist.runtime.config import alerted

_ERROR = "error"
"""The XCom in which a task leaves what it failed with."""
_TOLD = "told"
"""The XCom of a task that fails and has told of it, or has seen that nobody wants to know."""


def tell(alert: Alert | None, alerts: Alerts) -> None:
    """Send an alert, if it is one that is wanted, over a segment's connections, or else over those of the installation."""
    if alert is not None and (alert.happening is None or alert.happening in alerts.of):
        deliver(alert, alerts.to or alerted())


def mark_as_told(context: Any) -> None:
    """Keep the DAG's callback from telling again that this task has failed."""
    context["ti"].xcom_push(key=_TOLD, value=True)


def url_of(context: Any) -> str:
    """The page of a task's run in Airflow."""
    return _run_url(context["dag"].dag_id, context["run_id"])


def _run_url(dag_id: str, run_id: str) -> str:
    from airflow.sdk.configuration import conf

    base = conf.get("api", "base_url", fallback=None) or "http://localhost:8080"
    return f"{base.rstrip('/')}/dags/{dag_id}/runs/{quote(run_id)}"


def leave_error(context: Any, error: GuestlistError) -> None:
    """Leave for the run's report what a task fails with."""
    context["ti"].xcom_push(key=_ERROR, value={"kind": type(error).__name__, "sentence": str(error)})


def errors_of(context: Any) -> list[TaskError]:
    """What the failed tasks of a run say; the same sentence of several parts once."""
    ti, dag, run_id = context["ti"], context["dag"], context["run_id"]
    states = ti.get_task_states(dag_id=dag.dag_id, run_ids=[run_id]).get(run_id, {})
    failed = {name for name, state in states.items() if state == "failed"}
    told: list[TaskError] = []
    for task_id in dag.task_ids:
        if any(re.fullmatch(rf"{re.escape(task_id)}(_\d+)?", name) for name in failed):  # a mapped one bears its number
            said = [TaskError(task_id, **error) for error in ti.xcom_pull(task_ids=[task_id], key=_ERROR) if error]
            told += dict.fromkeys(said or [TaskError(task_id)])
    return told


class RunFailed:
    """A DAG's ``on_failure_callback``: tells of a failed run, unless a task has. Airflow calls it in the DAG processor."""

    def __init__(self, alerts: Alerts, problems: Sequence[str] = ()) -> None:
        self._alerts = alerts
        self._problems = problems

    def __call__(self, context: Any) -> None:
        """Called once for each run that fails; without a task in the context where none of them has failed."""
        from airflow.sdk.execution_time import task_runner

        if not hasattr(task_runner, "SUPERVISOR_COMMS"):
            return  # `airflow dags test`: nobody can be asked what tasks have told, and a person looks on
        errors: list[TaskError] = []
        if "ti" in context:
            ends = [task.task_id for task in context["dag"].tasks if not task.downstream_task_ids]
            if any(filter(None, context["ti"].xcom_pull(task_ids=ends, key=_TOLD))):
                return
            errors = errors_of(context)
        facts = self._problems or [*map(str, errors)] or [f"Airflow's reason: {context.get('reason')}."]
        tell(of_death(context["dag"].dag_id, facts, url_of(context)), self._alerts)


def deadline_of(segment: str, alerts: Alerts) -> DeadlineAlert | None:
    """From the moment a run is queued: scheduled, by hand or after an asset, each is to be through in time."""
    if (within := alerts.within) is None:
        return None
    told = {"segment": segment, "allowed": alerts.deadline, "to": list(alerts.to)}
    return DeadlineAlert(DeadlineReference.DAGRUN_QUEUED_AT, within, SyncCallback(deadline_missed, told))


def deadline_missed(segment: str, allowed: str, to: Sequence[str], context: Any) -> None:
    """What Airflow runs on a worker when a run is not through in time."""
    run = context["dag_run"]
    url = _run_url(segment, run["dag_run_id"])
    tell(of_deadline(segment, allowed, run["state"], url), Alerts(to=tuple(to)))
