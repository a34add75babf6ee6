"""A whole run in one process, without Airflow: the verbs in the order in which the DAG runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from guestlist.model.errors import GuestlistError, SafetyStop
from guestlist.model.report import RunReport
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Operation
from guestlist.runtime import clock
from guestlist.runtime.sync.approval import check_guards
from guestlist.runtime.sync.builds import await_builds
from guestlist.runtime.sync.deliver import Progress, close_and_poll, find_audience, leftovers, open_session, send_part
from guestlist.runtime.sync.plan import DEFAULTS, PlanOptions, make_plan, unfinished_plan
from guestlist.runtime.sync.prepare import prepare
from guestlist.runtime.sync.report import report_run
from guestlist.runtime.sync.seal import seal
from guestlist.runtime.sync.tidy import tidy
from guestlist.runtime.wiring import Workspace

PHASES = (Operation.REMOVE, Operation.ADD, Operation.REPLACE)
"""Removals have settled before additions start: some platforms reorder what is under way at the same time."""


@dataclass(frozen=True)
class Watch:
    """Told how a run goes: the rows read so far; a destination's phase and the rows it will send; the rows just answered."""

    read: Callable[[int], None] = lambda _rows: None
    phase: Callable[[str, str, int], None] = lambda _label, _phase, _rows: None
    sent: Callable[[str, int], None] = lambda _label, _rows: None


SILENT = Watch()


@dataclass(frozen=True)
class RunOptions:
    """What a person may ask of a run. ``labels`` are the destinations to serve, empty for all."""

    plan: PlanOptions = DEFAULTS
    labels: Sequence[str] = ()
    approved_by: str | None = None


EVERYTHING = RunOptions()


def run_segment(
    workspace: Workspace, segment: Segment, run_id: str, options: RunOptions = EVERYTHING, watch: Watch = SILENT
) -> RunReport:
    """Run a segment from its source to its report.

    Each destination is served by itself: what stops one of them does not keep the others from being served. What has no
    receipt at the end is sent by the next run.

    Raises:
        GuestlistError: the first that kept a destination from its end, once all were tried and the run was reported.
    """
    for label in options.labels:
        segment.destination(label)
    began = clock.now()
    _wait(workspace, lambda: await_builds(workspace, segment, began)[0])
    prepare(workspace, segment, run_id, watch.read)
    served = [target.label for target in segment.destinations if not options.labels or target.label in options.labels]
    return serve(workspace, segment, run_id, served, options, watch)


def serve(
    workspace: Workspace, segment: Segment, run_id: str, labels: Sequence[str], options: RunOptions, watch: Watch = SILENT
) -> RunReport:
    """Plan and deliver some destinations of a run whose members are prepared, and report it.

    Raises:
        GuestlistError: as `run_segment`.
    """
    errors = []
    for label in labels:
        try:
            _serve(workspace, segment, run_id, label, options, watch)
        except GuestlistError as error:
            errors.append(error.at(segment=segment.name, destination=label))
    report = report_run(workspace, segment, run_id, labels=options.labels)
    tidy(workspace, segment)
    if errors:
        raise errors[0]
    return report


def _serve(workspace: Workspace, segment: Segment, run_id: str, label: str, options: RunOptions, watch: Watch) -> None:
    watch.phase(label, "plan", 0)
    if not options.plan.dry_run:
        find_audience(workspace, segment, label)
    keep = unfinished_plan(workspace, segment, run_id, label, options.plan)
    _wait(workspace, lambda: leftovers(workspace, segment, label, keep))
    plan_id = make_plan(workspace, segment, run_id, label, options.plan)
    if options.plan.dry_run:
        return
    plan = workspace.plan(plan_id)
    try:
        check_guards(workspace, plan_id, plan, approved_by=options.approved_by)
    except SafetyStop:
        return  # the report tells
    for operation in PHASES:
        upload = plan.upload(operation)
        if upload is None:
            continue
        watch.phase(label, operation.value, upload.rows)
        for part in range(open_session(workspace, segment, plan_id, operation)):
            send_part(workspace, segment, plan_id, operation, part, lambda rows, _rejected: watch.sent(label, rows))
        watch.phase(label, "settle", 0)
        _wait(workspace, lambda operation=operation: close_and_poll(workspace, segment, plan_id, operation))  # type: ignore[misc]
    seal(workspace, segment, plan_id)


def _wait(workspace: Workspace, ask: Callable[[], Progress]) -> None:
    while not (progress := ask()).done:
        workspace.sleep(progress.wait)
