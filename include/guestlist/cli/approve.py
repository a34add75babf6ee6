"""``guestlist approve``: look at the plans that a guard stopped, and decide; the ledger keeps who did, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from guestlist.cli.console import SegmentName, show, tell
from guestlist.cli.installation import labels_of, person, segment_named, workspace
from guestlist.cli.tables import by_destination
from guestlist.model.errors import ConfigError

if TYPE_CHECKING:
    from guestlist.runtime.sync import Sample
    from guestlist.runtime.sync.approval import Waiting

Destinations = Annotated[
    list[str] | None,
    typer.Option("--destination", metavar="LABEL", help="Only this destination; may be given several times."),
]


def approve(
    segment: SegmentName,
    *,
    destination: Destinations = None,
    reject: Annotated[bool, typer.Option("--reject", help="Reject the plans instead.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Decide without being asked.")] = False,
) -> None:
    """Show what a guard stopped, and approve or reject it."""
    from guestlist.runtime import sync

    wanted = segment_named(segment)
    here = workspace()
    waiting = sync.waiting_plans(here, wanted, labels_of(wanted, destination))
    if not waiting:
        raise ConfigError("no plan waits for a decision: no guard has stopped the last run", segment=wanted.name)
    columns = [(one.plan.label, _facts(one)) for one in waiting]
    show(*by_destination(f"{wanted.name}  stopped by a guard", columns))
    for one in waiting:
        show(*(Text(f"{one.plan.label}: {breach}", style="red") for breach in one.plan.breaches))
        show(*_sampled(one.plan.label, sync.sample_of(here, wanted, one.plan)))
    verb = "Reject" if reject else "Approve"
    if not yes and not typer.confirm(f"{verb} {' and '.join(one.plan.label for one in waiting)}?", err=True):
        tell("nothing was decided")
        raise typer.Exit(5)
    for one in waiting:
        here.ledger.decide(one.id, sync.REJECT if reject else sync.APPROVE, person())
    tell(_next(wanted.name, rejected=reject))


def _next(segment: str, *, rejected: bool) -> str:
    if rejected:
        return "rejected: nothing is sent; a task of Airflow that waits for it fails within seconds"
    return f"approved: a task of Airflow that waits for it goes on within seconds; otherwise run `guestlist sync {segment}`"


def _facts(one: Waiting) -> dict[str, str | Text]:
    from guestlist.runtime.sync import numbers

    counts = {name: f"{count:,}" for name, count in numbers(one.plan).items()}
    return {"plan": str(one.id), "run": one.plan.run_id, **counts, "decided": one.decided or "not yet"}


def _sampled(label: str, sample: Sample) -> list[Any]:
    parts: list[Any] = []
    if sample.groups:
        table = Table(title=Text(f"{label}, by what is known of people"), title_justify="left")
        for name in ("", "known by", "country"):
            table.add_column(name)
        table.add_column("people", justify="right")
        for group in sample.groups:
            table.add_row(group.movement, Text(group.known_by), Text(group.country), f"{group.people:,}")
        parts.append(table)
    if sample.changed:
        parts.append(Text("what changes: " + ", ".join(f"{name} of {count:,}" for name, count in sample.changed.items())))
    return parts
