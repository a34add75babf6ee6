"""The DAGs of upkeep: what has to be done between runs, over all segments; each task is a verb of `runtime.upkeep`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, BaseOperator
from structlog.contextvars import bound_contextvars

from guestlist.orchestration.alerts import mark_as_told, tell, url_of
from guestlist.orchestration.lineage import TellsLineage
from guestlist.orchestration.metrics import emit
from guestlist.orchestration.own_dags import own_dag
from guestlist.orchestration.plainly import plainly
from guestlist.orchestration.workspaces import workspace_of
from guestlist.runtime.alerts import of_drift, of_stale

if TYPE_CHECKING:
    from guestlist.model.segment import Segment
    from guestlist.runtime.wiring import Workspace

log = logging.getLogger("guestlist.airflow")
_UPKEEP = """Once a day, over all segments:

- `prune` removes from the lake what nothing needs any more (`guestlist prune`);
- `sessions` fails while an upload is open for longer than its platform's documentation allows (`guestlist status`);
- `audiences` warns of audiences that no segment keeps any more (`guestlist audiences`);
- `connections` tries every connection to a platform (`guestlist check`), for the page of platforms.
"""
_RECONCILE = """Every hour: asks the platforms what became of audiences that were sealed 1, 24 and 48 hours ago.

`reconcile` fails, with what to do, where an audience is not there, was emptied, is closed, read only or in error; a size that
receipts do not explain is a warning. Either is an alert when it is seen first. `guestlist status` shows the last answer,
`guestlist reconcile` asks now.
"""
_WATCH = """Every hour, from the ledger alone: `watch` hands the numbers of all audiences to Airflow's metrics, and alerts
where one has become stale: a second run that should have sealed it is due.
"""


class UpkeepOperator(TellsLineage, BaseOperator):
    """A task over all segments whose files can be read; a broken one has a red DAG of its own."""

    def _begin(self, context: Any) -> tuple[Workspace, list[Segment]]:
        from guestlist.runtime.intake.audiences import with_pushed
        from guestlist.runtime.segments import readable, segment_files

        workspace = workspace_of(context)
        there = readable(segment_files(workspace.config.segments), lambda error: log.warning("left out: %s", error))
        return workspace, list(with_pushed(workspace, there))


class PruneOperator(UpkeepOperator):
    """Remove from the lake what nothing needs any more. Returns counts."""

    @plainly
    def execute(self, context: Any) -> dict[str, int]:
        """What is removed is told by its path: names of segments, runs and destinations."""
        from guestlist.runtime.upkeep.prune import prune

        gone = prune(workspace_of(context))
        for one in gone:
            log.info("removed %s", one.path)
        return {"removed": len(gone), "bytes": sum(one.bytes for one in gone)}


class SessionsOperator(UpkeepOperator):
    """Fail while a session is stuck. Returns how many are."""

    @plainly
    def execute(self, context: Any) -> int:
        """Looks into the ledger only."""
        from guestlist.runtime.upkeep.stuck import stuck_sessions, trouble

        found = stuck_sessions(*self._begin(context))
        if error := trouble(found):
            raise error
        return len(found)


class AudiencesOperator(UpkeepOperator):
    """Warn of audiences that no segment keeps any more. Returns how many there are, by why."""

    @plainly
    def execute(self, context: Any) -> dict[str, int]:
        """Fails where a platform could not be asked, once all were."""
        from guestlist.runtime.upkeep.audiences import list_audiences

        listing = list_audiences(*self._begin(context), ask=True)
        counts: dict[str, int] = {}
        for one in listing.audiences:
            counts[one.keeper.value] = counts.get(one.keeper.value, 0) + 1
            if one.orphaned:
                log.warning("%s: %s %r (%s) over %s", one.keeper.value, one.platform, one.name, one.id, one.connection)
        if listing.errors:
            raise listing.errors[0]
        return counts


class ConnectionsOperator(UpkeepOperator):
    """Try every connection to a platform, and keep what was found. Returns how many there are."""

    @plainly
    def execute(self, context: Any) -> int:
        """Fails with what to mend, once all were tried."""
        from guestlist.runtime.upkeep.connections import check_connections, trouble

        checked = check_connections(*self._begin(context))
        if error := trouble(checked):
            raise error
        return len(checked)


class ReconcileOperator(UpkeepOperator):
    """Ask the platforms about what was sealed, where a checkpoint is due. Returns how many audiences came to which verdict."""

    @plainly
    def execute(self, context: Any) -> dict[str, int]:
        """What could not be asked stays due."""
        from guestlist.runtime.upkeep.reconcile import reconcile, trouble

        workspace, segments = self._begin(context)
        done = reconcile(workspace, segments, only_due=True)
        counts: dict[str, int] = {}
        for one in done.found:
            counts[one.verdict] = counts.get(one.verdict, 0) + 1
            told = log.warning if one.told else log.info
            with bound_contextvars(segment=one.segment, destination=one.label):
                told("%s, %s: %s, size %s. %s", one.segment, one.label, one.verdict, one.size or "not told", one.told or "")
        for failed in done.errors:
            log.error("%s", failed)
        for segment in segments:
            if news := [one for one in done.found if one.segment == segment.name and one.news]:
                tell(of_drift(segment.name, news, url_of(context)), segment.alerts)
        if error := trouble(done):
            if not done.errors:
                mark_as_told(context)
            raise error
        return counts


class WatchOperator(UpkeepOperator):
    """Emit metrics from the ledger, and tell of audiences that have become stale. Returns how many of each."""

    @plainly
    def execute(self, context: Any) -> dict[str, int]:
        """Tells once of each: of those that became stale since the last watch that went well."""
        from guestlist.runtime.upkeep.stale import stale_audiences

        workspace, segments = self._begin(context)
        metrics = emit(workspace.ledger, segments)
        until, before = context["dag_run"].start_date, context["prev_start_date_success"]
        count = 0
        for segment in segments:
            found = list(stale_audiences(workspace.ledger, segment, until))
            if news := [one for one in found if not before or one.since > before]:
                tell(of_stale(segment.name, news, url_of(context)), segment.alerts)
            count += len(found)
        return {"metrics": metrics, "stale": count}


def upkeep_dag(schedule: str | None) -> DAG:
    """What is done once a day."""
    with own_dag("upkeep", schedule, "Prunes the lake; finds what is stuck or orphaned; tries connections", _UPKEEP) as dag:
        PruneOperator(task_id="prune")
        SessionsOperator(task_id="sessions")
        AudiencesOperator(task_id="audiences")
        ConnectionsOperator(task_id="connections")
    return dag


def reconcile_dag(schedule: str | None) -> DAG:
    """What is done every hour."""
    with own_dag("reconcile", schedule, "Asks the platforms what became of what was sealed", _RECONCILE) as dag:
        ReconcileOperator(task_id="reconcile")
    return dag


def watch_dag(schedule: str | None) -> DAG:
    """What is looked at every hour, in the ledger alone."""
    with own_dag("watch", schedule, "Emits metrics; tells of audiences that are stale", _WATCH) as dag:
        WatchOperator(task_id="watch")
    return dag
