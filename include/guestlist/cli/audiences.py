"""``guestlist audiences``: every audience, and who keeps it; those that nobody keeps any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from guestlist.cli.console import AsJson, show, show_json, tell
from guestlist.cli.installation import all_audiences, workspace

if TYPE_CHECKING:
    from guestlist.runtime.upkeep.audiences import Listed

_MEANING = {
    "no file": "no segment file names it any more; it keeps its people until somebody deletes it on the platform",
    "left": "its destination has another audience now; delete it on the platform unless somebody uses it",
    "replaced": "an earlier build; delete it on the platform unless somebody uses it",
    "unknown": "Guestlist made it, and not with this ledger: another installation's, or a lost ledger's",
}


def audiences(
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Only what the ledger knows; no platform is asked.")] = False,
    as_json: AsJson = False,
) -> None:
    """List all audiences, and which of them no segment keeps any more. Nothing is changed."""
    from guestlist.runtime.upkeep.audiences import list_audiences

    listing = list_audiences(workspace(), all_audiences(), ask=not offline)
    if as_json:
        errors = [str(error) for error in listing.errors]
        show_json({"audiences": [one.as_json() for one in listing.audiences], "errors": errors})
    else:
        show(_table(list(listing.audiences)), *_meanings(list(listing.audiences)))
    for error in listing.errors[1:] if not as_json else ():
        tell(str(error), style="red")
    if listing.errors:
        raise listing.errors[0]


def _table(found: list[Listed]) -> RenderableType:
    table = Table()
    for name in ("audience", "platform", "connection", "id", "segment", "kept by"):
        table.add_column(name, overflow="fold")
    for one in found:
        segment = f"{one.segment}, {one.label}" if one.segment else one.mark or "-"
        keeper = Text(one.keeper.value, style="yellow" if one.orphaned else "green")
        table.add_row(*map(Text, (one.name, one.platform, one.connection, one.id, segment)), keeper)
    return table


def _meanings(found: list[Listed]) -> list[Text]:
    there = dict.fromkeys(one.keeper.value for one in found if one.orphaned)
    return [Text.assemble((name, "yellow"), f": {_MEANING[name]}") for name in there]
