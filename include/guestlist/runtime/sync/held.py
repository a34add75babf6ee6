"""What a platform holds now: the last sealed generation, and what the receipts since then say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol, TypeVar

import polars as pl

from guestlist.model.capabilities import Capabilities
from guestlist.model.errors import DataError
from guestlist.model.plan import Plan
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Mode, Operation
from guestlist.pipeline.audience import MEMBER
from guestlist.pipeline.members import OUTCOME, AfterMirror, Answered, Outcome, after_upload, by_member
from guestlist.pipeline.plan import ADDED_ON, UNSURE
from guestlist.pipeline.spans import Span, spans_of
from guestlist.runtime.lake import Lake
from guestlist.runtime.layout import columns_file, gone_file, members_folder, part_file
from guestlist.runtime.ledger import BatchRow, SessionRow
from guestlist.runtime.wiring import Workspace


def empty_held(wanted: pl.LazyFrame) -> pl.LazyFrame:
    """No members, with the columns of a generation."""
    added_on = pl.lit(None, dtype=pl.Date).alias(ADDED_ON)
    return wanted.clear().with_columns(added_on, pl.lit(value=False).alias(UNSURE))


def generation_of(lake: Lake, sealed: Any) -> pl.LazyFrame | None:
    """The members of a sealed generation of the ledger; None where there is none.

    Raises:
        DataError: the lake has lost it, or a part of it.
    """
    if sealed is None:
        return None
    try:
        held = lake.scan(sealed.path)
        whole = held.select(pl.len()).collect().item() >= sealed.members  # one member may stand in several rows
    except DataError:
        whole = False
    if not whole:
        lost = f"the lake has lost {sealed.path} or a part of it, from which people are removed one day"
        without = (
            "nobody knows who has left: delete the audience on the platform, and the next run makes it anew and sends everybody"
        )
        raise DataError(f"{lost}: bring it back from a backup. Without it {without}")
    return held


def books_now(workspace: Workspace, segment: Segment, label: str) -> pl.LazyFrame | None:
    """The members held, with all that was sent of them; None before anything was ever sent.

    They are read as they are asked for, unless receipts since the last generation have a say.
    """
    sealed = workspace.ledger.generation(segment.name, label)
    held = generation_of(workspace.lake, sealed)
    capabilities = workspace.capabilities(segment)[label]
    for row in workspace.ledger.unsealed_plans(segment.name, label):
        sessions = workspace.ledger.sessions(row.id)
        if any(session.state != "planned" for session in sessions):
            held = after_plan(workspace, row.path, sessions, held, capabilities, Gathered()).scan()
    return held


def held_now(workspace: Workspace, segment: Segment, label: str, wanted: pl.LazyFrame) -> pl.LazyFrame | None:
    """The members held, with the columns of ``wanted``; None before anything was ever sent.

    A field that the segment does not map any more stays as long as the platform holds a value of it: it is to be removed.
    """
    held = books_now(workspace, segment, label)
    if held is None:
        return None
    capabilities = workspace.capabilities(segment)[label]
    mirror = segment.destination(label).mode is Mode.MIRROR
    return _fitted(held, wanted, [key.field.value for key in capabilities.keys] if mirror else [])


class Members(Protocol):
    """Where members are put piece by piece, and read again."""

    def add(self, members: pl.DataFrame) -> None:
        """One more piece."""

    def scan(self) -> pl.LazyFrame:
        """All pieces."""


class Gathered:
    """Members in memory."""

    def __init__(self) -> None:
        self._pieces: list[pl.DataFrame] = []

    def add(self, members: pl.DataFrame) -> None:
        """One more piece."""
        self._pieces.append(members)

    def scan(self) -> pl.LazyFrame:
        """All pieces."""
        return pl.concat(self._pieces, how="diagonal_relaxed").lazy()


M = TypeVar("M", bound=Members)


def after_plan(
    workspace: Workspace,
    folder: str,
    sessions: Sequence[SessionRow],
    held: pl.LazyFrame | None,
    capabilities: Capabilities,
    into: M,
) -> M:
    """Put the members held after a plan's receipts so far ``into`` something, span after span.

    ``held`` are those before the plan, None if there was nothing before.
    """
    lake = workspace.lake
    plan = Plan.from_json(lake.read_json(f"{folder}/plan.json"))
    today = date.fromisoformat(plan.pull_date)
    by_operation = {session.operation: session for session in sessions}
    if held is None:
        held = empty_held(lake.scan(columns_file(folder)))
    recorded = RECORDED[plan.mode]
    additions = _Sent.of(workspace, folder, recorded, by_operation.get(recorded))
    gone = lake.scan(gone_file(folder))
    spans = spans_of(max(held.select(pl.len()).collect().item(), additions.outcomes.height))
    if plan.mode is not Mode.MIRROR and _swept(workspace, by_operation.get(Operation.REPLACE)):
        for span in spans:
            into.add(after_upload(span.of(held).collect(), additions.answered(span), span.of(gone).collect(), today))
        return into
    removals = _Sent.of(workspace, folder, Operation.REMOVE, by_operation.get(Operation.REMOVE))
    mirror = AfterMirror(removals.answered(Span()), today, capabilities)
    for span in spans:
        into.add(mirror.after(span.of(held).collect(), additions.answered(span), span.of(gone).collect()))
    into.add(mirror.owed(into.scan()))
    return into


def _swept(workspace: Workspace, replacing: SessionRow | None) -> bool:
    """Whether nobody but the members of a replace is left; one that is not through, or failed, has swept nobody."""
    if replacing is None:
        return True
    failed = any(batch.job_state == "failed" for batch in workspace.ledger.batches(replacing.id))
    return replacing.state == "settled" and not failed


@dataclass(frozen=True)
class _Sent:
    """The members of one operation of a plan, and what became of each; nobody where it has no session."""

    members: pl.LazyFrame
    outcomes: pl.DataFrame

    @classmethod
    def of(cls, workspace: Workspace, folder: str, operation: Operation, session: SessionRow | None) -> _Sent:
        if session is None:
            return cls(workspace.lake.scan(columns_file(folder)), _nobody())
        return cls(workspace.lake.scan(members_folder(folder, operation)), member_outcomes(workspace, folder, session))

    def answered(self, span: Span) -> Answered:
        return Answered(span.of(self.members).collect(), span.of(self.outcomes.lazy()).collect())


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
