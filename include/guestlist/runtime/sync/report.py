"""Report: what a run did, from receipts only; and whether it may end green."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from typing import Any

from guestlist.model.audiences import AudienceState
from guestlist.model.errors import GuestlistError, RejectedError, SafetyStop, TransientError, Unconfirmed
from guestlist.model.plan import Counts, Drops
from guestlist.model.report import DestinationReport, OptOuts, RunReport, lost
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Operation
from guestlist.pipeline.members import OUTCOME, Outcome
from guestlist.runtime.ledger import SessionRow
from guestlist.runtime.storage import on_storage
from guestlist.runtime.sync.held import RECORDED, member_outcomes, row_outcomes
from guestlist.runtime.wiring import Workspace


@on_storage
def report_run(workspace: Workspace, segment: Segment, run_id: str, *, labels: Sequence[str] = ()) -> RunReport:
    """What a run did for the destinations that it served (all where ``labels`` is empty), kept in the ledger.

    The platforms are asked for size and match rate, without which the report is as good.
    """
    run = workspace.ledger.run(segment.name, run_id)
    drops = Drops(**run.drops) if run is not None and run.drops else Drops()
    served = [target.label for target in segment.destinations if not labels or target.label in labels]
    reports = [_destination(workspace, segment, run_id, label) for label in served]
    for report in reports:
        if report.state == "sealed":
            state = _ask(workspace, segment, report.label)
            report.size, report.match_rate = state.size, report.match_rate or state.match_rate
        _judge(report, segment)
    result = RunReport(segment.name, run_id, drops, reports)
    if run is not None:
        workspace.ledger.end_run(segment.name, run_id, result.state, result.as_json())
    return result


@on_storage
def destination_counts(workspace: Workspace, segment: Segment, run_id: str, label: str) -> dict[str, Any]:
    """What a run did to one audience so far, as plain JSON."""
    report = _destination(workspace, segment, run_id, label)
    _judge(report, segment)
    return asdict(report)


def _destination(workspace: Workspace, segment: Segment, run_id: str, label: str) -> DestinationReport:
    target = segment.destination(label)
    plans = workspace.ledger.plans_of_run(segment.name, label, run_id)
    report = DestinationReport(label, target.platform, target.audience, "failed")
    if not plans:
        return report
    row = plans[0]
    counts = Counts(**row.counts)
    report.wanted, report.held = counts.wanted, counts.held
    report.without_key, report.without_value = counts.without_key, counts.without_value
    plan = workspace.plan(row.id)
    report.breaches = [str(breach) for breach in plan.breaches]
    audience = workspace.ledger.audience(segment.name, label)
    report.url = audience.url if audience else None
    if row.dry:
        report.state = "dry"
        return report
    sessions = workspace.ledger.sessions(row.id)
    for session in sessions:
        _count_session(workspace, row.path, session, report)
    recorded = RECORDED[plan.mode]
    for session in sessions:
        outcomes = member_outcomes(workspace, row.path, session)
        sure = outcomes.filter(outcomes[OUTCOME] == Outcome.SURE.value).height
        if session.operation is recorded:
            report.added = sure
            report.renewed = min(counts.renewed, sure)
        else:
            report.removed = sure
    report.added -= report.renewed
    if recorded is Operation.REMOVE:
        report.removed, report.added = report.added, 0
    _name_state(workspace, segment, row, sessions, report)
    return report


def _count_session(workspace: Workspace, folder: str, session: SessionRow, report: DestinationReport) -> None:
    """Rows by what became of them; planned = accepted + rejected + unconfirmed + unsent."""
    counts: Mapping[str, int] = dict(row_outcomes(workspace, folder, session).group_by(OUTCOME).len().iter_rows())
    report.rows_planned += session.rows
    report.rows_accepted += counts.get(Outcome.SURE, 0)
    report.unsent += counts.get(Outcome.UNSENT, 0)
    report.unconfirmed += counts.get(Outcome.UNSURE, 0)
    for batch in workspace.ledger.batches(session.id):
        report.batches += 1
        report.requests += batch.requests
        for reason in batch.rejected.values():
            report.rejected[reason] = report.rejected.get(reason, 0) + 1
    named = sum(counts.values()) - sum(counts.get(kind, 0) for kind in (Outcome.SURE, Outcome.UNSENT, Outcome.UNSURE))
    if sum(counts.values()) != session.rows or named != counts.get(Outcome.REJECTED, 0):
        raise AssertionError(f"rows vanished: {session.rows} planned, {dict(counts)}")
    for reason, count in session.rejected_later.items():  # refused after they were taken, without names
        moved = min(count, report.unconfirmed)
        report.rejected[reason] = report.rejected.get(reason, 0) + count
        report.unconfirmed -= moved
    report.requests += session.requests
    report.match_rate = session.match_rate or report.match_rate
    opened, settled = workspace.ledger.session_times(session.id)
    report.seconds += _between(opened, settled)
    report.waited += _between(session.closed_at, settled)


def _between(since: datetime | None, until: datetime | None) -> float:
    """Seconds; none where either has not come."""
    return round((until - since).total_seconds(), 2) if since and until else 0.0


def _name_state(
    workspace: Workspace, segment: Segment, row: Any, sessions: list[SessionRow], report: DestinationReport
) -> None:
    sealed = workspace.ledger.generation(segment.name, report.label)
    if row.state == "sealed" and sealed is not None and sealed.plan_id == row.id:
        report.state, report.generation, report.members = "sealed", sealed.number, sealed.members
        took = workspace.ledger.opt_outs(row.id)
        report.opt_outs = OptOuts(took.members, took.median_seconds, took.worst_seconds) if took else None
    elif report.breaches and all(session.state == "planned" for session in sessions):
        report.state = "stopped"
    elif report.unsent or not sessions:
        report.state = "unsent"
    else:
        report.state = "unconfirmed"


def _judge(report: DestinationReport, segment: Segment) -> None:
    """A sealed audience that lost rows is not green."""
    lost = sum(report.rejected.values()) + report.unconfirmed + report.unsent
    if report.state == "sealed" and lost > segment.guards.max_rejected.limit(report.rows_planned):
        report.state = "rejected"


def _ask(workspace: Workspace, segment: Segment, label: str) -> AudienceState:
    audience = workspace.ledger.audience(segment.name, label)
    if audience is None:
        return AudienceState()
    ready = workspace.ready(segment, label)
    try:
        with closing(ready):
            return ready.driver.run(ready.destination.describe(audience))
    except GuestlistError:
        return AudienceState()  # the size is a courtesy: a run that delivered is not failed for want of it


_VERDICTS = {"stopped": SafetyStop, "unconfirmed": Unconfirmed, "rejected": RejectedError}
"""What a run's state means to the person who reads it; the other states are passed on to the next run."""


def verdict(report: RunReport) -> GuestlistError | None:
    """The error that keeps a run from ending green, naming every destination that is not in step."""
    troubled = [destination for destination in report.destinations if destination.state not in ("sealed", "dry")]
    if not troubled:
        return None
    told = "; ".join(f"{item.label} is {item.state}{lost(item)}" for item in troubled)
    kind = _VERDICTS.get(report.state, TransientError)
    return kind(f"not every audience is in step: {told}", segment=report.segment)
