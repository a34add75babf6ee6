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
from guestlist.runtime.intake.work import run_of
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
from guestlist.web.pages.places import Place

Found = Segment | str | None
"""A segment, or what is wrong with its file; None where there is no file."""
_NOTHING = Activity()


@dataclass(frozen=True, slots=True)
class Entry:
    """One audience and how it stands."""

    place: Place
    standing: Standing
    status: Status
    why: str | None
    late: bool


def entries(ledger: Ledger, session: Session, segments: Mapping[str, Segment | str], found: Sequence[Place]) -> Iterator[Entry]:
    """How each of these audiences stands."""
    dags = all_dags(session)
    active, by_hand = activities(session, dags), at_work(ledger)
    uploads = ledger.newest_uploads({place.served.pushed.id for place in found if place.served.pushed is not None})
    oldest = _Oldest(segments, dags)
    standing = standings(ledger, [place.key for place in found])
    for place in found:
        served = place.served
        one, before = standing[place.key], oldest.of(served.segment)
        its_own = active.get(served.segment, _NOTHING)  # runs of an intake's DAG are for other audiences, too
        activity = its_own if served.pushed is None else _activity_of(uploads[served.pushed.id])
        if served.segment in by_hand and one.newest is not None:
            activity = replace(activity, running={*activity.running, one.newest.run_id})
        yield Entry(place, one, *status_of(one, activity, before), is_late(one, before))


def _activity_of(upload: Any) -> Activity:
    """What is known of a pushed audience's newest upload: it waits for its turn, is at work, or came to nothing."""
    run_id = upload.run_id or run_of(upload.id)
    if upload.state in ("received", "running"):
        return Activity(frozenset({run_id}))
    if upload.outcome == "failed":
        return Activity(died=run_id, died_at=aware(upload.created_at), told=upload.told)
    return _NOTHING


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
    segments = sorted({entry.place.served.segment for entry in shown})
    lines, seen = trends(ledger, segments), looks(ledger, segments)
    runs = {(entry.place.served.dag_id, entry.standing.run.run_id) for entry in shown if entry.standing.run is not None}
    known = known_runs(session, runs)
    dags = {entry.place.served.dag_id for entry in shown}
    may = {name: (person.may(Deed.RUN, name), person.may(Deed.APPROVE, name)) for name in dags}
    return [
        _row(entry, seen.get(entry.place.key), lines.get(entry.place.key, ()), known, may[entry.place.served.dag_id])
        for entry in shown
    ]


def _row(
    entry: Entry, look: Any, trend: Sequence[int], known: Collection[tuple[str, str]], may: tuple[bool, bool]
) -> AudienceRow:
    place, run, sealed = entry.place, entry.standing.run, entry.standing.sealed
    served = place.served
    return AudienceRow(
        segment=served.segment,
        pushed=served.pushed_as,
        dag_id=served.dag_id,
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
        run_url=run_url(served.dag_id, run.run_id) if run and (served.dag_id, run.run_id) in known else None,
        trend=tuple(trend),
        can_run=may[0] and served.pushed is None,
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
