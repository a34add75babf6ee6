"""Seal: once everything has settled, what was accepted becomes the newest generation, in one atomic step."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import polars as pl

from guestlist.model.errors import Unconfirmed
from guestlist.model.plan import Plan
from guestlist.model.segment import Segment
from guestlist.pipeline.audience import MEMBER
from guestlist.pipeline.spans import spans_of
from guestlist.runtime.lake import Lake
from guestlist.runtime.layout import generation_folder
from guestlist.runtime.storage import on_storage
from guestlist.runtime.sync.deliver import refuse_superseded
from guestlist.runtime.sync.held import Gathered, after_plan, generation_of
from guestlist.runtime.sync.optouts import measure
from guestlist.runtime.wiring import Workspace


@dataclass(frozen=True)
class Sealed:
    """A sealed generation: its number and how many members it holds."""

    generation: int
    members: int


@on_storage
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
    held = generation_of(lake, before)
    capabilities = workspace.capabilities(segment)[plan.label]
    since = [row for row in ledger.unsealed_plans(segment.name, plan.label) if row.id <= plan_id]
    for row in since:
        theirs = ledger.sessions(row.id)
        if row.id < plan_id and any(session.state != "planned" for session in theirs):
            held = after_plan(workspace, row.path, theirs, held, capabilities, Gathered()).scan()
    generation = after_plan(workspace, plan.path, sessions, held, capabilities, _Generation(lake, plan, plan_id))
    members = generation.count()
    opt_outs = measure(workspace, [row.id for row in since])
    return Sealed(ledger.seal(plan_id, generation.folder, members, asdict(opt_outs) if opt_outs else None), members)


class _Generation:
    """A generation of the lake, written piece by piece."""

    def __init__(self, lake: Lake, plan: Plan, plan_id: int) -> None:
        self.folder = generation_folder(plan.segment, plan.label, plan_id)
        self._lake, self._pieces, self._rows = lake, 0, 0
        lake.remove(self.folder)  # what an attempt that died has left there

    def add(self, members: pl.DataFrame) -> None:
        """One more piece; there is a file even of nobody."""
        if members.height or not self._pieces:
            self._lake.write_members(f"{self.folder}/part-{self._pieces:05d}.parquet", members)
            self._pieces += 1
            self._rows += members.height

    def scan(self) -> pl.LazyFrame:
        """All members so far."""
        return self._lake.scan(self.folder)

    def count(self) -> int:
        """How many members there are; one may stand in several rows."""
        spans = spans_of(self._rows)
        return sum(span.of(self.scan()).select(pl.col(MEMBER).n_unique()).collect().item() for span in spans)
