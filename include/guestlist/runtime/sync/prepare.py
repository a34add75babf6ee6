"""Prepare: a run's members, read from the source, in the lake, and the run in the ledger."""

from __future__ import annotations

from guestlist.model.segment import Segment
from guestlist.runtime.erasure.listed import erased_of
from guestlist.runtime.preparation import Prepared, Progress, new_folder, prepare_into
from guestlist.runtime.wiring import Workspace


def prepare(workspace: Workspace, segment: Segment, run_id: str, progress: Progress = lambda _rows: None) -> Prepared:
    """Read and prepare a segment's members, and enter the run in the ledger.

    Raises:
        DataError: the source is missing, broken or empty. ConfigError: its connection is.
    """
    lake = workspace.lake_for(segment)
    folder = new_folder(segment, run_id)
    erased = erased_of(workspace, segment.name)
    prepared = prepare_into(workspace, segment, lake, folder, progress, erased)
    workspace.ledger.begin_run(segment.name, run_id, prepared.path, prepared.drops.as_json())
    return prepared
