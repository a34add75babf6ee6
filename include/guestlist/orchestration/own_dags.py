"""DAGs that are no segment's: erasures and upkeep."""

from __future__ import annotations

from collections.abc import Mapping

from airflow.sdk import DAG, Param

from guestlist.model.alerts import Alerts
from guestlist.model.segment import OWN_DAGS
from guestlist.orchestration.alerts import RunFailed
from guestlist.orchestration.retries import RETRIES


def own_dag(
    name: str,
    schedule: str | None,
    description: str,
    documentation: str,
    params: Mapping[str, Param] | None = None,
    *,
    paused_at_first: bool | None = None,
) -> DAG:
    """One that runs alone, never for times gone by, with our retries. No segment can have its id.

    ``paused_at_first``: where nothing is said, as Airflow is set.
    """
    return DAG(
        dag_id=f"{OWN_DAGS}{name}",
        schedule=schedule,
        description=description,
        doc_md=documentation,
        tags=["guestlist", "upkeep"],
        default_args=RETRIES,
        max_active_runs=1,
        catchup=False,
        auto_register=False,
        on_failure_callback=RunFailed(Alerts()),
        params=dict(params or {}),
        is_paused_upon_creation=paused_at_first,
    )
