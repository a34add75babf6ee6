"""Prepare in parts: each partition of the source by a task of its own, then gathered into what one task would have prepared.

A partition's members lie in a folder of their own, and a later try writes to another one: only folders that are gathered count,
whatever a worker that was thought to be dead goes on writing.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import polars as pl

from guestlist.model.errors import NoRows
from guestlist.model.plan import Drops
from guestlist.model.segment import Segment
from guestlist.pipeline.audience import MEMBER
from guestlist.pipeline.commonest import commonest
from guestlist.pipeline.spans import spans_of
from guestlist.runtime import clock
from guestlist.runtime.erasure.listed import erased_of
from guestlist.runtime.lake import Lake
from guestlist.runtime.layout import PARTS
from guestlist.runtime.preparation import Prepared, Progress, naming, new_folder, preparer_of, write_members
from guestlist.runtime.storage import on_storage
from guestlist.runtime.wiring import Workspace
from guestlist.sources.partitions import Partition

_COUNTS = "prepared.json"
"""Beside a partition's members: what was counted."""
_BEFORE = "before"


@on_storage
def prepare_partition(
    workspace: Workspace, segment: Segment, run_id: str, partition: Partition, progress: Progress = lambda _rows: None
) -> Prepared:
    """Read and prepare one partition of a run; one without any rows is no trouble by itself.

    Raises:
        DataError: the source is missing or broken. ConfigError: its connection is.
    """
    started = clock.monotonic()
    lake = workspace.lake_for(segment)
    folder = f"{new_folder(segment, run_id)}-{partition.number:04d}"
    with naming(segment):
        preparer = preparer_of(workspace, segment, erased_of(workspace, segment.name))
        with suppress(NoRows):
            write_members(preparer, workspace.reader(segment.source, partition), lake, folder, progress)
    preparer.drops.check()
    suspects = {name: sorted(hashes) for name, hashes in preparer.suspects.items()}
    lake.write_json(f"{folder}/{_COUNTS}", {"drops": preparer.drops.as_json(), "suspects": suspects})
    return Prepared(folder, preparer.drops, clock.monotonic() - started)


@on_storage
def gather(workspace: Workspace, segment: Segment, run_id: str, folders: Sequence[str]) -> Prepared:
    """Make one of what the partitions' tasks have prepared, and enter the run in the ledger. It may be done again.

    Of several rows with one key, in different partitions, the one of the first partition counts.

    Raises:
        NoRows: there are none in any partition. DataError: the lake lacks what a partition has prepared.
    """
    started = clock.monotonic()
    lake = workspace.lake_for(segment)
    counted = [lake.read_json(f"{folder}/{_COUNTS}") for folder in folders]
    drops = _together(counted)
    if drops.read == 0:
        raise NoRows(f"no partition gave any rows ({len(folders)} were read); an empty source never empties an audience").at(
            segment=segment.name
        )
    path = f"{new_folder(segment, run_id)}/{PARTS}"
    lake.write_json(path, list(folders))
    repeated = drops.prepared - _without_repeated(lake, path, drops.prepared)
    drops.prepared -= repeated
    drops.add_row("repeated_key", repeated)
    drops.commonest = _commonest(lake, path, counted)
    drops.check()
    workspace.ledger.begin_run(segment.name, run_id, path, drops.as_json())
    return Prepared(path, drops, clock.monotonic() - started)


def _together(counted: Sequence[dict[str, Any]]) -> Drops:
    drops = Drops()
    for one in counted:
        drops.add(Drops(**one["drops"]))
        drops.columns |= one["drops"]["columns"]
    return drops


def _without_repeated(lake: Lake, path: str, prepared: int) -> int:
    """See that each member is in one file only, span after span; returns how many members there are.

    How many were repeated is told by how many there were and are: doing it again after being killed counts the same.
    """
    parts, members = list(lake.parts(path)), 0
    repeated: dict[int, list[pl.Series]] = {}
    for span in spans_of(prepared):
        numbered = [
            span.of(lake.scan(part).select(MEMBER)).with_columns(pl.lit(number).alias(_BEFORE))
            for number, part in enumerate(parts)
        ]
        there = pl.concat(numbered).collect() if numbered else pl.DataFrame()
        first = there.group_by(MEMBER).agg(pl.col(_BEFORE).min()) if there.height else there
        members += first.height
        if first.height < there.height:
            again = there.join(first, on=[MEMBER, _BEFORE], how="anti")
            for (number,), rows in again.group_by(_BEFORE):
                repeated.setdefault(int(str(number)), []).append(rows.get_column(MEMBER))
    for number, names in repeated.items():
        kept = lake.scan(parts[number]).filter(~pl.col(MEMBER).is_in(pl.concat(names).implode()))
        lake.rewrite(parts[number], kept.collect())
    return members


def _commonest(lake: Lake, path: str, counted: Sequence[dict[str, Any]]) -> dict[str, dict[str, int]]:
    suspects: dict[str, set[int]] = {}
    for one in counted:
        for name, hashes in one["suspects"].items():
            suspects.setdefault(name, set()).update(hashes)
    return commonest(lake.scan(path), suspects) if suspects else {}
