"""Approval: a plan that breaches a guard waits for a person; the decision holds for that plan alone, whoever asks again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guestlist.model.errors import SafetyStop
from guestlist.model.plan import Breach, Plan
from guestlist.model.segment import Segment
from guestlist.runtime import stopped
from guestlist.runtime.stopped import APPROVE, REJECT, stopped_plan, told
from guestlist.runtime.sync.plan import PlanOptions, unfinished_plan
from guestlist.runtime.wiring import Workspace


@dataclass(frozen=True)
class Waiting:
    """A plan that a guard stopped and of which nothing was sent. ``decided`` tells who decided what, and when."""

    id: int
    plan: Plan
    decided: str | None


def check_guards(workspace: Workspace, plan_id: int, plan: Plan, *, approved_by: str | None = None) -> None:
    """Let a plan pass, or stop it with the numbers; ``approved_by`` names the person who lets it pass all the same.

    Raises:
        SafetyStop: a guard is breached and nobody has approved this plan, or somebody has rejected it.
    """
    if not plan.breaches:
        return
    decision = workspace.ledger.decision(plan_id)
    if decision is not None and decision.decision == APPROVE:
        return
    if approved_by:
        workspace.ledger.decide(plan_id, APPROVE, approved_by)
        return
    rejected = f"{told(decision)}; " if decision is not None and decision.decision == REJECT else ""
    raise SafetyStop(rejected + _message(plan.breaches), segment=plan.segment, destination=plan.label)


def _message(found: tuple[Breach, ...]) -> str:
    """What a person has to decide on."""
    told = "; ".join(map(str, found))
    return f"nothing was sent: {told}. Approve the run if this is right (guestlist approve), or mend the source"


def numbers(plan: Plan) -> dict[str, int]:
    """What a person is shown of a plan besides its breaches."""
    return stopped.numbers(plan.counts, {upload.operation.value: upload.rows for upload in plan.uploads})


def waiting_plans(workspace: Workspace, segment: Segment, labels: Sequence[str]) -> list[Waiting]:
    """The newest plan of each destination, where a guard stopped it."""
    plans = (stopped_plan(workspace.ledger, segment.name, label) for label in labels)
    return [
        Waiting(one.id, workspace.plan(one.id), told(one.decision) if one.decision is not None else None)
        for one in plans
        if one is not None
    ]


def approved_run(
    workspace: Workspace, segment: Segment, labels: Sequence[str], options: PlanOptions
) -> tuple[str, list[str]] | None:
    """The newest run with a plan that was stopped, approved since, and is still what would be sent; and its destinations."""
    approved = {}
    for waiting in waiting_plans(workspace, segment, labels):
        plan, decision = waiting.plan, workspace.ledger.decision(waiting.id)
        current = unfinished_plan(workspace, segment, plan.run_id, plan.label, options) == waiting.id
        if current and decision is not None and decision.decision == APPROVE:
            approved[waiting.id] = plan
    if not approved:
        return None
    run_id = approved[max(approved)].run_id
    return run_id, [plan.label for plan in approved.values() if plan.run_id == run_id]
