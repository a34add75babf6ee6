"""Sessions that were opened and never settled are found once the platform's own time is over, and not before."""

from __future__ import annotations

import contextlib

import pytest
from contract.doors import EVERY_DOOR, all_doors
from contract.rig import Door, Wish, World, expected_keys, people
from runtime.rig import Killed, kill_at

from guestlist.model.errors import GuestlistError, Unconfirmed
from guestlist.model.vocabulary import Mode
from guestlist.runtime.driver import Retries
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.upkeep.stuck import stuck_sessions, trouble

pytestmark = pytest.mark.slow
HOUR = 3600
SETTLING = pytest.mark.parametrize(
    "door", [door for door in all_doors() if "ask" in door.paths and door.capabilities.polling], ids=lambda door: door.id
)


@pytest.mark.parametrize(
    ("door", "mode"), [(door, mode) for door in all_doors() for mode in door.capabilities.modes if mode is not Mode.REMOVE]
)
def test_who_asks_days_late_gives_each_step_its_time(calendar: World, door: Door, mode: Mode) -> None:
    """Airflow was down: what the platform begins only now is not given up because of what it began two days ago."""
    rows = people(range(4))
    segment = calendar.segment(door, "vips", rows, Wish(mode=mode))
    late = calendar.workspace(door, sleep=lambda seconds: calendar.advance(max(seconds, 49 * HOUR)))
    assert calendar.run(door, segment, late).state == "sealed"
    assert calendar.held(door, calendar.audience(door, segment)) == expected_keys(rows, door)


@EVERY_DOOR
@pytest.mark.parametrize("point", ["opened", "received"])
def test_a_session_of_a_run_that_died_is_stuck_after_the_platforms_time_until_the_next_run(
    calendar: World, door: Door, point: str
) -> None:
    segment = calendar.segment(door, "vips", people(range(5)))
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Killed):
        kill_at(patch, Ledger, point, "after")
        calendar.run(door, segment, run_id="died")
    workspace = calendar.workspace(door)
    polling = door.capabilities.polling
    hours = polling.give_up / HOUR if polling else 24
    calendar.advance(hours * HOUR - 60)
    assert stuck_sessions(workspace, [segment]) == []
    calendar.advance(120)
    [stuck] = stuck_sessions(workspace, [segment])
    assert (stuck.segment, stuck.label, stuck.run_id, stuck.state, stuck.allowed_hours) == (
        "vips",
        "c",
        "died",
        "opened",
        hours,
    )
    error = trouble([stuck])
    assert isinstance(error, Unconfirmed)
    assert "run died" in str(error)
    assert "Run these segments" in str(error)
    calendar.advance(24 * HOUR)
    assert calendar.run(door, segment).state == "sealed"
    assert stuck_sessions(workspace, [segment]) == []
    assert trouble([]) is None


@SETTLING
def test_an_upload_that_nobody_asks_about_any_more_is_stuck(calendar: World, door: Door) -> None:
    segment = calendar.segment(door, "vips", people(range(5)))
    calendar.fault(door, door.down, "ask", times=99, skip=door.finds)
    workspace = calendar.workspace(door, retries=Retries(attempts=1))
    with contextlib.suppress(GuestlistError):
        calendar.run(door, segment, workspace)
    calendar.clear_faults(door)
    states = {row.state for row in workspace.ledger.open_sessions("vips", "c")}
    calendar.advance(49 * HOUR)
    assert {one.state for one in stuck_sessions(workspace, [segment])} == states != set()


def test_what_a_later_generation_has_left_behind_is_over(calendar: World) -> None:
    [door] = [door for door in all_doors() if door.id == "meta"]
    segment = calendar.segment(door, "vips", people(range(5)))
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Killed):
        kill_at(patch, Ledger, "received", "before")
        calendar.run(door, segment)
    assert calendar.run(door, segment).state == "sealed"
    calendar.advance(1000 * HOUR)
    assert stuck_sessions(calendar.workspace(door), [segment]) == []
