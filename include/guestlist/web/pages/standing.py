"""How the audiences of many segments stand: what the ledger, the segment files and Airflow know of them, put together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

from guestlist.destinations import destination_class
from guestlist.destinations.base import without_choices
from guestlist.model.capabilities import Capabilities
from guestlist.model.segment import After, Segment
from guestlist.runtime import clock
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.ledger.rows import aware
from guestlist.runtime.metrics import share
from guestlist.runtime.upkeep.stale import stale_before
from guestlist.runtime.views.history import looks, trends
from guestlist.runtime.views.standing import Standing, at_work, standings
from guestlist.runtime.views.status import Activity, Status, is_late, status_of
from guestlist.web.access import Deed, Person
from guestlist.web.answers.audiences import AudienceRow
from guestlist.web.dags import Dag, activities, all_dags, known_runs, run_url

Found = Segment | str | None
"""A segment, or what is wrong with its file; None where there is no file."""
_NOTHING = Activity()


@dataclass(frozen=True, slots=True)
class Place:
    """One destination of a segment, as its file or else the ledger names it."""

    segment: str
    label: str
    platform: str
    connection: str
    audience: str
    mode: str

    @property
    def key(self) -> tuple[str, str]:
        """How the ledger finds it."""
        return self.segment, self.label


@dataclass(frozen=True, slots=True)
class Entry:
    """One audience and how it stands."""

    place: Place
    standing: Standing
    status: Status
    why: str | None
    late: bool


def places(ledger: Ledger, segments: Mapping[str, Segment | str], wanted: Collection[str]) -> Iterator[Place]:
    """The destinations of the wanted segments; of one without a usable file those that the ledger knows."""
    for segment in segments.values():
        if isinstance(segment, Segment) and segment.name in wanted and segment.source.intake is None:
            for one in segment.destinations:
                yield Place(segment.name, one.label, one.platform, one.connection, one.audience, one.mode.value)
    if without := {name for name in wanted if not isinstance(segments.get(name), Segment)}:
        for row in ledger.all_audiences():
            if row.segment in without:
                yield Place(row.segment, row.label, row.platform, row.connection, row.name, row.mode)


def entries(ledger: Ledger, session: Session, segments: Mapping[str, Segment | str], found: Sequence[Place]) -> Iterator[Entry]:
    """How each of these audiences stands."""
    dags = all_dags(session)
    active, by_hand = activities(session, dags), at_work(ledger)
    oldest = _Oldest(segments, dags)
    standing = standings(ledger, [place.key for place in found])
    for place in found:
        one, before = standing[place.key], oldest.of(place.segment)
        activity = active.get(place.segment, _NOTHING)
        if place.segment in by_hand and one.newest is not None:
            activity = replace(activity, running={*activity.running, one.newest.run_id})
        yield Entry(place, one, *status_of(one, activity, before), is_late(one, before))


class _Oldest:
    """Before which moment each segment's audiences must not have been sealed last; schedules repeat, so each is asked once."""

    def __init__(self, segments: Mapping[str, Segment | str], dags: Mapping[str, Dag]) -> None:
        self._segments, self._dags = segments, dags
        self._until = clock.now()
        self._known: dict[str, datetime | None] = {}

    def of(self, name: str) -> datetime | None:
        segment = self._segments.get(name)
        schedule = segment.schedule if isinstance(segment, Segment) else None
        if not isinstance(schedule, str):
            return None
        if schedule not in self._known:
            self._known[schedule] = stale_before(schedule, self._until)
        return self._known[schedule]


def rows(ledger: Ledger, session: Session, person: Person, shown: Sequence[Entry]) -> list[AudienceRow]:
    """The rows of a table, as far as it is shown: what only they need is read for them alone."""
    segments = sorted({entry.place.segment for entry in shown})
    lines, seen = trends(ledger, segments), looks(ledger, segments)
    runs = {(entry.place.segment, entry.standing.run.run_id) for entry in shown if entry.standing.run is not None}
    known = known_runs(session, runs)
    may = {name: (person.may(Deed.RUN, name), person.may(Deed.APPROVE, name)) for name in segments}
    return [
        _row(entry, seen.get(entry.place.key), lines.get(entry.place.key, ()), known, may[entry.place.segment])
        for entry in shown
    ]


def _row(
    entry: Entry, look: Any, trend: Sequence[int], known: Collection[tuple[str, str]], may: tuple[bool, bool]
) -> AudienceRow:
    place, run, sealed = entry.place, entry.standing.run, entry.standing.sealed
    return AudienceRow(
        segment=place.segment,
        dag_id=place.segment,
        destination=place.label,
        platform=place.platform,
        platform_title=capabilities_of(place.platform).title,
        connection=place.connection,
        audience=place.audience,
        mode=place.mode,
        status=entry.status,
        why=entry.why,
        late=entry.late,
        members=sealed.members if sealed else None,
        sealed_at=sealed.at if sealed else None,
        run_id=run.run_id if run else None,
        run_at=run.started_at if run else None,
        run_url=run_url(place.segment, run.run_id) if run and (place.segment, run.run_id) in known else None,
        trend=tuple(trend),
        can_run=may[0],
        can_approve=may[1],
        **counts_of(entry),
        **seen_of(entry, look),
    )


def counts_of(entry: Entry) -> dict[str, Any]:
    """What the last run did to it."""
    if (told := entry.standing.told) is None:
        return {}
    names = ("wanted", "added", "removed", "renewed", "unconfirmed", "unsent")
    return {name: told[name] for name in names} | {"rejected": sum(told["rejected"].values())}


def seen_of(entry: Entry, look: Any) -> dict[str, Any]:
    """Size and match rate: as the platform told at the newest look, or else at the end of the last run."""
    report, run = entry.standing.report, entry.standing.run
    told = (look.match_rate if look else None) or (report.match_rate if report else None)
    found: dict[str, Any] = {"match_rate": share(told), "match_rate_told": told}
    if look is not None and look.low is not None:
        return found | {"size": look.low, "size_high": look.high, "size_at": aware(look.done_at)}
    if report is not None and report.size and run is not None:
        low, _, high = report.size.partition("-")
        found |= {"size": int(low), "size_high": int(high or low), "size_at": run.ended_at}
    return found


@cache
def capabilities_of(platform: str) -> Capabilities:
    """What a platform can do, with none of its options chosen."""
    cls = destination_class(platform)
    return cls.capabilities_for(without_choices(cls.Options))


def schedule_text(found: Found) -> str | None:
    """When a segment runs by itself, as people write it."""
    if not isinstance(found, Segment):
        return None
    return f"after {', '.join(found.schedule.after)}" if isinstance(found.schedule, After) else found.schedule
