"""``guestlist check``: every connection of a segment tried for real, without changing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.text import Text

from guestlist.cli.console import AsJson, Only, SegmentName, show, show_json
from guestlist.cli.installation import labels_of, segment_named, workspace

if TYPE_CHECKING:
    from guestlist.runtime.sync.check import Checked


def check(segment: SegmentName, *, only: Only = None, as_json: AsJson = False) -> None:
    """Try the source and every platform for real: credentials, permission, terms, audience. Nothing is changed."""
    from guestlist.runtime.sync.check import check_segment

    wanted = segment_named(segment)
    checked = check_segment(workspace(), wanted, labels_of(wanted, only))
    if as_json:
        show_json({"segment": wanted.name, "ok": all(one.ok for one in checked), "checked": [one.as_json() for one in checked]})
    else:
        show(*map(_told, checked))
    if code := next((one.exit_code for one in checked if one.exit_code), 0):
        raise typer.Exit(code)


def _told(checked: Checked) -> Text:
    place = "" if checked.kind == checked.label else f" ({checked.kind}, connection {checked.connection})"
    told = Text.assemble(("ok  " if checked.ok else "bad ", "green" if checked.ok else "red"), f"{checked.label}{place}")
    for finding in checked.findings:
        told.append(f"\n    {finding.what}")
        if not finding.ok:
            told.append(f"\n      to mend: {finding.mend}")
    return told
