"""What people publicly complain of in other tools, and cannot happen here: rows lost in silence, one row that sinks a batch,
work of the platform that nobody waits for. What a fault does stands in the matrix; here is the rest of these themes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from contract.rig import Door, World, expected_keys, people, person
from faults.points import DOORS, POINTS
from faults.stage import Stage

from guestlist.model.errors import GuestlistError, TransientError, Unconfirmed
from guestlist.model.vocabulary import Mode
from guestlist.runtime import clock

pytestmark = pytest.mark.slow
EVERY = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
SLOW = [door for door in DOORS.values() if door.capabilities.polling and door.id != "meta"]
REORDERING = [door for door in DOORS.values() if door.mode is Mode.MIRROR and door.capabilities.may_reorder]
ANSWERING = [
    door
    for door in DOORS.values()
    if door.id != "google_ads-google_ads" and not any("storage" in point.name for point in POINTS[door.id])
]
"""Not over gRPC, where an empty message is what success looks like, and not to a storage, whose success is its status."""


@pytest.fixture
def world(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> World:
    world = stage.world
    world.begin_anew()
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(seconds=sum(world.sleeps)))
    return world


@pytest.mark.parametrize("door", SLOW, ids=lambda door: door.id)
def test_work_that_takes_nearly_as_long_as_the_platform_may_take_is_waited_for(world: World, door: Door) -> None:
    polling = door.capabilities.polling
    assert polling is not None
    world.settings(door, settle_seconds=0.9 * polling.give_up)
    world.overrides["poll_longest_seconds"] = 3600.0
    rows = people(range(4))
    segment = world.segment(door, world.name("slow"), rows)
    assert world.run(door, segment).state == "sealed"
    assert 0.8 * polling.give_up <= sum(world.sleeps) <= polling.give_up
    assert world.held(door, world.audience(door, segment)) == expected_keys(rows, door)


@pytest.mark.parametrize("door", REORDERING, ids=lambda door: door.id)
def test_additions_begin_when_removals_have_settled(world: World, door: Door) -> None:
    segment = world.segment(door, world.name("order"), people(range(4)))
    world.run(door, segment)
    begun = len(world.log(door))
    world.segment(door, segment.name, people(range(1, 5)))
    assert world.run(door, segment).state == "sealed"
    operations = [line["operation"] for line in world.log(door, begun)]
    removed, added = operations.index("remove"), operations.index("add")
    assert removed < added
    assert "read" in operations[removed:added], "the platform was asked whether it is done"
    assert sum(world.sleeps) > 0


def test_a_job_under_way_on_a_list_is_waited_for_by_the_next_one(world: World) -> None:
    door = DOORS["google_ads-google_ads"]
    world.settings(door, settle_seconds=3600)
    one = world.segment(door, world.name("one"), people(range(3)))
    two = world.segment(door, world.name("two"), people(range(3, 6)))  # the same list
    world.fault(door, door.down, "ask", times=3, skip=door.finds)
    with pytest.raises(TransientError):
        world.run(door, one)
    with pytest.raises(TransientError, match="another job is at work on the list") as caught:
        world.run(door, two, run_id="two")
    assert caught.value.retry_after == 30
    world.advance(7200)
    assert world.run(door, two, run_id="two").state == "sealed"
    assert world.run(door, one).state == "sealed"
    assert world.held(door, world.audience(door, one)) == expected_keys(people(range(6)), door)


@EVERY
def test_an_impossible_phone_and_an_empty_row_keep_nobody_else_back(world: World, door: Door) -> None:
    rows = [*people(range(4)), person(4, phone="+000000000000"), person(5, email="", phone="")]
    segment = world.segment(door, world.name("rows"), rows)
    report = world.run(door, segment)
    assert (report.state, report.wanted) == ("sealed", 5 if "email" in door.kinds else 4)
    assert world.held(door, world.audience(door, segment)) == expected_keys([*people(range(4)), person(4, phone="")], door)


@pytest.mark.parametrize("door", ANSWERING, ids=lambda door: door.id)
def test_a_success_that_says_nothing_is_no_receipt(world: World, door: Door) -> None:
    rows = people(range(4))
    segment = world.segment(door, world.name("nothing"), rows)
    nothing: dict[str, Any] = {"status": 200, "body": {}}
    world.fault(door, nothing, "add", times=99)
    world.overrides["poll_longest_seconds"] = 7200.0
    workspace = world.workspace(door)
    with pytest.raises(GuestlistError) as caught:
        world.run(door, segment, workspace, "r")
    assert isinstance(caught.value, Unconfirmed) == (door.id == "meta"), "Meta is asked afterwards what it counted"
    world.clear_faults(door)
    assert world.run(door, segment).state == "sealed"
    assert world.held(door, world.audience(door, segment)) == expected_keys(rows, door)


@pytest.mark.parametrize("door", [door for door in DOORS.values() if door.refuses_rows], ids=lambda door: door.id)
def test_a_refused_row_keeps_its_reason_and_is_sent_until_it_is_taken(world: World, door: Door) -> None:
    rows = people(range(6))
    segment = world.segment(door, world.name("refused"), rows)
    for _ in range(3):
        world.fault(door, {"reject_rows": [0]}, "add")
        report = world.run(door, segment)
        assert report.state == "rejected"
        [reason] = report.rejected
        assert reason
    assert world.run(door, segment).state == "sealed"
    assert world.held(door, world.audience(door, segment)) == expected_keys(rows, door)
