"""The DAG that begins runs for uploads which the API server has received and, killed or busy, has begun none for."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, BaseOperator

from guestlist.orchestration.lineage import TellsLineage
from guestlist.orchestration.own_dags import own_dag
from guestlist.orchestration.plainly import plainly
from guestlist.orchestration.workspaces import workspace_of
from guestlist.runtime.segments import segment_files

log = logging.getLogger("guestlist.airflow")
_DOCUMENTATION = """Every minute: `due` finds uploads that are whole and that no run has begun with, removes the files of those
that are over, and ends those whose run was broken off; `begin` starts their runs. An upload of which the API server has said
that it was received gets its run, whatever became of the API server. Of one audience one upload is under way at a time.
"""


class DueOperator(TellsLineage, BaseOperator):
    """Find the uploads that wait for a run. Returns the runs to begin."""

    @plainly
    def execute(self, context: Any) -> list[dict[str, Any]]:
        """Ids and labels only."""
        from guestlist.runtime.intake import store, work

        workspace = workspace_of(context)
        store.adopt(workspace)
        if gone := work.sweep(workspace):
            log.info("%d uploads were over", gone)
        if broken := work.end_broken_off(workspace, partial(_is_over, context["ti"])):
            log.warning("%d runs had been broken off", broken)
        runs = work.due(workspace)
        return [{"trigger_dag_id": run.dag_id, "trigger_run_id": run.run_id, "conf": run.params} for run in runs]


def _is_over(task: Any, dag_id: str, run_id: str) -> bool:
    return bool(task.get_dr_count(dag_id, run_ids=[run_id], states=["success", "failed"]))


def intake_dag() -> DAG:
    """The DAG ``guestlist_intake``; it is never paused by itself, since people rely on what was received."""
    with own_dag("intake", "* * * * *", "Begins runs for what was pushed", _DOCUMENTATION, paused_at_first=False) as dag:
        begin = TriggerDagRunOperator.partial(task_id="begin", skip_when_already_exists=True)
        begin.expand_kwargs(DueOperator(task_id="due").output)
    return dag


def has_intakes(folder: Path) -> bool:
    """Whether a segment file of a folder may be an intake; its text is looked at and not understood, which is fast."""
    return any("intake" in path.read_text(encoding="utf-8", errors="replace") for path in segment_files(folder))
