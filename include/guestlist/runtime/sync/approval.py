"""Approval: a plan that breaches a guard waits for a person; the decision holds for that plan alone, whoever asks again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from guestlist.model.errors import SafetyStop
from guestlist.model.plan import Breach, Plan
from guestlist.model.segment import Segment
from guestlist.runtime.sync.plan import PlanOptions, unfinished_plan
from guestlist.runtime.wiring import Workspace

APPROVE = "approve"
REJECT = "reject"
EXPIRED = "expired"
"""Nobody decided in time: the same plan may be asked about again."""


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
    rejected = f"{_told(decision)}; " if decision is not None and decision.decision == REJECT else ""
    raise SafetyStop(rejected + _message(plan.breaches), segment=plan.segment, destination=plan.label)


def _message(found: tuple[Breach, ...]) -> str:
    """What a person has to decide on."""
    told = "; ".join(map(str, found))
    return f"nothing was sent: {told}. Approve the run if this is right (guestlist approve), or mend the source"


def _told(decision: Row[Any]) -> str:
    what = {APPROVE: "approved", REJECT: "rejected"}.get(decision.decision, decision.decision)
    return f"{what} by {decision.who}, {decision.at:%Y-%m-%d %H:%M} UTC"


def numbers(plan: Plan) -> dict[str, int]:
    """What a person is shown of a plan besides its breaches: people, and the rows that would go out."""
    counts = plan.counts
    people = {"held before": counts.held, "wanted": counts.wanted, "join": counts.new, "leave": counts.gone}
    people |= {"change": counts.changed, "renewed": counts.renewed, "resent": counts.resent}
    return people | {f"rows to {upload.operation}": upload.rows for upload in plan.uploads}


def waiting_plans(workspace: Workspace, segment: Segment, labels: Sequence[str]) -> list[Waiting]:
    """The newest plan of each destination, where a guard stopped it."""
    found = []
    for label in labels:
        row = workspace.ledger.newest_plan(segment.name, label)
        if row is None or row.state != "planned" or not row.breaches:
            continue
        if all(session.state == "planned" for session in workspace.ledger.sessions(row.id)):
            decision = workspace.ledger.decision(row.id)
            found.append(Waiting(row.id, workspace.plan(row.id), _told(decision) if decision is not None else None))
    return found


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
