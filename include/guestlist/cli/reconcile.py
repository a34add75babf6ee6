"""``guestlist reconcile``: what the platforms say of the audiences, held against what was sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from guestlist.cli.console import AsJson, show, show_json, tell
from guestlist.cli.installation import all_audiences, segment_named, workspace

if TYPE_CHECKING:
    from guestlist.runtime.upkeep.reconcile import Reconciled

_STYLES = {"expected": "green", "untold": "dim", "drift": "yellow", "broken": "red"}


def reconcile(
    segment: Annotated[str | None, typer.Argument(metavar="SEGMENT", help="One segment; all if none is given.")] = None,
    *,
    due: Annotated[bool, typer.Option("--due", help="Only where a checkpoint has come, as the DAG does every hour.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the platforms for size, match rate and status of the audiences, and tell what is not as it was left."""
    from guestlist.runtime.upkeep.reconcile import reconcile as look
    from guestlist.runtime.upkeep.reconcile import trouble

    done = look(workspace(), [segment_named(segment)] if segment else all_audiences(), only_due=due)
    if as_json:
        show_json({"audiences": [one.as_json() for one in done.found], "errors": [str(error) for error in done.errors]})
    elif done.found:
        show(_table(list(done.found)), *(_finding(one) for one in done.found if one.told))
    else:
        show(Text("nothing to ask: nothing was sent yet, or no checkpoint has come"))
    error = trouble(done)
    for other in done.errors:
        if other is not error:
            tell(str(other), style="red")
    if error:
        raise error


def verdict(name: str) -> Text:
    """A verdict in its colour."""
    return Text(name, style=_STYLES.get(name, "red"))


def _table(found: list[Reconciled]) -> RenderableType:
    table = Table()
    for name in ("segment", "destination", "audience", "members", "size", "match rate", "status", ""):
        table.add_column(name, justify="right" if name in ("members", "size") else "left")
    for one in found:
        members = "-" if one.members is None else f"{one.members:,}"
        facts = (one.segment, one.label, one.audience, members, one.size or "-", one.match_rate or "-", one.status or "-")
        table.add_row(*map(Text, facts), verdict(one.verdict))
    return table


def _finding(one: Reconciled) -> Text:
    return Text.assemble(verdict(one.verdict), f" {one.segment}, {one.label}: {one.told}")
