"""``guestlist sync``: a whole run in this process, without Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from guestlist.cli.console import AsJson, Only, SegmentName, show, show_json, tell
from guestlist.cli.installation import labels_of, person, run_name, segment_named, workspace
from guestlist.cli.leases import Lease
from guestlist.cli.plan import FullResend, plans_of, present
from guestlist.cli.progress import Bars
from guestlist.cli.tables import report_table
from guestlist.model.errors import GuestlistError, SafetyStop

if TYPE_CHECKING:
    from guestlist.model.report import RunReport
    from guestlist.model.segment import Segment
    from guestlist.runtime.sync.run import RunOptions
    from guestlist.runtime.wiring import Workspace


def sync(
    segment: SegmentName,
    *,
    only: Only = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Stop before anything is sent.")] = False,
    full_resend: FullResend = False,
    approve: Annotated[
        bool, typer.Option("--approve", help="Go on although a guard is breached; kept with your name.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a segment from its source to its report, without Airflow."""
    from guestlist.runtime.sync.plan import PlanOptions
    from guestlist.runtime.sync.run import RunOptions

    wanted = segment_named(segment)
    labels = labels_of(wanted, only)
    options = RunOptions(
        plan=PlanOptions(dry_run=dry_run, full_resend=full_resend),
        labels=labels,
        approved_by=person() if approve else None,
    )
    here = workspace()
    lease = Lease(here, wanted.name)
    bars = Bars(lease.beat)
    here.sleep = bars.sleep
    with lease.held():
        run_id, report, error = _run(here, wanted, options, bars)
    if dry_run and not error:
        present(plans_of(here, wanted, run_id, labels, report.as_json()["drops"]), as_json=as_json)
    else:
        _present(report, error, as_json=as_json)


def _run(here: Workspace, segment: Segment, options: RunOptions, bars: Bars) -> tuple[str, RunReport, GuestlistError | None]:
    """A run and its report, also of one that an error ended half way. A run that breaks off is entered as failed.

    A plan that a guard stopped and that somebody has approved since is sent as it is: the source is not read again.
    """
    from guestlist.runtime.sync import approved_run
    from guestlist.runtime.sync.report import report_run
    from guestlist.runtime.sync.run import run_segment, serve

    approved = None if options.plan.dry_run else approved_run(here, segment, options.labels, options.plan)
    run_id = approved[0] if approved else run_name("cli")
    ended = False
    try:
        with bars:
            if approved:
                tell(f"goes on with what was approved of {run_id}; the source is not read again")
                report = serve(here, segment, run_id, approved[1], options, bars.watch)
            else:
                report = run_segment(here, segment, run_id, options, bars.watch)
        failure = None
        ended = True
    except GuestlistError as error:
        if here.ledger.run(segment.name, run_id) is None:  # it has not even read its source
            raise
        report, failure = report_run(here, segment, run_id, labels=options.labels), error
        ended = True
    finally:
        if not ended:
            here.ledger.end_run(segment.name, run_id, "failed", None)
    return run_id, report, failure


def _present(report: RunReport, error: GuestlistError | None, *, as_json: bool) -> None:
    from guestlist.runtime.sync.report import verdict

    data = report.as_json()
    if as_json:
        show_json(data)
    else:
        show(report_table(data))
    if error := error or _stopped(data) or verdict(report):
        raise error


def _stopped(report: dict[str, Any]) -> GuestlistError | None:
    if report["state"] != "stopped":
        return None
    told = "; ".join(
        f"{item['label']}: {', '.join(item['breaches'])}" for item in report["destinations"] if item["state"] == "stopped"
    )
    return SafetyStop(
        f"nothing was sent to {told}. `guestlist approve {report['segment']}`, or --approve, lets it pass",
        segment=report["segment"],
    )
