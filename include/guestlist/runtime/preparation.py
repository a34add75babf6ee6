"""Read a source once, normalise and hash, write members to the lake; raw values stay in this process's memory.

The ledger is not asked: what only prepares does not wait for SQLAlchemy to load.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

import polars as pl

from guestlist.model.capabilities import Capabilities
from guestlist.model.errors import GuestlistError
from guestlist.model.plan import Drops
from guestlist.model.segment import Segment
from guestlist.pipeline.audience import MEMBER
from guestlist.pipeline.commonest import commonest
from guestlist.pipeline.erasure import NOBODY, Erased
from guestlist.pipeline.prepare import Preparer, Wanted
from guestlist.pipeline.repeats import Seen
from guestlist.pipeline.suppression import suppression_keys
from guestlist.runtime import clock
from guestlist.runtime.lake import MEMBERS_READ_TOGETHER, Lake
from guestlist.runtime.layout import run_folder
from guestlist.runtime.storage import on_storage
from guestlist.runtime.wiring import Workspace
from guestlist.sources.base import Reader, declared_columns

_ROWS_AT_ONCE = 400_000
_FRAMES_AT_ONCE = 2
"""Polars works outside of Python's lock. More frames at once would only take more memory: its steps use all cores as well."""
Progress = Callable[[int], None]
"""Told the number of rows read so far."""


@dataclass(frozen=True)
class Prepared:
    """Where a run's members are, and what was left out. ``seconds`` is how long it took."""

    path: str
    drops: Drops
    seconds: float

    @property
    def counts(self) -> dict[str, Any]:
        """What a task tells of it."""
        return {"read": self.drops.read, "prepared": self.drops.prepared, "dropped": self.drops.rows}

    def as_json(self) -> dict[str, Any]:
        """Plain JSON: a reference and counts."""
        return {"path": self.path, "seconds": round(self.seconds, 2), "drops": asdict(self.drops)}


def new_folder(segment: Segment, run_id: str) -> str:
    """A folder of the lake that no other preparation writes to."""
    return run_folder(segment.name, run_id, clock.now().strftime("%H%M%S.%f"))


@on_storage
def prepare_into(
    workspace: Workspace, segment: Segment, lake: Lake, folder: str, progress: Progress, erased: Erased = NOBODY
) -> Prepared:
    """Prepare a segment's members into a folder of a lake, without a run."""
    started = clock.monotonic()
    with naming(segment):
        preparer = preparer_of(workspace, segment, erased)
        write_members(preparer, workspace.reader(segment.source), lake, folder, progress)
    if preparer.suspects:
        preparer.drops.commonest = commonest(lake.scan(folder), preparer.suspects)
    preparer.drops.check()
    return Prepared(folder, preparer.drops, clock.monotonic() - started)


@contextmanager
def naming(segment: Segment) -> Iterator[None]:
    """Tell an error on its way out which segment it is about."""
    try:
        yield
    except GuestlistError as error:
        raise error.at(segment=segment.name) from None


def preparer_of(workspace: Workspace, segment: Segment, erased: Erased) -> Preparer:
    """What prepares the segment's rows; the suppression lists are read for it."""
    capabilities = tuple(workspace.capabilities(segment).values())
    return Preparer(segment, capabilities, _suppressed(workspace, segment, capabilities), erased)


def write_members(preparer: Preparer, reader: Reader, lake: Lake, folder: str, progress: Progress) -> None:
    """Prepare all rows that a reader gives into a folder of a lake."""
    preparer.drops.columns = declared_columns(reader.schema())
    _write_all(lake, folder, preparer, _frames(reader, preparer.source_columns), progress)


def _write_all(lake: Lake, folder: str, preparer: Preparer, frames: Iterable[pl.DataFrame], progress: Progress) -> None:
    """Prepare and write frames, some at the same time, while the next one is read: no core waits for another.

    Of several rows with one key the first that can be reached counts. Rows whose member may have come before wait, until all
    before them are written and it can be looked up who is there.
    """
    read, numbers, seen = 0, count(), Seen()
    working: deque[Future[Drops]] = deque()
    waiting: list[Wanted] = []

    def work_off(limit: int) -> None:
        while len(working) > limit:
            preparer.drops.add(working.popleft().result())

    def look_up() -> None:
        work_off(0)
        if waiting:
            preparer.drops.add(_write_repeated(lake, folder, next(numbers), preparer, waiting))
        waiting.clear()

    with ThreadPoolExecutor(_FRAMES_AT_ONCE) as pool:
        for rows in frames:
            first, repeated = preparer.wanted(rows, preparer.drops).parted(seen)
            work_off(_FRAMES_AT_ONCE - 1)
            working.append(pool.submit(_write, lake, folder, next(numbers), preparer, first))
            if repeated.rows.height:
                waiting.append(repeated)
            if sum(part.rows.height for part in waiting) >= _ROWS_AT_ONCE:
                look_up()
            read += rows.height
            progress(read)
        look_up()


def _write(lake: Lake, folder: str, number: int, preparer: Preparer, wanted: Wanted) -> Drops:
    drops = Drops()
    for index, members in enumerate(preparer.prepare_in_slices(wanted, drops)):
        _write_part(lake, folder, number, index, members)
    return drops


def _write_repeated(lake: Lake, folder: str, number: int, preparer: Preparer, waiting: Sequence[Wanted]) -> Drops:
    """Write those of the rows whose members are not in the folder yet, once each; the others are counted."""
    drops = Drops()
    repeated = Wanted.together(waiting)
    names = repeated.members.get_column(MEMBER)
    there = lake.scan(folder).select(MEMBER).filter(pl.col(MEMBER).is_in(names.implode())).collect().to_series()
    wanted = repeated.only(~names.is_in(there.implode()))
    drops.add_row("repeated_key", repeated.rows.height - wanted.rows.height)
    for index, members in enumerate(preparer.prepare_in_slices(wanted, drops)):
        new = members.filter(~pl.col(MEMBER).is_in(there.implode())).unique(MEMBER, keep="first", maintain_order=True)
        drops.add_row("repeated_key", members.height - new.height)
        drops.prepared -= members.height - new.height
        there = pl.concat([there, new.get_column(MEMBER)])  # a member may have rows in any number of slices
        _write_part(lake, folder, number, index, new)
    return drops


def _write_part(lake: Lake, folder: str, number: int, index: int, members: pl.DataFrame) -> None:
    lake.write(f"{folder}/part-{number:05d}-{index:03d}.parquet", members, row_group_size=MEMBERS_READ_TOGETHER)


def _frames(reader: Reader, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """The source's rows as frames of String columns, of a size at which fixed costs no longer show and memory is bounded."""
    waiting: list[pl.DataFrame] = []
    for batch in reader.batches(columns):
        frame = pl.from_arrow(batch)
        if isinstance(frame, pl.DataFrame):
            waiting.append(frame)
        if sum(frame.height for frame in waiting) >= _ROWS_AT_ONCE:
            yield pl.concat(waiting, rechunk=True)
            waiting = []
    if waiting:
        yield pl.concat(waiting, rechunk=True)


def _suppressed(workspace: Workspace, segment: Segment, capabilities: Sequence[Capabilities]) -> dict[str, pl.Series]:
    """The keys of everybody on the suppression lists, by prepared column."""
    found: dict[str, set[str]] = {}
    for list_ in segment.suppress:
        columns = [name for identifier in list_.identifiers.values() for name in identifier.columns]
        columns += [identifier.region_column for identifier in list_.identifiers.values() if identifier.region_column]
        rows = _frames(workspace.reader(list_), tuple(dict.fromkeys(columns)))
        for name, values in suppression_keys(rows, list_.identifiers, segment.identifiers, capabilities).items():
            found.setdefault(name, set()).update(values)
    return {name: pl.Series(sorted(values), dtype=pl.String) for name, values in found.items() if values}
