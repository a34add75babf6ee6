"""Deliver and settle: open a session, send its batches, close it, poll it. Each step may be killed and repeated."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import polars as pl
from structlog.contextvars import bound_contextvars

from guestlist.model.delivery import Batch, Consent, Receipt, Session, Settlement
from guestlist.model.errors import BusyError, GuestlistError, Unconfirmed
from guestlist.model.plan import Plan
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Field, Operation
from guestlist.pipeline.audience import MEMBER, named_rows
from guestlist.pipeline.batching import envelope
from guestlist.runtime import clock
from guestlist.runtime.layout import part_file
from guestlist.runtime.ledger import BatchRow, SessionRow
from guestlist.runtime.storage import on_storage
from guestlist.runtime.sync.approval import check_guards
from guestlist.runtime.sync.outbox import Outbox
from guestlist.runtime.wiring import Ready, Workspace

log = logging.getLogger("guestlist.deliver")
Sent = Callable[[int, int], None]
"""Told the rows of each answered batch, and how many of them were rejected."""


@dataclass(frozen=True)
class Progress:
    """How far a session's settlement is: done, or how many seconds to wait before asking again."""

    done: bool
    wait: float = 0.0


def find_audience(workspace: Workspace, segment: Segment, label: str) -> None:
    """See that a known audience is still there, before a plan relies on what was sent to it.

    One that somebody deleted, or that the connection's account does not have, is made anew, and the plan starts from nobody.
    A first audience is made later, once the guards have let the plan pass.
    """
    if workspace.ledger.audience(segment.name, label) is None:
        return
    with _reaching(workspace, segment, label) as ready:
        audience = ready.driver.run(ready.destination.ensure(ready.spec))
        workspace.ledger.enter_audience(segment.name, segment.destination(label), audience)


def open_session(workspace: Workspace, segment: Segment, plan_id: int, operation: Operation) -> int:
    """Find or create the audience and begin the session. Returns the number of parts to send; 0 if there is nothing to do.

    Raises:
        SafetyStop: a guard is breached and nobody has approved this plan, whichever way this verb was come to.
    """
    session = _session(workspace, plan_id, operation)
    if session is None:
        return 0
    check_guards(workspace, plan_id, workspace.plan(plan_id))
    with _talking(workspace, segment, plan_id) as (plan, ready):
        if workspace.ledger.audience(segment.name, ready.label) is None:
            audience = ready.driver.run(ready.destination.ensure(ready.spec))
            workspace.ledger.enter_audience(segment.name, segment.destination(ready.label), audience)
        if session.state == "planned":
            handle = ready.driver.run(ready.destination.open(_conversation(workspace, segment, plan, session)))
            workspace.ledger.opened(session.id, handle)
        workspace.ledger.count_requests(session.id, ready.driver.requests)
    return session.parts


@on_storage
def send_part(
    workspace: Workspace,
    segment: Segment,
    plan_id: int,
    operation: Operation,
    part: int,
    sent: Sent = lambda _rows, _rejected: None,
) -> int:
    """Send the batches up to the end of a part that have no receipt yet, in order. Returns how many were sent.

    Those of earlier parts come first, should their own tasks not have sent them: Airflow promises no order among mapped tasks,
    and platforms count a session's batches (Meta takes none after the one that is marked as the last).
    """
    session = _session(workspace, plan_id, operation)
    if session is None:
        return 0
    waiting = [batch for batch in workspace.ledger.batches(session.id) if batch.part <= part and batch.state != "received"]
    if not waiting:
        return 0
    with _talking(workspace, segment, plan_id) as (plan, ready), _lanes(workspace, segment, ready, len(waiting)) as lanes:
        conversation = _conversation(workspace, segment, plan, session)

        def sending(row: BatchRow, batch: Batch) -> None:
            workspace.ledger.sending(session.id, row.sequence, envelope(conversation, batch))

        def received(row: BatchRow, receipt: Receipt, requests: int) -> None:
            _check_receipt(receipt, row)
            workspace.ledger.received(session.id, row.sequence, receipt, requests)
            with bound_contextvars(batch=row.sequence):
                log.info("%s batch %d of %d: %d accepted", operation, row.sequence, session.batches, receipt.accepted)
            sent(row.rows, len(receipt.rejected))

        rows, loaded = pl.DataFrame(), -1
        with Outbox(lanes, conversation, session.handle, sending, received) as outbox:
            for row in waiting:
                if row.part != loaded:
                    file = part_file(plan.path, operation, row.part)
                    rows, loaded = workspace.lake.scan(file).drop(MEMBER).collect(), row.part
                batch = Batch(row.batch_id, row.sequence, rows.slice(row.offset, row.rows))
                outbox.send(row, batch)
    return len(waiting)


def _check_receipt(receipt: Receipt, batch: BatchRow) -> None:
    """No row vanishes: what a receipt speaks of is what was sent."""
    if receipt.accepted + len(receipt.rejected) != batch.rows:
        raise AssertionError(
            f"a receipt speaks of {receipt.accepted} + {len(receipt.rejected)} rows of a batch of {batch.rows}"
        )


@on_storage
def close_and_poll(workspace: Workspace, segment: Segment, plan_id: int, operation: Operation) -> Progress:
    """Close the session once every batch has a receipt, and ask the platform once how far it is.

    Raises:
        Unconfirmed: the platform has not said it within the time that its own documentation allows.
    """
    session = _session(workspace, plan_id, operation)
    if session is None or session.state == "settled":
        return Progress(done=True)
    with _talking(workspace, segment, plan_id) as (plan, ready):
        progress = _poll(workspace, segment, plan, ready, session)
        workspace.ledger.count_requests(session.id, ready.driver.requests)
    return progress


def _poll(workspace: Workspace, segment: Segment, plan: Plan, ready: Ready, session: SessionRow) -> Progress:
    ledger = workspace.ledger
    conversation = _conversation(workspace, segment, plan, session)
    if session.state == "opened":
        receipts = tuple(dict.fromkeys(batch.job for batch in ledger.batches(session.id) if batch.job))
        ledger.closed(session.id, ready.driver.run(ready.destination.close(conversation, session.handle, receipts)))
        session = ledger.session(session.id)
        if ready.polling and ready.polling.first > 0 and ready.destination.settles_later(conversation):
            return Progress(done=False, wait=ready.polling.first)
    jobs = tuple(dict.fromkeys(b.job for b in ledger.batches(session.id) if b.job and b.job_state is None))
    settlement = ready.driver.run(ready.destination.settle(conversation, session.handle, jobs))
    _name_refused(workspace, plan, session, settlement)
    ledger.settled(session.id, settlement)
    if settlement.done or ready.polling is None:
        return Progress(done=True)
    since = None if settlement.began else session.closed_at
    waited = (clock.now() - since).total_seconds() if since else 0.0
    if waited > ready.polling.give_up:
        ledger.unconfirmed(session.id)
        silent = f"{ready.capabilities.title} has not said within {waited / 3600:.0f} h"
        raise Unconfirmed(f"{silent} what became of operation {session.operation.value}; the next run sends it again")
    return Progress(done=False, wait=ready.polling.wait(session.polls + 1))


def _name_refused(workspace: Workspace, plan: Plan, session: SessionRow, settlement: Settlement) -> None:
    """Enter which rows a job refused after all, where the platform names them by what was sent in them."""
    for job, outcome in settlement.jobs.items():
        for batch in workspace.ledger.batches(session.id) if outcome.named else ():
            if batch.state == "received" and job in ("", batch.job):
                rows = workspace.lake.scan(part_file(plan.path, session.operation, batch.part)).drop(MEMBER).collect()
                refused = named_rows(rows.slice(batch.offset, batch.rows), outcome.named)
                workspace.ledger.refuse_rows(session.id, batch.sequence, {**refused, **batch.rejected})


def leftovers(workspace: Workspace, segment: Segment, label: str, keep: int | None) -> Progress:
    """Settle what earlier plans sent and never heard of, so that the next plan knows what the platform holds.

    What was sent and accepted is not sent again; what the platform never confirms is. ``keep`` is the plan that this run is
    about to go on with: its sessions are not over.
    """
    longest, heard = Progress(done=True), False
    for row in workspace.ledger.unsealed_plans(segment.name, label):
        for session in workspace.ledger.sessions(row.id) if row.id != keep else ():
            if session.state not in ("opened", "closed") or not _anything_received(workspace, session):
                continue
            try:
                progress = close_and_poll(workspace, segment, row.id, session.operation)
            except Unconfirmed:
                continue
            heard = True
            if not progress.done:
                longest = Progress(done=False, wait=max(longest.wait, progress.wait))
    if heard and longest.done:  # a job that has failed may have taken its audience with it
        find_audience(workspace, segment, label)
    return longest


def _anything_received(workspace: Workspace, session: SessionRow) -> bool:
    return any(batch.state == "received" for batch in workspace.ledger.batches(session.id))


def _session(workspace: Workspace, plan_id: int, operation: Operation) -> SessionRow | None:
    return next((session for session in workspace.ledger.sessions(plan_id) if session.operation is operation), None)


@contextmanager
def _talking(workspace: Workspace, segment: Segment, plan_id: int) -> Iterator[tuple[Plan, Ready]]:
    """A plan and its platform; `BusyError` if a later run has been sealed: its receipts would never be looked at."""
    plan = workspace.plan(plan_id)
    refuse_superseded(workspace, plan_id, plan)
    with _reaching(workspace, segment, plan.label) as ready:
        yield plan, ready


def refuse_superseded(workspace: Workspace, plan_id: int, plan: Plan) -> None:
    """A plan that a later run has left behind would bring back people whom the segment has left since."""
    if workspace.ledger.is_superseded(plan_id):
        message = "a later run has delivered to this audience since; start a new run instead of repeating this one"
        raise BusyError(message, segment=plan.segment, destination=plan.label)


@contextmanager
def _lanes(workspace: Workspace, segment: Segment, ready: Ready, batches: int) -> Iterator[list[Ready]]:
    """As many connections to the platform as it takes batches at once, or as there are batches."""
    count = min(ready.capabilities.limits.parallel_batches, batches)
    others = [workspace.ready(segment, ready.label) for _ in range(count - 1)]
    try:
        yield [ready, *others]
    finally:
        for other in others:
            other.close()


@contextmanager
def _reaching(workspace: Workspace, segment: Segment, label: str) -> Iterator[Ready]:
    """A platform; tells an error on its way out where it happened, and gives back connections."""
    ready = workspace.ready(segment, label)
    try:
        yield ready
    except GuestlistError as error:
        error.at(segment=segment.name, destination=label)
        raise
    finally:
        ready.close()


def _conversation(workspace: Workspace, segment: Segment, plan: Plan, session: SessionRow) -> Session:
    """The session as the platform is told of it; while settling, its size is what was really sent."""
    audience = workspace.ledger.audience(segment.name, plan.label)
    if audience is None:
        raise AssertionError("a session was begun before its audience was known")
    batches = workspace.ledger.batches(session.id)
    received = [batch for batch in batches if batch.state == "received"]
    settling = session.state == "closed"
    capabilities = workspace.capabilities(segment)[plan.label]
    names = plan.fields
    return Session(
        id=session.id,
        operation=session.operation,
        audience=audience,
        total_batches=session.batches,
        total_users=sum(batch.rows for batch in received) if settling else session.rows,
        pull_date=plan.pull_date,
        fields=tuple(Field(name) for name in names),
        consent=Consent(
            ad_user_data=True if segment.consent.ad_user_data else None,
            ad_personalization=True if segment.consent.ad_personalization else None,
        ),
        currency=segment.value.currency if segment.value and capabilities.takes_value else None,
        refused=sum(len(batch.rejected) for batch in received),
    )
