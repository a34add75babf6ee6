"""``guestlist preview``: a few rows of the source, masked, with the keys that each platform would get and what is dropped."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from guestlist.cli.console import AsJson, SegmentName, show, show_json
from guestlist.cli.installation import segment_named, workspace
from guestlist.cli.tables import drop_tables
from guestlist.identity.masking import NOTHING


def preview(
    segment: SegmentName,
    *,
    rows: Annotated[int, typer.Option(min=1, max=100, help="Rows to show.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show masked rows with the keys that each platform would get."""
    from guestlist.runtime.samples import sample

    wanted = segment_named(segment)
    found = sample(workspace(), wanted, rows)
    if as_json:
        show_json(found)
        return
    for number, row in enumerate(found["rows"], start=1):
        show(_row_table(number, row, list(found["destinations"])))
    show(*drop_tables(found["drops"]))
    if wanted.suppress:
        show(Text("\nSuppression lists are not read for a preview; `guestlist plan` applies them.", style="yellow"))


def _row_table(number: int, row: dict[str, Any], labels: list[str]) -> Table:
    said = f"dropped: {row['dropped']}" if row["dropped"] else "kept"
    table = Table(title=Text(f"row {number}, {said}"), title_justify="left", title_style="red" if row["dropped"] else "bold")
    table.add_column("field")
    table.add_column("source")
    for label in labels:
        table.add_column(label, overflow="fold")
    table.add_column("dropped keys")
    for item in row["fields"]:
        reasons = ", ".join(dict.fromkeys(reason for reasons in item["dropped"].values() for reason in reasons))
        keys = ("\n".join(item["keys"].get(label, [])) or NOTHING for label in labels)
        source = "\n".join(f"{name}: {value}" for name, value in item["values"].items())
        table.add_row(item["field"], *map(Text, (source, *keys, reasons)))
    return table
