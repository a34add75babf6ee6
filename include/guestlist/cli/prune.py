"""``guestlist prune``: what nothing needs any more leaves the lake."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from guestlist.cli.console import AsJson, show, show_json
from guestlist.cli.installation import workspace

if TYPE_CHECKING:
    from guestlist.runtime.upkeep.stored import Stored

_UNITS = ("B", "kB", "MB", "GB", "TB")


def prune(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go; remove nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove what is older than GUESTLIST_RETENTION_DAYS and not needed from the lake; the ledger keeps its history."""
    from guestlist.runtime.upkeep.prune import prune as prune_lake

    here = workspace()
    gone = prune_lake(here, dry_run=dry_run)
    if as_json:
        removed = [{"path": one.path, "files": one.files, "bytes": one.bytes} for one in gone]
        show_json({"dry_run": dry_run, "retention_days": here.config.retention.days, "removed": removed})
    else:
        show(*_told(gone, dry_run=dry_run))


def _told(gone: list[Stored], *, dry_run: bool) -> tuple[Any, ...]:
    """A line for each segment, in numbers."""
    what = "would go" if dry_run else "removed"
    if not gone:
        return (Text(f"nothing {what}: everything is needed, or younger than the retention"),)
    table = Table()
    for name in ("segment", "runs", "plans", "generations", "files", "size"):
        table.add_column(name, justify="left" if name == "segment" else "right")
    for segment in sorted({_segment(one) for one in gone}):
        theirs = [one for one in gone if _segment(one) == segment]
        kinds = Counter(one.path.split("/")[1] for one in theirs)
        counts = [*(kinds[kind] for kind in ("runs", "plans", "generations")), sum(one.files for one in theirs)]
        table.add_row(Text(segment), *(f"{count:,}" for count in counts), _size(sum(one.bytes for one in theirs)))
    return (Text(f"{what}:"), table)


def _segment(one: Stored) -> str:
    return one.path.split("/")[0]


def _size(count: float) -> str:
    for unit in _UNITS[:-1]:
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.0f} {_UNITS[-1]}"
