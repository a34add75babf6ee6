"""One audience of an erasure: take the people off, wait for the platform's word, and say what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
from sqlalchemy import Row

from guestlist.model.capabilities import Capabilities
from guestlist.model.errors import Unconfirmed
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import IDENTIFYING, Mode, Operation
from guestlist.pipeline.erasure import Erased
from guestlist.pipeline.members import OUTCOME, Outcome
from guestlist.runtime.erasure.removal import Books, holds, look, plan_removal, removes
from guestlist.runtime.ledger import BatchRow
from guestlist.runtime.ledger.erasures import ERASURE_RUN
from guestlist.runtime.sync.deliver import Progress, close_and_poll, leftovers, open_session, send_part
from guestlist.runtime.sync.held import RECORDED, row_outcomes
from guestlist.runtime.sync.seal import seal
from guestlist.runtime.wiring import Workspace

REMOVED, NOT_THERE, UNKNOWN, BY_HAND, REFUSED = "removed", "not_there", "unknown", "by_hand", "refused"
DONE = Progress(done=True)
_LOST = "the lake does not tell any more who is on it, and has no key that could be sent: look there by hand"


@dataclass(frozen=True)
class Step:
    """One audience: its row in the ledger, its segment, and who is erased from it."""

    workspace: Workspace
    segment: Segment
    row: Row[Any]
    erased: Erased
    listed: pl.DataFrame

    @property
    def run_id(self) -> str:
        """The name under which its plans stand beside those of runs."""
        return f"{ERASURE_RUN}{self.row.erasure_id}"

    @property
    def capabilities(self) -> Capabilities:
        """Of its platform."""
        return self.workspace.capabilities(self.segment)[self.row.label]

    @property
    def sends(self) -> bool:
        """Whether people are taken off this audience one by one."""
        return removes(self.segment, self.row.label, self.capabilities)

    @property
    def takes_off(self) -> bool:
        """Whether the segment's people are those who are taken off the audience."""
        return self.segment.destination(self.row.label).mode is Mode.REMOVE

    @property
    def appends(self) -> bool:
        """Whether the books forget what the platform keeps."""
        return self.segment.destination(self.row.label).mode is Mode.APPEND

    @property
    def rebuilt(self) -> bool:
        """Whether the audience is only ever built or replaced as a whole."""
        return not self.sends and RECORDED[self.segment.destination(self.row.label).mode] is Operation.REPLACE

    def again(self) -> Step:
        """With its row as the ledger has it now."""
        there = (row for row in self.workspace.ledger.steps(self.row.erasure_id))
        mine = (self.row.segment, self.row.label, self.row.former)
        return replace(self, row=next(row for row in there if (row.segment, row.label, row.former) == mine))

    def plans(self) -> Sequence[Row[Any]]:
        """What was planned for it, the newest first."""
        return self.workspace.ledger.plans_of_run(self.segment.name, self.row.label, self.run_id)

    def batches(self) -> list[BatchRow]:
        """What was sent to take them off: by its own plans, or else by the run that was sealed last."""
        ledger = self.workspace.ledger
        sealed = ledger.generation(self.segment.name, self.row.label)
        plans = [plan.id for plan in self.plans()] or ([sealed.plan_id] if sealed is not None else [])
        return [batch for plan in plans for session in ledger.sessions(plan) for batch in ledger.batches(session.id)]

    def look(self) -> Books:
        """The audience's books as they are now."""
        return look(self.workspace, self.segment, self.row.label, self.erased)


def advance(step: Step) -> Progress:
    """Go on as far as it goes without waiting. Any number of times, killed at any moment.

    Raises:
        Unconfirmed: the people are still on the audience, as far as anybody knows. The next call tries again.
    """
    if step.row.former:
        return _left_behind(step)
    plan_id = _under_way(step)
    if plan_id is None:
        books = step.look()
        if not _is_to_be_planned(step, books):
            return _conclude(step, books)
        progress = leftovers(step.workspace, step.segment, step.row.label, None)
        if not progress.done:
            return progress
        plan_id = _plan(step)
    progress = _deliver(step, plan_id)
    return _conclude(step.again(), step.look()) if progress.done else progress


def _under_way(step: Step) -> int | None:
    """The plan to go on with: not one that a run has left behind, nor one that the platform never confirmed."""
    newest = next(iter(step.plans()), None)
    if newest is None or newest.state != "planned":
        return None
    unconfirmed = any(session.state == "unconfirmed" for session in step.workspace.ledger.sessions(newest.id))
    return None if unconfirmed else int(newest.id)


def _is_to_be_planned(step: Step, books: Books) -> bool:
    if books.waiting or (books.theirs.height and not step.rebuilt):
        return True
    unknown = books.before.height > 0 or not books.whole
    newest = next(iter(step.plans()), None)
    return step.sends and unknown and (newest is None or _outcomes(step, newest)[Outcome.UNSURE] > 0)


def _plan(step: Step) -> int:
    books = step.look()
    label = step.row.label
    removal = plan_removal(step.workspace, step.segment, label, step.run_id, books, step.listed)
    found = step.row.found or books.has_them or books.before.height > 0
    # first what was found, then the plan: once it is sent the books do not tell any more that they were there
    step.workspace.ledger.set_step(step.row, found=found, removed=dict(removal.keys))
    return removal.enter(step.workspace)


def _deliver(step: Step, plan_id: int) -> Progress:
    """Send, settle and seal. Books that are gone cannot be sealed: then the receipts alone count."""
    workspace, segment = step.workspace, step.segment
    for session in workspace.ledger.sessions(plan_id):
        for part in range(open_session(workspace, segment, plan_id, session.operation)):
            send_part(workspace, segment, plan_id, session.operation, part)
        progress = close_and_poll(workspace, segment, plan_id, session.operation)
        if not progress.done:
            return progress
    sealed = workspace.ledger.generation(segment.name, step.row.label)
    if sealed is None or workspace.lake.files(sealed.path):
        seal(workspace, segment, plan_id)
    return DONE


def _conclude(step: Step, books: Books) -> Progress:
    """Say what came of it, from books and receipts."""
    found = step.row.found or books.before.height > 0
    if books.has_them and step.rebuilt:
        step.workspace.ledger.set_step(step.row, found=True)
        raise Unconfirmed(f"the segment's next run builds the audience without them: guestlist sync {step.segment.name}")
    if books.has_them or (step.sends and (step.appends or not books.whole)):
        return _by_receipts(step, books)
    if not books.whole and step.rebuilt:
        return _end(step, BY_HAND, _LOST)
    if (not found and books.whole) or step.takes_off:
        return _nobody(step, books)
    if step.sends or (step.rebuilt and not step.capabilities.keeps_former):
        return _end(step, REMOVED)
    title = step.capabilities.title
    kept = "keeps the audiences that it built before" if step.rebuilt else "takes nobody off an audience"
    return _end(step, BY_HAND, f"{title} {kept}: ask {title}, or delete the audience there")


def _left_behind(step: Step) -> Progress:
    """An audience that its segment has left: Guestlist has no say in it any more, but knows who was on it last."""
    workspace = step.workspace
    former = workspace.ledger.former_audience(step.row.former)
    where = f"delete it, or take them off there: {former.url}" if former.url else "delete it, or take them off there"
    if former.path is None or not workspace.lake.files(former.path):
        return _close(step, BY_HAND, f"the segment has left this audience, and the lake does not tell who is on it: {where}")
    if not holds(workspace, former.path, step.erased):
        return _close(step, NOT_THERE)
    workspace.ledger.set_step(step.row, found=True)
    return _close(step, BY_HAND, f"they are on an audience that the segment has left: {where}")


def _nobody(step: Step, books: Books) -> Progress:
    """They are not on it, unless it has only kinds of keys of which none is known."""
    fields = set() if books.held is None else {*books.held.collect_schema()} & IDENTIFYING
    if not fields or step.erased.members or fields & step.erased.digests.keys():
        return _end(step, NOT_THERE)
    kinds = " or ".join(sorted(fields))
    return _end(step, UNKNOWN, f"the audience has people by {kinds} alone, and none of theirs is known: give that, too")


def _by_receipts(step: Step, books: Books) -> Progress:
    """Where the books do not tell that they are gone, the receipts of what was sent do."""
    newest = next(iter(step.plans()), None)
    if newest is None:
        return _nobody(step, books)
    counts, title = _outcomes(step, newest), step.capabilities.title
    if counts[Outcome.REJECTED] and not counts[Outcome.UNSURE]:
        reasons = ", ".join(sorted({reason for batch in step.batches() for reason in batch.rejected.values()}))
        return _end(step, REFUSED, f"{title} refused {counts[Outcome.REJECTED]} rows: {reasons}")
    if books.has_them or counts[Outcome.UNSURE]:
        raise Unconfirmed(f"{title} has not confirmed that they are off; it is asked to take them off again")
    if not counts and not books.whole:
        return _end(step, BY_HAND, _LOST)
    return _end(step, REMOVED)


def _outcomes(step: Step, plan: Row[Any]) -> Counter[str]:
    """Rows that a plan has sent, by what became of them."""
    sessions = step.workspace.ledger.sessions(plan.id)
    frames = [row_outcomes(step.workspace, plan.path, session) for session in sessions]
    return Counter(outcome for frame in frames for outcome in frame.get_column(OUTCOME))


def _end(step: Step, outcome: str, reason: str | None = None) -> Progress:
    """Enter what came of it, with the platform's own names for the requests that did it."""
    names = dict.fromkeys(name for batch in step.batches() for name in (batch.request_id, batch.job) if name)
    return _close(step, outcome, reason, list(names))


def _close(step: Step, outcome: str, reason: str | None = None, request_ids: Sequence[str] = ()) -> Progress:
    step.workspace.ledger.set_step(step.row, outcome=outcome, reason=reason, request_ids=list(request_ids))
    return DONE
