"""The DAG that finishes erasures: `guestlist erase` enters them, so that neither params nor logs ever name a person."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import DAG, BaseOperator, Param
from airflow.sdk.exceptions import AirflowFailException

from guestlist.orchestration.lineage import TellsLineage
from guestlist.orchestration.own_dags import own_dag
from guestlist.orchestration.plainly import plainly
from guestlist.orchestration.workspaces import workspace_of

log = logging.getLogger("guestlist.airflow")
_DOCUMENTATION = """Takes everybody on an open erasure off every audience, and writes the receipt (`guestlist erase --resume`).

`erase` waits for the platforms without a worker's slot. It fails while an audience is still open, with the reason, and where a
person has to do something by hand. `guestlist verify` checks the receipts.
"""
_ID = r"^er-[0-9]{8}-[0-9a-f]{8}$"


class EraseOperator(TellsLineage, BaseOperator):
    """Take erasures as far as they go; wait in the triggerer, without a worker's slot. Returns how each one stands."""

    @plainly
    def execute(self, context: Any, event: Any = None) -> dict[str, str]:
        """Runs again after each wait. Fails where an erasure is still open, or a person has to do something."""
        from guestlist.runtime.erasure.work import carry_out, verdict

        workspace = workspace_of(context)
        chosen = context["params"].get("erasure")
        ids = [chosen] if chosen else [str(row.id) for row in workspace.ledger.erasures(only_open=True)]
        holder = f"erasure {context['run_id']}"
        states = {erasure_id: carry_out(workspace, erasure_id, holder) for erasure_id in ids}
        waits = [state.wait for state in states.values() if state.wait is not None]
        if waits:
            self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=max(waits))), method_name="execute")
        for erasure_id in ids:
            for step in workspace.ledger.steps(erasure_id):
                log.info("%s: %s, %s is %s", erasure_id, step.segment, step.label, step.outcome or "open")
        errors = [error for erasure_id, state in states.items() if (error := verdict(workspace, erasure_id, state))]
        if errors:
            raise AirflowFailException("; ".join(map(str, errors)))
        return dict.fromkeys(ids, "closed")


def erasure_dag(schedule: str | None) -> DAG:
    """The DAG ``guestlist_erasure``: by hand for one erasure or all that are open, and on a schedule for all."""
    one = Param(
        None,
        type=["null", "string"],
        pattern=_ID,
        title="Only this erasure",
        description="The id that `guestlist erase` gave; leave empty for all that are open. Never a person's data.",
    )
    with own_dag(
        "erasure", schedule, "Finishes erasures that `guestlist erase` has entered", _DOCUMENTATION, {"erasure": one}
    ) as dag:
        EraseOperator(task_id="erase")
    return dag
