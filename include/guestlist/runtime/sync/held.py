"""What a platform holds now: the last sealed generation, and what the receipts since then say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from guestlist.model.delivery import Capabilities, Mode, Operation
from guestlist.model.plan import Plan
from guestlist.model.segment import Segment
from guestlist.pipeline.audience import MEMBER
from guestlist.pipeline.members import OUTCOME, Answered, Outcome, after_mirror, after_upload, by_member
from guestlist.pipeline.plan import ADDED_ON, UNSURE
from guestlist.runtime.lake import columns_file, gone_file, members_folder, part_file
from guestlist.runtime.ledger import BatchRow, SessionRow
from guestlist.runtime.wiring import Workspace


def empty_held(wanted: pl.LazyFrame) -> pl.LazyFrame:
    """No members, with the columns of a generation."""
    added_on = pl.lit(None, dtype=pl.Date).alias(ADDED_ON)
    return wanted.clear().with_columns(added_on, pl.lit(value=False).alias(UNSURE))


def held_now(workspace: Workspace, segment: Segment, label: str, wanted: pl.LazyFrame) -> pl.LazyFrame | None:
    """The members held, with the columns of ``wanted``; None before anything was ever sent.

    A field that the segment does not map any more stays as long as the platform holds a value of it: it is to be removed.
    They are read as they are asked for, unless receipts since the last generation have a say.
    """
    sealed = workspace.ledger.generation(segment.name, label)
    held = workspace.lake.scan(sealed.path) if sealed else None
    capabilities = workspace.capabilities(segment)[label]
    for row in workspace.ledger.unsealed_plans(segment.name, label):
        sessions = workspace.ledger.sessions(row.id)
        if any(session.state != "planned" for session in sessions):
            before = held.collect() if held is not None else None
            held = after_plan(workspace, row.path, sessions, before, capabilities).lazy()
    if held is None:
        return None
    mirror = segment.destination(label).mode is Mode.MIRROR
    return _fitted(held, wanted, [key.field.value for key in capabilities.keys] if mirror else [])


def after_plan(
    workspace: Workspace, folder: str, sessions: Sequence[SessionRow], held: pl.DataFrame | None, capabilities: Capabilities
) -> pl.DataFrame:
    """The members held after a plan's receipts so far; ``held`` are those before it, None if there was nothing before."""
    lake = workspace.lake
    plan = Plan.from_json(lake.read_json(f"{folder}/plan.json"))
    today = date.fromisoformat(plan.pull_date)
    by_operation = {session.operation: session for session in sessions}
    gone = lake.scan(gone_file(folder)).collect()
    recorded = RECORDED[plan.mode]
    if held is None:
        held = empty_held(lake.scan(columns_file(folder))).collect()
    additions = _answered(workspace, folder, recorded, by_operation.get(recorded), held)
    if plan.mode is not Mode.MIRROR and _swept(workspace, by_operation.get(Operation.REPLACE)):
        return after_upload(held, additions, gone, today)
    removing = by_operation.get(Operation.REMOVE)
    removals = _answered(workspace, folder, Operation.REMOVE, removing, held)
    return after_mirror(held, removals, additions, gone, today, capabilities)


def _swept(workspace: Workspace, replacing: SessionRow | None) -> bool:
    """Whether nobody but the members of a replace is left; one that is not through, or failed, has swept nobody."""
    if replacing is None:
        return True
    failed = any(batch.job_state == "failed" for batch in workspace.ledger.batches(replacing.id))
    return replacing.state == "settled" and not failed


def _answered(
    workspace: Workspace, folder: str, operation: Operation, session: SessionRow | None, held: pl.DataFrame
) -> Answered:
    """The members of one operation of a plan, and what became of each; nobody where it has no session."""
    if session is None:
        return Answered(held.drop(ADDED_ON, UNSURE).clear(), _nobody())
    members = workspace.lake.scan(members_folder(folder, operation)).collect()
    return Answered(members, member_outcomes(workspace, folder, session))


RECORDED = {
    Mode.MIRROR: Operation.ADD,
    Mode.APPEND: Operation.ADD,
    Mode.REPLACE: Operation.REPLACE,
    Mode.SNAPSHOT: Operation.REPLACE,
    Mode.REMOVE: Operation.REMOVE,
}
"""The operation whose members a generation holds; with mode ``remove`` it holds those who were removed."""


def _nobody() -> pl.DataFrame:
    return pl.DataFrame(schema={MEMBER: pl.String, OUTCOME: pl.String})


def member_outcomes(workspace: Workspace, folder: str, session: SessionRow) -> pl.DataFrame:
    """``member`` and ``outcome`` of everybody in a session, from its receipts."""
    return by_member(row_outcomes(workspace, folder, session))


def row_outcomes(workspace: Workspace, folder: str, session: SessionRow) -> pl.DataFrame:
    """``member`` and ``outcome`` of every wire row of a session."""
    frames = []
    batches = workspace.ledger.batches(session.id)
    for part in range(session.parts):
        members = workspace.lake.scan(part_file(folder, session.operation, part)).select(MEMBER).collect()
        outcomes = [outcome for batch in batches if batch.part == part for outcome in _outcomes(batch, session)]
        frames.append(members.with_columns(pl.Series(OUTCOME, outcomes, dtype=pl.String)))
    return pl.concat(frames) if frames else _nobody()


def _outcomes(batch: BatchRow, session: SessionRow) -> list[str]:
    if batch.state == "planned":
        return [Outcome.UNSENT.value] * batch.rows
    if batch.state == "sending":
        return [Outcome.UNSURE.value] * batch.rows
    settled = batch.job_state == "done" or (session.state == "settled" and batch.job_state is None)
    taken = Outcome.SURE.value if settled else Outcome.UNSURE.value
    return [Outcome.REJECTED.value if index in batch.rejected else taken for index in range(batch.rows)]


def _fitted(held: pl.LazyFrame, wanted: pl.LazyFrame, fields: Sequence[str]) -> pl.LazyFrame:
    """Held members with the wanted columns, null where the segment maps a field only now, and those of ``fields`` in use."""
    schema, there = wanted.collect_schema(), held.collect_schema()
    missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in schema.items() if name not in there]
    dropped = [name for name in fields if name in there and name not in schema and _in_use(held, name)]
    return held.with_columns(missing).select(*schema.names(), *dropped, ADDED_ON, UNSURE)


def _in_use(held: pl.LazyFrame, name: str) -> bool:
    values = pl.col(name).list.len() > 0 if held.collect_schema()[name] == pl.List(pl.String) else pl.col(name).is_not_null()
    return bool(held.select(values.any()).collect().item())
