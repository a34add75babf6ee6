"""Opt-outs: how long it took from the first run that learned of one to the platform's word that the member is off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from statistics import median
from typing import Any

import polars as pl
from sqlalchemy import Row

from guestlist.model.plan import Plan
from guestlist.model.report import OptOuts
from guestlist.model.vocabulary import Mode, Operation
from guestlist.pipeline.audience import MEMBER
from guestlist.pipeline.members import OUTCOME, Outcome
from guestlist.runtime.layout import gone_file
from guestlist.runtime.ledger import SessionRow
from guestlist.runtime.ledger.rows import aware
from guestlist.runtime.sync.held import member_outcomes
from guestlist.runtime.wiring import Workspace


def measure(workspace: Workspace, plans: Sequence[int]) -> OptOuts | None:
    """What the receipts of plans say, the oldest first, all since the last generation; None where nobody was taken off.

    Who left for whatever reason counts: consent withdrawn, suppressed, held out, or not in the source any more; in mode
    remove whoever was to be taken off.
    """
    seconds: list[float] = []
    for plan_id in plans:
        settled = [session for session in workspace.ledger.sessions(plan_id) if session.state == "settled"]
        plan = workspace.plan(plan_id) if settled else None  # one of which nothing was sent may have been pruned
        run = workspace.ledger.run(plan.segment, plan.run_id) if plan else None
        if plan is None or run is None:  # an erasure has no run, and receipts of its own
            continue
        for session in settled:
            _, ended = workspace.ledger.session_times(session.id)
            learned = _learned(workspace, plan, run, _taken_off(workspace, plan, session))
            seconds += [(aware(ended) - moment).total_seconds() for moment in learned if ended]
    return OptOuts(len(seconds), median(seconds), max(seconds)) if seconds else None


def _taken_off(workspace: Workspace, plan: Plan, session: SessionRow) -> set[str]:
    """Those who were to go and surely went: their keys were removed, or everybody else was sent in their place."""
    gone = workspace.lake.scan(gone_file(plan.path)).select(MEMBER).collect()
    if session.operation is Operation.ADD or (gone.is_empty() and plan.mode is not Mode.REMOVE):
        return set()
    outcomes = member_outcomes(workspace, plan.path, session)
    sure = outcomes.filter(pl.col(OUTCOME) == Outcome.SURE.value)
    if session.operation is Operation.REMOVE:
        off = sure if plan.mode is Mode.REMOVE else sure.join(gone, on=MEMBER, how="semi")
        return set(off.get_column(MEMBER))
    return set(gone.get_column(MEMBER)) if sure.height == outcomes.height else set()


def _learned(workspace: Workspace, plan: Plan, run: Row[Any], off: set[str]) -> list[datetime]:
    """For each of them when the first of the runs in a row that said the same of it had prepared its members."""
    learned, waiting = dict.fromkeys(off, aware(run.started_at)), set(off)
    for earlier in workspace.ledger.runs_since_sealed(plan.segment, plan.label, run.started_at):
        if not waiting or not workspace.lake.parts(earlier.prepared_path):
            break
        asked = pl.LazyFrame({MEMBER: sorted(waiting)})
        there = workspace.lake.scan(earlier.prepared_path).select(MEMBER).join(asked, on=MEMBER, how="semi")
        had = set(there.collect(engine="streaming").get_column(MEMBER))
        waiting = waiting & had if plan.mode is Mode.REMOVE else waiting - had
        learned |= dict.fromkeys(waiting, aware(earlier.started_at))
    return list(learned.values())
