"""``guestlist plan``: what a run would send, worked out by the run's own code; no platform is asked."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from guestlist.cli.console import AsJson, Only, SegmentName, show, show_json
from guestlist.cli.installation import labels_of, run_name, segment_named, workspace
from guestlist.cli.progress import Bars
from guestlist.cli.tables import plan_table
from guestlist.model.errors import SafetyStop

if TYPE_CHECKING:
    from guestlist.model.plan import Plan
    from guestlist.model.segment import Segment
    from guestlist.runtime.wiring import Workspace

FullResend = Annotated[bool, typer.Option("--full-resend", help="Send every member again, whatever the platform holds.")]


def plan(segment: SegmentName, *, only: Only = None, full_resend: FullResend = False, as_json: AsJson = False) -> None:
    """Show what a run would send; nothing is sent and no platform is contacted."""
    from guestlist.runtime.sync import PlanOptions, make_plan, prepare

    wanted = segment_named(segment)
    labels = labels_of(wanted, only)
    here = workspace()
    run_id = run_name("plan")
    with Bars() as bars:
        prepared = prepare(here, wanted, run_id, bars.read)
        for label in labels:
            bars.phase(label, "plan", 0)
            make_plan(here, wanted, run_id, label, PlanOptions(dry_run=True, full_resend=full_resend))
    found = plans_of(here, wanted, run_id, labels, prepared.drops.as_json())
    here.ledger.end_run(wanted.name, run_id, "dry", found)
    present(found, as_json=as_json)


def present(found: dict[str, Any], *, as_json: bool) -> None:
    """Print plans, and stop where a guard would."""
    if as_json:
        show_json(found)
    else:
        show(plan_table(found))
    breached = [f"{item['label']}: {breach}" for item in found["destinations"] for breach in item["breaches"]]
    if breached:
        raise SafetyStop(f"a run would be stopped: {'; '.join(breached)}", segment=found["segment"])


def plans_of(here: Workspace, segment: Segment, run_id: str, labels: list[str], drops: dict[str, Any]) -> dict[str, Any]:
    """The newest plan of each destination as JSON: names and counts."""
    plans = [here.plan(here.ledger.plans_of_run(segment.name, label, run_id)[0].id) for label in labels]
    destinations = [_summary(segment, one) for one in plans]
    return {"segment": segment.name, "run_id": run_id, "state": "dry", "drops": drops, "destinations": destinations}


def _summary(segment: Segment, one: Plan) -> dict[str, Any]:
    target = segment.destination(one.label)
    uploads = [
        {"operation": item.operation.value, "members": item.members, "rows": item.rows, "batches": len(item.cuts)}
        for item in one.uploads
    ]
    return {
        "label": one.label,
        "platform": target.platform,
        "audience": target.audience,
        "mode": one.mode.value,
        "counts": asdict(one.counts),
        "uploads": uploads,
        "breaches": [str(breach) for breach in one.breaches],
    }
