"""All DAGs of an installation: what a DAG file of two lines puts into its globals."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG, get_parsing_context

from guestlist.model.errors import ConfigError
from guestlist.orchestration.dags import segment_dags
from guestlist.orchestration.erasure import erasure_dag
from guestlist.orchestration.intake import has_intakes, intake_dag
from guestlist.orchestration.upkeep import reconcile_dag, upkeep_dag, watch_dag
from guestlist.runtime.config import erasure_schedule, segments_folder


def every_dag(dag_file: str) -> dict[str, DAG]:
    """The DAGs by their ids; in a task's process the task's alone.

    Raises:
        ConfigError: there is no folder of segments: without this, a wrong name would look like no segments at all.
    """
    folder, wanted = segments_folder(Path(dag_file)), get_parsing_context().dag_id
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}: put the segment files there, or name theirs in GUESTLIST_SEGMENTS")
    dags = [dag for dag in _own_dags(folder) if wanted in (None, dag.dag_id)]
    dags += segment_dags(folder, only=wanted)
    return {dag.dag_id: dag for dag in dags}


def _own_dags(folder: Path) -> list[DAG]:
    dags = [upkeep_dag("@daily"), reconcile_dag("@hourly"), watch_dag("@hourly"), erasure_dag(erasure_schedule())]
    return [*dags, intake_dag()] if has_intakes(folder) else dags
