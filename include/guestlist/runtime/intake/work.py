"""The life of an upload after it was received: begun by a run, ended by its report, and its files removed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row

from guestlist.model.segment import Segment
from guestlist.model.source import Upload
from guestlist.runtime import clock
from guestlist.runtime.intake.audiences import find_intake, served
from guestlist.runtime.intake.kept import UPLOADS
from guestlist.runtime.intake.state import run_of
from guestlist.runtime.sync.report import RunReport, verdict
from guestlist.runtime.wiring import Workspace

_LONGEST_TOLD = 1000
_UNLINKED = timedelta(days=1)
"""After which a file that no upload names is what a broken-off request has left."""


@dataclass(frozen=True)
class Due:
    """A run to begin: of which DAG, under which id, with which params. Beginning it twice is the same run."""

    dag_id: str
    run_id: str
    params: dict[str, Any]


def due(workspace: Workspace) -> list[Due]:
    """Runs for all uploads that are whole, whose turn it is, and with which no run has begun."""
    return [due_of(workspace, row, row.intake, row.destinations) for row in workspace.ledger.due_uploads()]


def due_of(workspace: Workspace, upload: Row[Any], intake: str, labels: list[str]) -> Due:
    """The run of an upload."""
    destinations = served(workspace, find_intake(workspace, intake), labels, upload.kind)
    return Due(intake, run_of(upload), {"upload": upload.id, "destinations": destinations})


def begun(workspace: Workspace, segment: Segment) -> None:
    """A run has begun with an upload."""
    if isinstance(segment.source, Upload):
        workspace.ledger.set_upload(segment.source.upload_id, state="running", outcome=None, told=None, ended_at=None)


def ended(workspace: Workspace, segment: Segment, report: RunReport) -> None:
    """A run has come to its end; files are removed at once where nobody needs them for another try."""
    if not isinstance(segment.source, Upload):
        return
    states = {destination.state for destination in report.destinations}
    outcome = "ready" if states <= {"sealed"} else "partial" if states & {"sealed", "rejected"} else "failed"
    error = verdict(report)
    before = workspace.ledger.upload(segment.source.upload_id)
    told = (before.told if before else None) or (str(error)[:_LONGEST_TOLD] if error else None)
    _clear(workspace, segment.source.upload_id, keep=outcome != "ready")
    workspace.ledger.set_upload(
        segment.source.upload_id, state="ended", outcome=outcome, told=told, ended_at=clock.now(), rows_read=report.drops.read
    )
    if segment.source.leaves and outcome == "ready":
        upload = workspace.ledger.upload(segment.source.upload_id)
        workspace.ledger.mark_deleted(upload.audience_id if upload else "")


def failing(workspace: Workspace, segment: Segment, error: Exception) -> None:
    """Keep why an upload cannot be read, for whoever asks after it."""
    if isinstance(segment.source, Upload):
        workspace.ledger.set_upload(segment.source.upload_id, told=str(error)[:_LONGEST_TOLD])


def sweep(workspace: Workspace) -> int:
    """Remove the files of uploads that are over, and what broken-off requests have left. Returns how many uploads went."""
    over = workspace.ledger.uploads_over(clock.now() - workspace.config.retention)
    for upload in over:
        if upload.state == "waiting":
            told = "its file never came within the time for it"
            workspace.ledger.set_upload(upload.id, state="expired", outcome="failed", told=told, ended_at=clock.now())
        _clear(workspace, upload.id, keep=False)
    workspace.keeper.remove_unlinked(workspace.ledger.paths_of_uploads(), clock.now() - _UNLINKED)
    return len(over)


def _clear(workspace: Workspace, upload_id: str, *, keep: bool) -> None:
    if not keep:
        workspace.lake.remove(f"{UPLOADS}/{upload_id}")
        workspace.ledger.set_upload(upload_id, cleared_at=clock.now())
