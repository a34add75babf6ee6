"""Tidy: what a platform needs in plain text is kept, encrypted, until the run is sealed and no longer."""

from __future__ import annotations

from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Operation
from guestlist.pipeline.audience import MEMBER
from guestlist.runtime.lake import Lake
from guestlist.runtime.layout import members_folder
from guestlist.runtime.storage import on_storage
from guestlist.runtime.wiring import Workspace


@on_storage
def tidy(workspace: Workspace, segment: Segment) -> None:
    """Take the values out of everything that a segment with plain-text platforms needs no more.

    Of the parts of plans that are over only who is in them stays, for reports. Prepared members go once no plan is under way;
    a task that wants them again is told to prepare first. The newest generation stays: from it people are removed one day.
    """
    if not workspace.keeps_plain_text(segment):
        return
    lake, under_way = workspace.lake_for(segment), False
    needed = workspace.ledger.needed_paths()
    for target in segment.destinations:
        for folder in lake.plans_with_members(segment.name, target.label):
            if workspace.ledger.is_under_way(folder):
                under_way = True
            else:
                _strip(lake, folder)
        for path in lake.generations(segment.name, target.label):
            if path not in needed:
                lake.remove(path)
    if not under_way:
        lake.remove(f"{segment.name}/runs")


def _strip(lake: Lake, folder: str) -> None:
    for operation in Operation:
        for path in lake.parts(f"{folder}/{operation.value}"):
            lake.write(path, lake.scan(path).select(MEMBER).collect())
    for operation in Operation:  # last: while they are there, the folder is found again
        lake.remove(members_folder(folder, operation))
