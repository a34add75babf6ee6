"""The life of an upload after it was received: begun by a run, ended by its report, and its files removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row

from guestlist.model.errors import ConfigError
from guestlist.model.report import RunReport
from guestlist.model.segment import Segment
from guestlist.model.source import Upload
from guestlist.runtime import clock
from guestlist.runtime.intake.audiences import find_intake, served
from guestlist.runtime.intake.kept import UPLOADS
from guestlist.runtime.wiring import Workspace

_LONGEST_TOLD = 1000
_UNLINKED = timedelta(days=1)
"""After which a file that no upload names is what a broken-off request has left."""


def run_of(upload_id: str) -> str:
    """The id of the DAG run of an upload: beginning it twice is the same run."""
    return f"intake__{upload_id}"


@dataclass(frozen=True)
class Due:
    """A run to begin: of which DAG, under which id, with which params. Beginning it twice is the same run."""

    dag_id: str
    run_id: str
    params: dict[str, Any]


def due(workspace: Workspace) -> list[Due]:
    """Runs for all uploads that are whole, whose turn it is, and with which no run has begun.

    One whose intake's file is broken, or gone, waits and holds up no other. A deletion that no destination can do is over.
    """
    found = []
    for row in workspace.ledger.due_uploads():
        with suppress(ConfigError):
            run = due_of(workspace, row, row.intake, row.destinations)
            if run.params["destinations"]:
                found.append(run)
            else:
                _end(workspace, row.id, "partial", _by_hand(row.destinations))
                workspace.ledger.mark_deleted(row.audience_id)
    return found


def due_of(workspace: Workspace, upload: Row[Any], intake: str, labels: list[str]) -> Due:
    """The run of an upload."""
    destinations = served(workspace, find_intake(workspace, intake), labels, upload.kind)
    return Due(intake, run_of(upload.id), {"upload": upload.id, "destinations": destinations})


def begun(workspace: Workspace, segment: Segment, run_id: str) -> None:
    """A run has begun with an upload, perhaps for another time."""
    if isinstance(segment.source, Upload):
        values = {"run_id": run_id, "state": "running", "outcome": None, "told": None, "ended_at": None}
        workspace.ledger.set_upload(segment.source.upload_id, **values)


def ended(workspace: Workspace, segment: Segment, report: RunReport, errors: Sequence[str] = ()) -> None:
    """A run has come to its end, with what its tasks have failed with; its files go where nobody needs them for another try."""
    from guestlist.runtime.sync.report import verdict  # brings Polars, which the API server has no use for

    if not isinstance(segment.source, Upload):
        return
    states = {destination.state for destination in report.destinations}
    sealed = states <= {"sealed"}
    outcome = "ready" if sealed else "partial" if states & {"sealed", "rejected"} else "failed"
    error = verdict(report)
    told = ("; ".join(errors) or str(error)) if error else None
    if segment.source.leaves and sealed:
        emptied = {destination.label for destination in report.destinations}
        if stay := [target.label for target in segment.destinations if target.label not in emptied]:
            outcome, told = "partial", _by_hand(stay)
        upload = workspace.ledger.upload(segment.source.upload_id)
        workspace.ledger.mark_deleted(upload.audience_id if upload else "")
    _clear(workspace, segment.source.upload_id, keep=not sealed)
    _end(workspace, segment.source.upload_id, outcome, told, rows_read=report.drops.read)


def _by_hand(labels: Sequence[str]) -> str:
    return f"{', '.join(labels)}: in this mode nobody is taken off there; delete the audience on the platform by hand"


def _end(workspace: Workspace, upload_id: str, outcome: str, told: str | None, **values: Any) -> None:
    values |= {"state": "ended", "outcome": outcome, "told": told and told[:_LONGEST_TOLD], "ended_at": clock.now()}
    workspace.ledger.set_upload(upload_id, **values)


def end_broken_off(workspace: Workspace, is_over: Callable[[str, str], bool]) -> int:
    """End uploads whose runs are over and never told what became of them, since others of their audience wait for them.

    A run that was killed whole, or marked by hand, has had no report. ``is_over`` tells so of a DAG's run, by both ids.
    Returns how many there were.
    """
    ended = 0
    for row in workspace.ledger.unfinished_uploads():
        run_id = row.run_id or run_of(row.id)
        if not is_over(row.intake, run_id):
            continue
        now = workspace.ledger.upload(row.id)  # its report may have come since
        if now is not None and now.state == row.state:
            _end(workspace, row.id, "failed", f"its run was broken off: clear the run {run_id} of {row.intake}, or push again")
            ended += 1
    return ended


def sweep(workspace: Workspace) -> int:
    """Remove the files of uploads that are over, and what broken-off requests have left. Returns how many uploads went."""
    over = workspace.ledger.uploads_over(clock.now() - workspace.config.retention)
    for upload in over:
        if not upload.ended_at:
            never = "its file never came within the time for it" if upload.state == "waiting" else "it was for no audience"
            told = upload.told or never
            workspace.ledger.set_upload(upload.id, state="expired", outcome="failed", told=told, ended_at=clock.now())
        _clear(workspace, upload.id, keep=False)
    workspace.keeper.remove_unlinked(workspace.ledger.paths_of_uploads(), clock.now() - _UNLINKED)
    return len(over)


def _clear(workspace: Workspace, upload_id: str, *, keep: bool) -> None:
    if not keep:
        workspace.lake.remove(f"{UPLOADS}/{upload_id}")
        workspace.ledger.set_upload(upload_id, cleared_at=clock.now())
