"""The audiences that the pages show: of segments' files, of what was pushed, and those that only the ledger knows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from guestlist.model.segment import Segment
from guestlist.runtime.intake.audiences import name_on, segment_name
from guestlist.runtime.ledger import Ledger
from guestlist.web.served import Served


@dataclass(frozen=True, slots=True)
class Place:
    """One destination of a segment, as its file or else the ledger names it."""

    served: Served
    label: str
    platform: str
    connection: str
    audience: str
    mode: str

    @property
    def key(self) -> tuple[str, str]:
        """How the ledger finds it."""
        return self.served.segment, self.label


def places(ledger: Ledger, segments: Mapping[str, Segment | str], wanted: Collection[str]) -> Iterator[Place]:
    """The destinations of the segments that wanted DAGs serve; of one without a usable file those that the ledger knows."""
    pushed: dict[str, list[Served]] = {}
    for row in ledger.live_audiences():
        pushed.setdefault(row.intake, []).append(Served(segment_name(row), row))
    for segment in segments.values():
        if isinstance(segment, Segment) and segment.name in wanted:
            own = pushed.get(segment.name, []) if segment.source.intake else [Served(segment.name, None)]
            for served in own:
                yield from places_of(segment, served)
    if without := {name for name in wanted if not isinstance(segments.get(name), Segment)}:
        known = {name: Served(name, None) for name in without}
        known |= {one.segment: one for name in without for one in pushed.get(name, ())}
        yield from (_place_in_books(row, known[row.segment]) for row in ledger.all_audiences() if row.segment in known)


def places_of(segment: Segment, served: Served) -> Iterator[Place]:
    """The destinations of one segment, which is a pushed audience where the file is an intake's."""
    for one in segment.destinations:
        if served.pushed is None:
            yield Place(served, one.label, one.platform, one.connection, one.audience, one.mode.value)
        elif one.label in served.pushed.destinations:
            yield Place(served, one.label, one.platform, one.connection, name_on(one, served.pushed), one.mode.value)


def place_of(ledger: Ledger, served: Served, label: str, found: Segment | str) -> Place | None:
    """One destination, where there is such a one."""
    if isinstance(found, Segment) and (served.pushed is not None or found.source.intake is None):
        return next((place for place in places_of(found, served) if place.label == label), None)
    rows = (row for row in ledger.all_audiences() if (row.segment, row.label) == (served.segment, label))
    return next((_place_in_books(row, served) for row in rows), None)


def _place_in_books(row: Any, served: Served) -> Place:
    return Place(served, row.label, row.platform, row.connection, row.name, row.mode)
