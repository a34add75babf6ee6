"""The guard of a destination: a plan that breaches one waits for a person, on Airflow's page or at the command line.

How this Airflow waits, and what happens to a page when its task is cleared: docs/decisions/0011.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskAwaitingInput
from airflow.triggers.base import BaseTrigger, TriggerEvent

from guestlist.model.errors import SafetyStop, TransientError
from guestlist.orchestration.alerts import tell, url_of
from guestlist.orchestration.lineage import TellsLineage
from guestlist.orchestration.operators import delivering, plan_id_of
from guestlist.orchestration.plainly import plainly
from guestlist.orchestration.workspaces import segment_of, workspace_of
from guestlist.runtime import clock
from guestlist.runtime.alerts import Alert, of_guard, of_nobody
from guestlist.runtime.config import Config

if TYPE_CHECKING:
    from guestlist.model.lineage import Lineage
    from guestlist.model.plan import Plan
    from guestlist.runtime.ledger import Ledger
    from guestlist.runtime.lineage import Parse
    from guestlist.runtime.sync import Sample
    from guestlist.runtime.wiring import Workspace

log = logging.getLogger("guestlist.airflow")
_WAIT = timedelta(hours=24)
_LOOK_SECONDS = 10.0


class GuardOperator(TellsLineage, ApprovalOperator):
    """Let the plan pass, or wait for a person's approval with the numbers; the decision is kept in the ledger."""

    def __init__(self, *, segment: str, destination: str, **kwargs: Any) -> None:
        super().__init__(
            subject=f"{segment}: a guard stopped the plan for {destination}",
            body="The numbers are shown once the plan is there.",
            **kwargs,
        )
        self.segment = segment
        self.destination = destination

    @plainly
    def execute(self, context: Any) -> None:
        """Ask, unless no guard is breached, somebody has decided already, or the run was started with ``approve``."""
        from guestlist.runtime import sync

        if context["params"].get("dry_run"):
            raise AirflowSkipException("a dry run: nothing is sent")
        workspace = workspace_of(context)
        plan_id = plan_id_of(context, self.destination)
        plan = workspace.plan(plan_id)
        approved_by = _who_triggered(context) if context["params"].get("approve") else None
        decision = workspace.ledger.decision(plan_id)
        decided = decision is not None and decision.decision != sync.EXPIRED
        if not plan.breaches or approved_by or decided:
            sync.check_guards(workspace, plan_id, plan, approved_by=approved_by)
            return
        if self._page_is_of_another_plan(workspace, plan_id, plan):
            told = "Airflow's page still shows an earlier plan of this run, so nobody can approve this one there"
            mend = f"`guestlist approve {self.segment}` and clear this task, or start a new run"
            breached = "; ".join(map(str, plan.breaches))
            self._tell(workspace, of_guard(plan, url_of(context)))
            raise SafetyStop(f"{told}: {mend}; {breached}", segment=self.segment, destination=self.destination)
        self.body = page(plan, plan_id, sync.sample_of(workspace, segment_of(workspace, self.segment), plan))
        self._ask(context, workspace, plan, plan_id)

    def facts(self, context: Any, parse: Parse) -> Lineage:
        """From the source to the audience."""
        return delivering(context, self.segment, {self.destination: {}}, parse)

    def _ask(self, context: Any, workspace: Workspace, plan: Plan, plan_id: int) -> None:
        """Make the page; then wait with a trigger of our own, since Airflow's state for this looks at the page alone."""
        try:
            super().execute(context)
        except TaskAwaitingInput as waiting:
            self._tell(workspace, of_guard(plan, url_of(context)))
            until = (clock.now() + _WAIT).isoformat()
            trigger = DecisionTrigger(plan_id=plan_id, until=until)
            self.defer(trigger=trigger, method_name=waiting.method_name, kwargs={"plan_id": plan_id})

    def _tell(self, workspace: Workspace, alert: Alert) -> None:
        tell(alert, segment_of(workspace, self.segment).alerts)

    def _page_is_of_another_plan(self, workspace: Workspace, plan_id: int, plan: Plan) -> bool:
        """Airflow keeps a task's page when the task is cleared, and never changes what is on it."""
        asked = workspace.ledger.plans_of_run(plan.segment, plan.label, plan.run_id)
        return any(row.id != plan_id and row.breaches and not row.dry for row in asked)

    @plainly
    def execute_complete(self, context: Any, event: dict[str, Any], plan_id: int | None = None) -> None:
        """Keep who decided what on the page; what was decided at the command line, the ledger knows already."""
        from guestlist.runtime import sync

        workspace = workspace_of(context)
        plan_id = plan_id or int(event["plan_id"])  # of the plan that was shown, whatever was planned since
        if "chosen_options" in event:
            approved = event["chosen_options"] == [self.APPROVE]
            who = (event.get("responded_by_user") or {}).get("name") or "somebody on Airflow's page"
            workspace.ledger.decide(plan_id, sync.APPROVE if approved else sync.REJECT, who)
        elif not event["decided"]:
            workspace.ledger.decide(plan_id, sync.EXPIRED, "nobody")
            hours = _WAIT.total_seconds() / 3600
            self._tell(workspace, of_nobody(self.segment, self.destination, hours, url_of(context)))
            raise AirflowFailException(f"nobody decided within {hours:.0f} h: nothing was sent to {self.destination}")
        sync.check_guards(workspace, plan_id, workspace.plan(plan_id))


class DecisionTrigger(BaseTrigger):
    """Looks for a decision in the ledger. Meanwhile an answer on the page lets the task go on without this trigger."""

    def __init__(self, *, plan_id: int, until: str) -> None:
        super().__init__()
        self.plan_id = plan_id
        self.until = until

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Its class and what it was made with."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {"plan_id": self.plan_id, "until": self.until}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One event: whether anybody decided before the time was up."""
        until, decided = datetime.fromisoformat(self.until), False
        while not decided and clock.now() < until:
            await asyncio.sleep(_LOOK_SECONDS)  # first: a trigger that fires at once may race the executor
            decided = await asyncio.to_thread(self._decided)
        yield TriggerEvent({"plan_id": self.plan_id, "decided": decided})

    def _decided(self) -> bool:
        from guestlist.runtime.sync import EXPIRED

        try:
            decision = self._ledger.decision(self.plan_id)
        except TransientError as error:
            log.warning("%s", error)
            return False
        return decision is not None and decision.decision != EXPIRED

    @cached_property
    def _ledger(self) -> Ledger:
        """The ledger that this process's environment names, as the workers' does."""
        from guestlist.runtime.ledger import open_ledger

        return open_ledger(Config.from_environment().ledger)


def _who_triggered(context: Any) -> str:
    return getattr(context["dag_run"], "triggering_user_name", None) or "the run's params"


def page(plan: Plan, plan_id: int, sample: Sample) -> str:
    """What a person decides on, as Markdown: numbers and names of columns, never a value."""
    from guestlist.runtime.sync import numbers

    counts = numbers(plan)
    lines = [*(f"- **{breach}**" for breach in plan.breaches), "", f"| plan | {' | '.join(counts)} |"]
    lines += ["|---" * (len(counts) + 1) + "|", f"| {plan_id} | {' | '.join(f'{count:,}' for count in counts.values())} |", ""]
    if sample.groups:
        lines += ["Who they are, in groups of people of whom the same is known:", "", "| | known by | country | people |"]
        lines += ["|---|---|---|---|"]
        lines += [f"| {one.movement} | {one.known_by} | {one.country} | {one.people:,} |" for one in sample.groups]
        lines += [""]
    if sample.changed:
        lines += [f"What changes: {', '.join(f'{name} of {count:,} people' for name, count in sample.changed.items())}.", ""]
    lines += ["Nothing was sent. **Approve** sends exactly this plan; **Reject** leaves the audience as it is."]
    return "\n".join(lines)
