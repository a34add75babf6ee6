"""All audiences of an erasure, one after the other; what is over is taken out of the lake, and the receipt is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import polars as pl
from sqlalchemy import Row

from guestlist.model.errors import ConfigError, GuestlistError, RejectedError
from guestlist.model.vocabulary import Operation
from guestlist.pipeline.audience import MEMBER
from guestlist.pipeline.erasure import Erased, belongs
from guestlist.runtime.erasure.listed import erased_in, read_list
from guestlist.runtime.erasure.segments import segment_of
from guestlist.runtime.erasure.steps import BY_HAND, REFUSED, UNKNOWN, Step, advance
from guestlist.runtime.wiring import Workspace

ERASED = "erased"
"""What stands in parts that were sent in the place of a member's name: rows are counted, so they stay."""
_TOLD = ("segment", "label", "platform", "connection", "audience", "audience_id", "outcome", "reason", "removed", "request_ids")


@dataclass(frozen=True)
class State:
    """How far an erasure is. ``wait``: seconds until a platform is asked again; None where nothing is to be waited for."""

    wait: float | None = None
    errors: tuple[GuestlistError, ...] = ()


def carry_out(workspace: Workspace, erasure_id: str, holder: str) -> State:
    """Take an erasure as far as it goes without waiting, and close it once every audience has its outcome.

    One audience that fails keeps no other from being served. ``holder`` signs the leases of the segments, which are given
    back before any waiting.

    Raises:
        ConfigError: there is no such erasure, or its list is gone.
    """
    ledger = workspace.ledger
    erasure = ledger.erasure(erasure_id)
    if erasure is None:
        raise ConfigError(f"there is no erasure {erasure_id!r}; `guestlist erase --resume` finishes all that are open")
    if erasure.closed_at is not None:
        return State()
    listed = read_list(workspace, erasure)
    ledger.enter_steps(erasure_id)
    states = []
    for name, rows in groupby(ledger.steps(erasure_id), key=lambda row: str(row.segment)):
        if still_open := [row for row in rows if row.outcome is None]:
            states.append(_in_segment(workspace, name, still_open, listed, holder))
    if all(row.outcome for row in ledger.steps(erasure_id)):
        _close(workspace, erasure)
    waits = [state.wait for state in states if state.wait is not None]
    return State(max(waits, default=None), tuple(error for state in states for error in state.errors))


def _in_segment(workspace: Workspace, name: str, rows: Sequence[Row[Any]], listed: pl.DataFrame, holder: str) -> State:
    """Under the segment's lease: no run of it is under way meanwhile."""
    errors: list[GuestlistError] = []
    wait: float | None = None
    erased = erased_in(listed, name)
    try:
        workspace.ledger.take_lease(name, holder)
        segment = segment_of(workspace, name)
    except GuestlistError as error:
        return State(errors=tuple(_noted(workspace, row, error) for row in rows))
    try:
        for row in rows:
            try:
                progress = advance(Step(workspace, segment, row, erased, listed))
            except GuestlistError as error:
                errors.append(_noted(workspace, row, error))
            else:
                wait = wait if progress.done else max(wait or 0.0, progress.wait)
        if wait is None and not errors:
            scrub(workspace, name, erased)
    finally:
        workspace.ledger.drop_lease(name, holder)
    return State(wait, tuple(errors))


def _noted(workspace: Workspace, row: Row[Any], error: GuestlistError) -> GuestlistError:
    """Why a step is still open is kept with it."""
    workspace.ledger.set_step(row, reason=error.message)
    return error.at(segment=row.segment, destination=row.label)


def scrub(workspace: Workspace, segment: str, erased: Erased) -> None:
    """Take erased people out of all files of a segment but those of plans under way."""
    lake = workspace.lake
    for path in lake.files(segment):
        frame = lake.scan(path)
        schema = frame.collect_schema()
        folder, _, kind = path.rpartition("/")[0].rpartition("/")
        if MEMBER not in schema or workspace.ledger.is_under_way(folder) or workspace.ledger.is_under_way(f"{folder}/{kind}"):
            continue
        theirs = belongs(erased, schema)
        if frame.filter(theirs).limit(1).collect().is_empty():
            continue
        if kind in set(Operation):
            values = [name for name in schema if name != MEMBER]
            blank = [pl.when(~theirs).then(pl.col(name)).alias(name) for name in values]
            name = pl.when(theirs).then(pl.lit(ERASED)).otherwise(pl.col(MEMBER)).alias(MEMBER)
            lake.rewrite(path, frame.with_columns(*blank, name).collect())
        else:
            lake.rewrite(path, frame.filter(~theirs).collect())


def _close(workspace: Workspace, erasure: Row[Any]) -> None:
    """Write the receipt: what became of each audience, in counts and the platforms' own names."""
    audiences = [
        {name: getattr(row, name) for name in _TOLD} | {"at": row.at.isoformat() if row.at else None}
        for row in workspace.ledger.steps(erasure.id)
    ]
    workspace.ledger.close_erasure(erasure.id, {"list": erasure.list_digest, "audiences": audiences})


def verdict(workspace: Workspace, erasure_id: str, state: State) -> GuestlistError | None:
    """The error that keeps an erasure from ending well: what went wrong first, or what people have to do themselves."""
    if state.errors:
        return state.errors[0]
    left = [row for row in workspace.ledger.steps(erasure_id) if row.outcome in (BY_HAND, REFUSED, UNKNOWN)]
    told = "; ".join(f"{row.segment}, {row.label}: {row.reason}" for row in left)
    return RejectedError(f"not everybody could be taken off: {told}") if left else None
