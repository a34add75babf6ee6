"""The operators: each is one verb of `guestlist.runtime.sync` as a task, with Airflow's waiting, approval, links and assets.

Constructors record; everything heavy is imported in `execute`. What goes through XCom are ids and counts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from structlog.contextvars import bound_contextvars

from guestlist.model.vocabulary import Operation
from guestlist.orchestration.alerts import errors_of, mark_as_told, tell, url_of
from guestlist.orchestration.assets import event_extra
from guestlist.orchestration.lineage import TellsLineage
from guestlist.orchestration.links import AudienceLink
from guestlist.orchestration.metrics import emit
from guestlist.orchestration.plainly import plainly
from guestlist.orchestration.workspaces import segment_of, workspace_of
from guestlist.runtime.alerts import of_report

if TYPE_CHECKING:
    from guestlist.model.lineage import Lineage
    from guestlist.model.plan import Drops
    from guestlist.model.report import RunReport
    from guestlist.model.segment import Segment
    from guestlist.runtime.lineage import Parse
    from guestlist.runtime.sync import Prepared
    from guestlist.runtime.sync.deliver import Progress
    from guestlist.runtime.wiring import Workspace

log = logging.getLogger("guestlist.airflow")
_SHORT_WAIT = 10.0
"""Seconds below which a task waits itself: handing over to the triggerer and back costs as much."""


class SegmentOperator(TellsLineage, BaseOperator):
    """A task of a segment's DAG."""

    drops: Drops | None = None

    def __init__(self, *, segment: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.segment = segment

    def _begin(self, context: Any) -> tuple[Workspace, Segment, str]:
        """What every task starts from. Each takes the segment's lease, or renews it: two runs never overlap."""
        workspace = workspace_of(context)
        segment = segment_of(workspace, self.segment)
        workspace.ledger.take_lease(segment.name, lease_holder(context))
        return workspace, segment, context["run_id"]

    def facts(self, context: Any, parse: Parse) -> Lineage:
        """From the source to the prepared members."""
        from guestlist.runtime import lineage

        workspace = workspace_of(context)
        return lineage.of_preparing(workspace, segment_of(workspace, self.segment), self.drops, parse)

    def _tell(self, context: Any, prepared: Prepared) -> dict[str, Any]:
        """Tell of all the segment's members, now that they are prepared. Returns counts."""
        self.drops = prepared.drops
        self.gather(context)
        for asset in self.outlets:
            context["outlet_events"][asset].extra = prepared.counts
        return prepared.counts


class PrepareOperator(SegmentOperator):
    """Read the source once; write hashed members to the lake. Returns counts."""

    @plainly
    def execute(self, context: Any) -> dict[str, Any]:
        """The rows read are told as they come."""
        from guestlist.runtime import sync
        from guestlist.runtime.intake import work

        workspace, segment, run_id = self._begin(context)
        work.begun(workspace, segment, run_id)
        prepared = sync.prepare(workspace, segment, run_id, lambda rows: log.info("%d rows read", rows))
        return self._tell(context, prepared)


class DestinationOperator(SegmentOperator):
    """A task of one destination."""

    operator_extra_links = (AudienceLink(),)

    def __init__(self, *, destination: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.destination = destination
        self.audience_url: str | None = None
        self.counts: Mapping[str, Any] = {}

    def facts(self, context: Any, parse: Parse) -> Lineage:
        """From the source to the audience."""
        return delivering(context, self.segment, {self.destination: self.counts}, parse)

    def _know_audience(self, workspace: Workspace, segment: Segment) -> None:
        audience = workspace.ledger.audience(segment.name, self.destination)
        self.audience_url = audience.url if audience else None

    def _wait(self, progress: Callable[[], Progress], method: str) -> None:
        """Wait until the platform is done: short waits here, long ones in the triggerer, without a worker's slot."""
        from guestlist.runtime import clock

        while not (state := progress()).done:
            if state.wait > _SHORT_WAIT:
                self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=state.wait)), method_name=method)
            clock.sleep(state.wait)


class PlanOperator(DestinationOperator):
    """Settle what earlier runs left open, compare, and write the plan. Returns its id."""

    @plainly
    def execute(self, context: Any, event: Any = None) -> int:
        """Runs again after each wait."""
        from guestlist.runtime import sync

        params = context["params"]
        if params.get("destinations") and self.destination not in params["destinations"]:
            raise AirflowSkipException(f"{self.destination} was not chosen for this run")
        workspace, segment, run_id = self._begin(context)
        options = sync.PlanOptions(dry_run=bool(params.get("dry_run")), full_resend=bool(params.get("full_resend")))
        if not options.dry_run:
            sync.find_audience(workspace, segment, self.destination)
        keep = sync.unfinished_plan(workspace, segment, run_id, self.destination, options)
        self._wait(lambda: sync.leftovers(workspace, segment, self.destination, keep), "execute")
        plan_id = sync.make_plan(workspace, segment, run_id, self.destination, options)
        plan = workspace.plan(plan_id)
        self._know_audience(workspace, segment)
        log.info("%s: %s", self.destination, plan.counts)
        for breach in plan.breaches:
            log.warning("guard %s", breach)
        return plan_id


class OpenOperator(DestinationOperator):
    """Find or create the audience and begin the session. Returns the parts to send."""

    def __init__(self, *, operation: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.operation = operation

    @plainly
    def execute(self, context: Any) -> list[int]:
        """An empty list skips the sending."""
        from guestlist.runtime import sync

        workspace, segment, _ = self._begin(context)
        parts = sync.open_session(workspace, segment, plan_id_of(context, self.destination), Operation(self.operation))
        self._know_audience(workspace, segment)
        return list(range(parts))


class SendOperator(DestinationOperator):
    """Send the batches of one part that have no receipt yet. Returns how many were sent."""

    def __init__(self, *, operation: str, part: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.operation = operation
        self.part = part

    @plainly
    def execute(self, context: Any) -> int:
        """Mapped over the parts; a retry leaves out what has a receipt."""
        context["label"] = f"part {self.part + 1}"  # before anything can fail: the name is rendered after the task
        from guestlist.runtime import sync

        workspace, segment, _ = self._begin(context)
        sent = sync.send_part(workspace, segment, plan_id_of(context, self.destination), Operation(self.operation), self.part)
        self._know_audience(workspace, segment)
        return sent


class SettleOperator(DestinationOperator):
    """Close the session and wait until the platform has said what became of it."""

    def __init__(self, *, operation: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.operation = operation

    @plainly
    def execute(self, context: Any, event: Any = None) -> None:
        """Runs again after each wait."""
        from guestlist.runtime import sync

        workspace, segment, _ = self._begin(context)
        plan_id = plan_id_of(context, self.destination)
        self._know_audience(workspace, segment)
        self._wait(lambda: sync.close_and_poll(workspace, segment, plan_id, Operation(self.operation)), "execute")


class SealOperator(DestinationOperator):
    """Make what was accepted the basis of the next run, and tell Airflow that the audience was updated."""

    @plainly
    def execute(self, context: Any) -> dict[str, int]:
        """Returns the generation's number and its members."""
        from guestlist.runtime import sync

        workspace, segment, run_id = self._begin(context)
        plan_id = plan_id_of(context, self.destination)
        sealed = sync.seal(workspace, segment, plan_id)
        self._know_audience(workspace, segment)
        self.counts = sync.destination_counts(workspace, segment, run_id, self.destination)
        self.gather(context)
        for asset in self.outlets:
            context["outlet_events"][asset].extra = event_extra({**self.counts, "plan": plan_id})
        return {"generation": sealed.generation, "members": sealed.members}


class ReportOperator(SegmentOperator):
    """Say what the run did, from receipts; fail where an audience is not in step, so that no loss ends green."""

    report: RunReport | None = None

    def facts(self, context: Any, parse: Parse) -> Lineage:
        """From the source to all audiences."""
        counts = {one.label: asdict(one) for one in self.report.destinations} if self.report else {}
        return delivering(context, self.segment, counts, parse)

    @plainly
    def execute(self, context: Any) -> dict[str, Any]:
        """Let the next run in, whatever the outcome."""
        from guestlist.runtime import sync
        from guestlist.runtime.intake import work

        workspace, segment, run_id = self._begin(context)
        try:
            self.report = report = sync.report_run(workspace, segment, run_id, labels=_chosen(context))
            sync.tidy(workspace, segment)
            errors = errors_of(context) if (error := sync.verdict(report)) else []
            work.ended(workspace, segment, report, [one.sentence for one in errors if one.sentence])
        finally:
            workspace.ledger.drop_lease(segment.name, lease_holder(context))
        for item in report.destinations:
            with bound_contextvars(destination=item.label):
                log.info("%s", item)
        emit(workspace.ledger, [segment])
        if error:
            tell(of_report(report, errors, segment.alerts, url_of(context)), segment.alerts)
            mark_as_told(context)
            raise AirflowFailException(str(error))
        return report.as_json()


def delivering(context: Any, segment: str, counts: Mapping[str, Mapping[str, Any]], parse: Parse) -> Lineage:
    """The lineage of some destinations, with the counts of each as far as there are any."""
    from guestlist.runtime import lineage

    workspace = workspace_of(context)
    return lineage.of_delivering(workspace, segment_of(workspace, segment), context["run_id"], counts, parse)


def plan_id_of(context: Any, destination: str) -> int:
    """The plan of a destination in this run: what its plan task returned."""
    plan_id: int = context["ti"].xcom_pull(task_ids=f"{destination}.plan")
    return plan_id


def lease_holder(context: Any) -> str:
    """How a DAG run signs its lease."""
    return f"airflow {context['dag'].dag_id} {context['run_id']}"


def _chosen(context: Any) -> Sequence[str]:
    return tuple(context["params"].get("destinations") or ())
