"""Floor 4: Airflow. One DAG a segment; each task is one verb of `guestlist.runtime.sync`, imported when it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import DAG


def airflow_dags(dag_file: str) -> dict[str, DAG]:
    """All of Guestlist's DAGs by their ids, for the globals of ``dag_file``: one a segment, upkeep, reconciliation, erasures.

    A task's process asks for its own DAG, and no other is made.

    Raises:
        ConfigError: there is no folder of segments.
    """
    from guestlist.orchestration.every_dag import every_dag  # what Airflow asks of a provider passes here, and needs no DAG

    return every_dag(dag_file)
