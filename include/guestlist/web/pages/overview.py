"""The overview: every audience of the segments that a person may see, filtered, sorted, and cut into pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated, Any

from airflow.api_fastapi.common.db.common import SessionDep
from fastapi import APIRouter, Query
from pydantic import Field

from guestlist.runtime import clock
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.views.history import looks
from guestlist.runtime.views.status import Status
from guestlist.web.access import Asking
from guestlist.web.answers.audiences import AudienceRow, Overview
from guestlist.web.books import Books, Segments
from guestlist.web.pages.places import Place, places
from guestlist.web.pages.standing import Entry, capabilities_of, counts_of, entries, rows, seen_of
from guestlist.web.tables import AS_CSV, Pages, answered

router = APIRouter(tags=["audiences"])
_ORDER = list(Status)


class Column(StrEnum):
    """What the overview can be sorted by."""

    SEGMENT = "segment"
    DESTINATION = "destination"
    PLATFORM = "platform"
    STATUS = "status"
    MEMBERS = "members"
    SIZE = "size"
    MATCH_RATE = "match_rate"
    SEALED_AT = "sealed_at"
    WANTED = "wanted"
    ADDED = "added"
    REMOVED = "removed"
    REJECTED = "rejected"
    RUN_AT = "run_at"


class Choice(Pages):
    """Which audiences are wanted, and in which order."""

    search: str = Field("", description="In segment, destination, platform, connection or audience; all of its words.")
    status: list[Status] = Field(default_factory=list)
    platform: list[str] = Field(default_factory=list)
    segment: list[str] = Field(default_factory=list, description="An intake stands for all that was pushed to it.")
    sort: Column = Field(Column.SEGMENT, description="Rows without a value come last either way.")
    descending: bool = False

    def takes(self, place: Place) -> bool:
        """Whether an audience is among those that are wanted, whatever its status."""
        served = place.served
        if self.platform and place.platform not in self.platform:
            return False
        if self.segment and not {served.segment, served.dag_id} & set(self.segment):
            return False
        names = (served.segment, place.label, capabilities_of(place.platform).title, place.connection, place.audience)
        return all(any(word in name.casefold() for name in names) for word in self.search.casefold().split())


@router.get("/overview", response_model=Overview, responses=AS_CSV)
def overview(
    asking: Asking,
    books: Books,
    shelf: Segments,
    session: SessionDep,
    choice: Annotated[Choice, Query()],
) -> Any:
    """Every audience of the segments that the user may see."""
    segments = shelf.segments()
    every = list(places(books, segments, asking.sees))
    found = list(entries(books, session, segments, [place for place in every if choice.takes(place)]))
    statuses = Counter(entry.status for entry in found)
    kept = [entry for entry in found if not choice.status or entry.status in choice.status]
    ordered = _sorted(books, kept, choice)
    shown = rows(books, session, asking, ordered[choice.offset : choice.offset + choice.limit])
    whole = Overview(
        as_of=clock.now(),
        total=len(kept),
        statuses={one: statuses[one] for one in _ORDER if statuses[one]},
        platforms=tuple(sorted({place.platform for place in every})),
        rows=tuple(shown),
    )
    return answered(whole, AudienceRow, shown, choice.format, "overview")


def _sorted(ledger: Ledger, found: Sequence[Entry], choice: Choice) -> list[Entry]:
    """In order of a column, and within it of names; those without a value come last either way."""
    value = _value_of(ledger, choice.sort)
    pairs = [(value(entry), entry) for entry in sorted(found, key=lambda entry: entry.place.key)]
    known = [pair for pair in pairs if pair[0] is not None]
    known.sort(key=lambda pair: pair[0], reverse=choice.descending)
    return [entry for _, entry in known] + [entry for value, entry in pairs if value is None]


def _value_of(ledger: Ledger, by: Column) -> Callable[[Entry], Any]:
    if by in (Column.SIZE, Column.MATCH_RATE):
        seen = looks(ledger)
        return lambda entry: seen_of(entry, seen.get(entry.place.key)).get(by)
    if by in (Column.WANTED, Column.ADDED, Column.REMOVED, Column.REJECTED):
        return lambda entry: counts_of(entry).get(by)
    return {
        Column.SEGMENT: lambda entry: entry.place.key,
        Column.DESTINATION: lambda entry: entry.place.label,
        Column.PLATFORM: lambda entry: entry.place.platform,
        Column.STATUS: lambda entry: _ORDER.index(entry.status),
        Column.MEMBERS: lambda entry: entry.standing.sealed.members if entry.standing.sealed else None,
        Column.SEALED_AT: lambda entry: entry.standing.sealed.at if entry.standing.sealed else None,
        Column.RUN_AT: lambda entry: entry.standing.run.started_at if entry.standing.run else None,
    }[by]
