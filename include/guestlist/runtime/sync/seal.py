"""Seal: once everything has settled, what was accepted becomes the newest generation, in one atomic step."""

from __future__ import annotations

from dataclasses import dataclass

from guestlist.model.errors import Unconfirmed
from guestlist.model.segment import Segment
from guestlist.runtime.sync.deliver import refuse_superseded
from guestlist.runtime.sync.held import after_plan
from guestlist.runtime.wiring import Workspace


@dataclass(frozen=True)
class Sealed:
    """A sealed generation: its number and how many members it holds."""

    generation: int
    members: int


def seal(workspace: Workspace, segment: Segment, plan_id: int) -> Sealed:
    """Make what the platform accepted the basis of the next run.

    Raises:
        Unconfirmed: a batch has no receipt, or a session has not settled. BusyError: a later plan has been sealed.
    """
    plan = workspace.plan(plan_id)
    ledger, lake = workspace.ledger, workspace.lake_for(segment)
    refuse_superseded(workspace, plan_id, plan)
    sessions = ledger.sessions(plan_id)
    if open_ones := [session.operation.value for session in sessions if session.state != "settled"]:
        raise Unconfirmed(f"cannot be sealed: {', '.join(open_ones)} not settled", segment=segment.name, destination=plan.label)
    unsent = sum(batch.state != "received" for session in sessions for batch in ledger.batches(session.id))
    if unsent:
        raise Unconfirmed(f"cannot be sealed: {unsent} batches have no receipt", segment=segment.name, destination=plan.label)
    before = ledger.generation(segment.name, plan.label)
    if before is not None and before.plan_id == plan_id:
        return Sealed(before.number, before.members)
    held = lake.scan(before.path).collect() if before else None
    capabilities = workspace.capabilities(segment)[plan.label]
    for row in ledger.unsealed_plans(segment.name, plan.label):
        theirs = ledger.sessions(row.id)
        if row.id < plan_id and any(session.state != "planned" for session in theirs):
            held = after_plan(workspace, row.path, theirs, held, capabilities)
    held = after_plan(workspace, plan.path, sessions, held, capabilities)
    path = lake.generation_file(segment.name, plan.label, plan_id)
    lake.write_members(path, held)
    members = held["member"].n_unique()
    return Sealed(ledger.seal(plan_id, path, members), members)
