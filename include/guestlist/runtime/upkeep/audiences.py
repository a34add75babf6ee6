"""Audiences: those that segments keep, and those that nobody keeps any more, in the ledger and on the platforms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row

from guestlist.model.audiences import Marked
from guestlist.model.errors import GuestlistError
from guestlist.model.segment import Destination, Segment
from guestlist.runtime.segments import segment_files
from guestlist.runtime.wiring import Workspace


class Keeper(StrEnum):
    """Who keeps an audience in step."""

    SEGMENT = "segment"
    """A segment file names it."""
    NO_FILE = "no file"
    """The ledger knows it, and no segment file names its destination any more."""
    LEFT = "left"
    """Its destination has another audience now, by another name or connection."""
    REPLACED = "replaced"
    """A session of this ledger built it, and another build has taken its place."""
    UNKNOWN = "unknown"
    """It bears Guestlist's mark, and this ledger does not know it."""


@dataclass(frozen=True)
class Listed:
    """One audience. ``segment`` and ``label`` are None where only the platform knows it; ``mark`` is then all there is."""

    keeper: Keeper
    platform: str
    connection: str
    name: str
    id: str
    segment: str | None = None
    label: str | None = None
    url: str | None = None
    mark: str | None = None

    @property
    def orphaned(self) -> bool:
        """Whether it still may hold people, and no run will ever take them off."""
        return self.keeper is not Keeper.SEGMENT

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "keeper": self.keeper.value}


@dataclass(frozen=True)
class Listing:
    """All audiences, and the errors of connections that could not be asked."""

    audiences: Sequence[Listed]
    errors: Sequence[GuestlistError]


def list_audiences(workspace: Workspace, segments: Sequence[Segment], *, ask: bool) -> Listing:
    """All audiences that the ledger knows; with ``ask`` also those that the platforms show and bear our mark.

    Platforms are asked over the segments' connections, each once.
    """
    found = [*_known(workspace, segments)]
    known = {(one.platform, one.id) for one in found}
    errors: list[GuestlistError] = []
    for segment, target in accounts(segments) if ask else ():
        try:
            with closing(workspace.ready(segment, target.label)) as ready:
                marked = ready.driver.run(ready.destination.marked())
        except GuestlistError as error:
            errors.append(error.at(segment=segment.name, destination=target.label))
            continue
        found += (_unknown(workspace, target, one) for one in marked or () if (target.platform, one.id) not in known)
    return Listing(found, errors)


def _known(workspace: Workspace, segments: Sequence[Segment]) -> Iterator[Listed]:
    named = {(one.name, target.label) for one in segments for target in one.destinations}
    broken = {path.stem for path in segment_files(workspace.config.segments)} - {one.name for one in segments}
    for row in workspace.ledger.all_audiences():
        kept = (row.segment, row.label) in named or row.segment in broken  # whom a broken file names nobody knows
        yield _listed(row, Keeper.SEGMENT if kept else Keeper.NO_FILE)
    for row in workspace.ledger.former_audiences():
        yield _listed(row, Keeper.LEFT)


def _listed(row: Row[Any], keeper: Keeper) -> Listed:
    return Listed(keeper, row.platform, row.connection, row.name, row.platform_id, row.segment, row.label, row.url)


def accounts(segments: Iterable[Segment]) -> Iterator[tuple[Segment, Destination]]:
    """One destination for each connection to each platform."""
    seen = set()
    for segment in segments:
        for target in segment.destinations:
            if (target.platform, target.connection) not in seen:
                seen.add((target.platform, target.connection))
                yield segment, target


def _unknown(workspace: Workspace, target: Destination, one: Marked) -> Listed:
    owner = workspace.ledger.owner_of(int(one.mark)) if one.mark.isdigit() else None
    segment, label = owner or (None, None)
    keeper = Keeper.REPLACED if owner else Keeper.UNKNOWN
    return Listed(keeper, target.platform, target.connection, one.name, one.id, segment, label, mark=one.mark)
