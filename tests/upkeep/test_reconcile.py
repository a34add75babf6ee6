"""Reconciliation with the platforms, an hour, a day and two days after sealing, on the sandbox with both clocks moved."""

from __future__ import annotations

from typing import Any

import pytest
from contract.doors import EVERY_DOOR, all_doors
from contract.rig import Door, Wish, World, people

from guestlist.model.errors import AuthError, RejectedError
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Mode
from guestlist.runtime.upkeep.reconcile import Reconciliation, reconcile, trouble

pytestmark = pytest.mark.slow
HOUR = 3600
MANY = 600
"""Enough people for Google and Meta to show a size."""
TELLING = [door for door in all_doors() if door.capabilities.sizes]
SHARED = [door for door in TELLING if {Mode.REMOVE, Mode.APPEND, Mode.MIRROR} <= set(door.capabilities.modes)]
"""Those at which another segment can take people off the same audience, or put others on it."""

ASKED = [door for door in all_doors() if door.notices_deletion]
"""EdgeTag cannot be asked."""


def doors(found: list[Door]) -> Any:
    return pytest.mark.parametrize("door", found, ids=lambda door: door.id)


def sealed(world: World, door: Door, name: str = "vips", count: int = MANY) -> Segment:
    segment = world.segment(door, name, people(range(count)), Wish(guards={"max_rejected": "100%"}))
    assert world.run(door, segment).state == "sealed"
    if "cover_num" in door.settings:
        world.settings(door, cover_num=None)  # a size that is forced for so few people tells nothing of them
    return segment


def look(world: World, door: Door, *segments: Segment, only_due: bool = True) -> Reconciliation:
    return reconcile(world.workspace(door), segments, only_due=only_due)


@EVERY_DOOR
def test_what_was_sealed_is_looked_at_three_times_and_explains_itself(calendar: World, door: Door) -> None:
    segment = sealed(calendar, door)
    assert look(calendar, door, segment).found == [], "nothing is due yet"
    for hours in (1, 23, 24):
        calendar.advance(hours * HOUR + 1)
        done = look(calendar, door, segment)
        assert trouble(done) is None
        [one] = done.found
        assert one.verdict in ("expected", "untold"), one
        assert look(calendar, door, segment).found == [], "each checkpoint is looked at once"
    calendar.advance(1000 * HOUR)
    assert look(calendar, door, segment).found == []
    seen = calendar.workspace(door).ledger.last_seen("vips", "c")
    assert (seen.hours, seen.platform_id) == (48, calendar.audience(door, segment))
    assert (one.verdict == "expected", seen.low is not None) == (door in TELLING, door in TELLING)


@EVERY_DOOR
def test_looks_that_were_missed_are_made_good_by_one(calendar: World, door: Door) -> None:
    segment = sealed(calendar, door, count=5)
    calendar.advance(100 * HOUR)
    before = len(calendar.log(door))
    assert len(look(calendar, door, segment).found) == 1
    asked = len(calendar.log(door)) - before
    assert asked <= 3
    assert look(calendar, door, segment).found == []


@doors(ASKED)
def test_an_audience_that_somebody_deleted_is_told_loudly(calendar: World, door: Door) -> None:
    segment = sealed(calendar, door, count=5)
    calendar.delete(door, calendar.audience(door, segment))
    calendar.advance(HOUR + 1)
    error = trouble(look(calendar, door, segment))
    assert isinstance(error, RejectedError)
    assert "vips: c ('People'): it is not there any more" in str(error)
    assert calendar.workspace(door).ledger.last_seen("vips", "c").verdict == "broken"


@doors(SHARED)
def test_an_audience_that_somebody_emptied_is_told_loudly(calendar: World, door: Door) -> None:
    segment = sealed(calendar, door)
    calendar.advance(49 * HOUR)
    assert look(calendar, door, segment).found[0].verdict == "expected"
    other = calendar.segment(door, "emptier", people(range(MANY)), Wish(mode="remove"))
    assert calendar.run(door, other).state == "sealed"
    assert calendar.audience(door, other) == calendar.audience(door, segment)
    calendar.advance(49 * HOUR)
    error = trouble(look(calendar, door, segment, only_due=False))
    assert "to nothing" in str(error)
    assert "full resend" in str(error)


@doors(SHARED)
def test_people_whom_somebody_else_put_there_are_drift_and_no_trouble(calendar: World, door: Door) -> None:
    segment = sealed(calendar, door)
    calendar.advance(49 * HOUR)
    look(calendar, door, segment)
    other = calendar.segment(door, "adder", people(range(5 * MANY)), Wish(mode="append"))
    assert calendar.run(door, other).state == "sealed"
    calendar.advance(49 * HOUR)
    done = look(calendar, door, segment, only_due=False)
    assert (done.found[0].verdict, trouble(done)) == ("drift", None)
    assert "somebody else" in done.found[0].told or "does not explain" in done.found[0].told


@doors(SHARED)
def test_growth_and_shrinking_by_runs_of_its_own_are_no_drift(calendar: World, door: Door) -> None:
    segment = sealed(calendar, door)
    for count in (4 * MANY, MANY // 3 * 2, MANY):
        calendar.segment(door, "vips", people(range(count)), Wish(guards={"max_rejected": "100%"}))
        calendar.run(door, segment)
        for hours in (1, 23, 24):
            calendar.advance(hours * HOUR + 1)
            [one] = look(calendar, door, segment).found
            assert one.verdict == "expected" or (one.verdict == "untold" and hours == 1), (count, hours, one)


@doors(ASKED)
def test_a_platform_that_cannot_be_asked_leaves_the_checkpoint_due(calendar: World, door: Door) -> None:
    segment = sealed(calendar, door, count=5)
    calendar.advance(HOUR + 1)
    calendar.fault(door, door.denied, times=99)
    done = look(calendar, door, segment)
    assert ([error.segment for error in done.errors], done.found) == (["vips"], [])
    assert isinstance(trouble(done), AuthError)
    calendar.clear_faults(door)
    assert [one.segment for one in look(calendar, door, segment).found] == ["vips"]


def test_one_that_cannot_be_asked_does_not_keep_the_others_and_a_broken_one_is_told_first(calendar: World) -> None:
    [door] = [door for door in all_doors() if door.id == "meta"]
    segments = [sealed(calendar, door, name=name, count=5) for name in ("denied", "gone", "fine")]
    calendar.delete(door, calendar.audience(door, segments[1]))
    calendar.fault(door, door.denied)
    done = look(calendar, door, *segments, only_due=False)
    assert [one.segment for one in done.found] == ["gone", "fine"]
    assert "gone: c" in str(trouble(done))


def test_metas_states_are_told_loudly_with_what_to_do(calendar: World) -> None:
    [door] = [door for door in all_doors() if door.id == "meta"]
    segment = sealed(calendar, door)
    calendar.settings(door, operation_status=471)
    calendar.advance(HOUR + 1)
    assert "flagged the audience: rename it" in str(trouble(look(calendar, door, segment)))


def test_nothing_is_asked_before_anything_was_sent(calendar: World) -> None:
    [door] = [door for door in all_doors() if door.id == "meta"]
    segment = calendar.segment(door, "vips", people(range(5)))
    done = look(calendar, door, segment, only_due=False)
    assert (done.found, done.errors, trouble(done)) == ([], [], None)
