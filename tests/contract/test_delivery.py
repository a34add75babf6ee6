"""What every platform owes: the promises of a run, kept against the sandbox through the real carriers and SDKs."""

from __future__ import annotations

import contextlib

import pytest
from contract.doors import EVERY_DOOR, all_doors
from contract.rig import Door, Wish, World, balanced, expected_keys, people, person

from guestlist.model.errors import AuthError, ConfigError, GuestlistError, RateLimitedError, TransientError
from guestlist.model.vocabulary import Mode
from guestlist.runtime.driver import Retries

pytestmark = pytest.mark.slow
REFRESHING = pytest.mark.parametrize("door", [door for door in all_doors() if door.stale], ids=lambda door: door.id)
MIRRORING = pytest.mark.parametrize(
    "door", [door for door in all_doors() if door.mode is Mode.MIRROR], ids=lambda door: door.id
)
NAMING = pytest.mark.parametrize("door", [door for door in all_doors() if door.refuses_rows], ids=lambda door: door.id)
CREATING = pytest.mark.parametrize("door", [door for door in all_doors() if "create" in door.paths], ids=lambda door: door.id)
WAITING = pytest.mark.parametrize("door", [door for door in all_doors() if door.busy[1]], ids=lambda door: door.id)
REPEATING = pytest.mark.parametrize(
    "door", [door for door in all_doors() if door.paths["add"] != door.paths.get("create")], ids=lambda door: door.id
)
"""Where an upload is no creation, which nobody repeats blindly."""
FAILING = [
    pytest.param(door, how, id=f"{door.id}-{how}")
    for door in all_doors()
    for how in ("late_failure", "partial_failure")
    if getattr(door, how)
]
STEPS = [
    pytest.param(door, step, id=f"{door.id}-{step}")
    for door in all_doors()
    for step in ("find", "create", "add", "ask")
    if step in door.paths
]
MODES = [(door, mode) for door in all_doors() for mode in Mode]
NAMES = ("Größte Käufer 🎯", 'عملاء "VIP"', "a'b\\c", "Мои  клиенты\u200b", "x" * 120)


def can(door: Door, mode: Mode) -> bool:
    return mode in door.capabilities.modes


def _id(value: object) -> str:
    return value.id if isinstance(value, Door) else str(value)


@MIRRORING
def test_a_run_makes_the_books_equal_the_segment_and_the_next_one_sends_only_what_changed(world: World, door: Door) -> None:
    rows = people(range(12))
    segment = world.segment(door, world.name("mirror"), rows)
    report = world.run(door, segment)
    assert (report.state, report.added, report.removed) == ("sealed", 12, 0)
    audience = world.audience(door, segment)
    assert world.held(door, audience) == expected_keys(rows, door)
    changed = [*people(range(3, 11)), person(11, email="new11@example.com"), *people(range(20, 24))]
    world.segment(door, segment.name, changed)
    sent_before = sum(line["rows"] for line in world.log(door))
    second = world.run(door, segment)
    assert (second.state, second.held, second.wanted) == ("sealed", 12, 13)
    assert world.held(door, audience) == expected_keys(changed, door)
    assert sum(line["rows"] for line in world.log(door)) - sent_before == 3 + 1 + 1 + 4
    third = world.run(door, segment)
    assert (third.state, third.rows_planned) == ("sealed", 0)
    assert all(map(balanced, (report, second, third)))


@MIRRORING
@pytest.mark.parametrize("name", NAMES)
def test_ensure_finds_its_audience_again_whatever_its_name(world: World, door: Door, name: str) -> None:
    segment = world.segment(door, world.name("names"), people(range(2)), Wish(audience=name))
    ready = world.ready(door, segment)
    first = ready.driver.run(ready.destination.ensure(ready.spec))
    again = world.ready(door, segment)
    assert again.driver.run(again.destination.ensure(again.spec)) == first
    assert [book["name"] for book in world.books(door)] == [door.shown(name)]


@EVERY_DOOR
def test_two_segments_of_one_account_have_two_audiences(world: World, door: Door) -> None:
    one = world.segment(door, world.name("one"), people(range(2)), Wish(audience="One"))
    two = world.segment(door, world.name("two"), people(range(2, 4)), Wish(audience="Two"))
    assert world.run(door, one).state == world.run(door, two).state == "sealed"
    assert world.audience(door, one) != world.audience(door, two)


@EVERY_DOOR
def test_an_upload_whose_answer_was_lost_changes_nothing_when_it_is_repeated(world: World, door: Door) -> None:
    rows = people(range(5))
    segment = world.segment(door, world.name("lost_answer"), rows)
    world.fault(door, {"drop": "after"}, "add")
    assert world.run(door, segment).state == "sealed"
    assert world.held(door, world.audience(door, segment)) == expected_keys(rows, door)


@MIRRORING
def test_a_repeated_upload_changes_nothing(world: World, door: Door) -> None:
    rows = people(range(5))
    segment = world.segment(door, world.name("repeat"), rows)
    world.run(door, segment)
    audience = world.audience(door, segment)
    for _ in range(2):
        world.fault(door, {"drop": "after"}, "add")  # the platform acts, the answer is lost, the driver sends it again
        changed = [*rows, person(50)]
        world.segment(door, segment.name, changed)
        assert world.run(door, segment).state == "sealed"
        assert world.held(door, audience) == expected_keys(changed, door)
        world.fault(door, {"drop": "after"}, "remove")
        world.segment(door, segment.name, rows)
        assert world.run(door, segment).state == "sealed"
        assert world.held(door, audience) == expected_keys(rows, door)


@NAMING
def test_a_refused_row_is_set_aside_by_name_and_the_rest_goes_on(world: World, door: Door) -> None:
    rows = people(range(8))
    segment = world.segment(door, world.name("rows"), rows)
    world.fault(door, {"reject_rows": [1, 6]}, "add")
    workspace = world.workspace(door)
    report = world.run(door, segment, workspace, "r")
    assert (report.state, report.rows_accepted, sum(report.rejected.values())) == ("rejected", 6, 2)
    assert balanced(report)
    plan = workspace.ledger.plans_of_run(segment.name, "c", "r")[0]
    [session] = workspace.ledger.sessions(plan.id)
    [batch] = workspace.ledger.batches(session.id)
    assert sorted(batch.rejected) == [1, 6]
    held = world.held(door, world.audience(door, segment))
    assert len(held[door.kinds[0]]) == 6
    assert world.run(door, segment).state == "sealed"  # what was refused is tried again
    assert world.held(door, world.audience(door, segment)) == expected_keys(rows, door)


@CREATING
def test_a_lost_reply_to_a_creation_makes_no_second_audience(world: World, door: Door) -> None:
    rows = people(range(3))
    segment = world.segment(door, world.name("lost"), rows)
    world.fault(door, {"drop": "after"}, "create")
    assert world.run(door, segment).state == "sealed"
    assert len(world.books(door)) == 1


@CREATING
def test_a_creation_that_was_cut_before_it_acted_is_made_good(world: World, door: Door) -> None:
    segment = world.segment(door, world.name("cut"), people(range(3)))
    world.fault(door, {"drop": "before"}, "create")
    try:
        world.run(door, segment)
    except TransientError:
        assert world.run(door, segment).state == "sealed"
    assert len(world.books(door)) == 1


@pytest.mark.parametrize("how", ["html", "empty", "truncated", "wrong_type"])
@pytest.mark.parametrize(("door", "step"), STEPS)
def test_a_broken_answer_is_never_a_success_and_never_a_second_audience(world: World, door: Door, how: str, step: str) -> None:
    rows = people(range(4))
    segment = world.segment(door, world.name("broken"), rows)
    world.fault(door, {"malformed": how}, step)
    with contextlib.suppress(GuestlistError):
        report = world.run(door, segment)
        assert balanced(report)
        assert report.state != "sealed" or world.held(door, world.audience(door, segment)) == expected_keys(rows, door)
    world.clear_faults(door)
    assert world.run(door, segment).state == "sealed"
    assert world.held(door, world.audience(door, segment)) == expected_keys(rows, door)
    assert len(world.books(door)) <= (2 if door.whole else 1)  # a build that was given up may stay behind


@WAITING
def test_the_wait_that_the_platform_asks_for_is_obeyed(world: World, door: Door) -> None:
    segment = world.segment(door, world.name("wait"), people(range(3)))
    action, seconds = door.busy
    world.fault(door, action, "add")
    assert world.run(door, segment).state == "sealed"
    assert world.sleeps[0] == seconds


@WAITING
def test_a_wait_that_is_too_long_for_a_task_is_left_to_the_next_run(world: World, door: Door) -> None:
    segment = world.segment(door, world.name("long"), people(range(3)))
    world.fault(door, door.busy[0], "add", times=9)
    patience = (door.busy[1] or 0) * 1.5
    with pytest.raises(RateLimitedError) as caught:
        world.run(door, segment, world.workspace(door, retries=Retries(attempts=9, seconds=patience)))
    assert caught.value.retry_after == door.busy[1]
    assert (caught.value.segment, caught.value.destination) == (segment.name, "c")
    world.clear_faults(door)
    assert world.run(door, segment).state == "sealed"


@REPEATING
def test_trouble_that_passes_is_waited_out_ever_longer(world: World, door: Door) -> None:
    segment = world.segment(door, world.name("down"), people(range(3)))
    world.fault(door, door.down, "add", times=2)
    assert world.run(door, segment).state == "sealed"
    first, second = world.sleeps[:2]
    assert 0 < first <= 0.5 <= second <= 1


@EVERY_DOOR
def test_a_revoked_credential_is_told_as_such_and_nothing_is_tried_again(world: World, door: Door) -> None:
    segment = world.segment(door, world.name("revoked"), people(range(3)))
    world.fault(door, door.denied, times=99)
    with pytest.raises(AuthError) as caught:
        world.run(door, segment)
    assert caught.value.segment == segment.name
    assert len([line for line in world.log(door) if line["operation"] != "token"]) <= 2  # a fresh token may be tried once
    assert world.sleeps == []


@REFRESHING
def test_a_token_that_expires_under_way_is_refreshed_once(world: World, door: Door) -> None:
    assert door.stale
    segment = world.segment(door, world.name("stale"), people(range(3)))
    world.fault(door, door.stale, "add")
    assert world.run(door, segment).state == "sealed"
    statuses = [line["status"] for line in world.log(door) if line["rows"] or line["status"] == 401]
    assert (statuses[0], statuses[1] // 100, len(statuses)) == (401, 2, 2)


@pytest.mark.parametrize(("door", "how"), FAILING)
def test_work_that_fails_later_is_not_green_and_is_sent_again(world: World, door: Door, how: str) -> None:
    fault = getattr(door, how)
    rows = people(range(6))
    segment = world.segment(door, world.name(how), rows)
    world.fault(door, fault, door.fails_at)
    report = world.run(door, segment)
    assert report.state == "rejected"
    assert balanced(report)
    again = world.run(door, segment)
    assert (again.state, again.rows_planned) == ("sealed", 6)
    assert world.held(door, world.audience(door, segment)) == expected_keys(rows, door)


@pytest.mark.parametrize(("door", "mode"), [pair for pair in MODES if can(*pair)], ids=_id)
def test_every_mode_that_a_platform_says_it_can_do(world: World, door: Door, mode: Mode) -> None:
    before, after = people(range(6)), [*people(range(4, 9)), person(3, email="other3@example.com")]
    segment = world.segment(door, world.name(mode.value), before, Wish(mode=mode))
    if mode is Mode.REMOVE:
        world.run(door, world.segment(door, world.name("filled"), before))  # the same audience, filled by somebody else
        world.segment(door, segment.name, before, Wish(mode=mode))
    assert world.run(door, segment).state == "sealed"
    world.advance(2 * 86_400)
    world.segment(door, segment.name, after, Wish(mode=mode))
    assert world.run(door, segment).state == "sealed"
    held = world.held(door, world.audience(door, segment))
    if mode is Mode.APPEND:
        assert held == expected_keys([*before, *after], door)
    else:
        assert held == ({} if mode is Mode.REMOVE else expected_keys(after, door))


@pytest.mark.parametrize(("door", "mode"), [pair for pair in MODES if not can(*pair)], ids=_id)
def test_a_mode_that_a_platform_cannot_do_is_refused_with_those_that_it_can(world: World, door: Door, mode: Mode) -> None:
    with pytest.raises(ConfigError, match="it can do: "):
        world.segment(door, world.name(mode.value), people(range(2)), Wish(mode=mode))


DELETED = [
    pytest.param(door, unfinished, id=f"{door.id}, {'while work was under way' if unfinished else 'between two runs'}")
    for door in all_doors()
    for unfinished in (False, True)
    if door.notices_deletion and not (unfinished and (door.whole or "ask" not in door.paths))
]


@pytest.mark.parametrize(("door", "unfinished"), DELETED)
def test_an_audience_that_somebody_deleted_is_made_anew_and_filled_whole(world: World, door: Door, unfinished: bool) -> None:
    segment = world.segment(door, world.name("deleted"), people(range(5)))
    if unfinished:
        world.fault(door, door.down, "ask", times=3, skip=door.finds)
        with pytest.raises(TransientError):
            world.run(door, segment)
        world.clear_faults(door)
    else:
        assert world.run(door, segment).state == "sealed"
    deleted = world.audience(door, segment)
    world.delete(door, deleted)
    rows = people(range(2, 8))
    world.segment(door, segment.name, rows)
    report = world.run(door, segment)
    assert (report.state, report.added) == ("sealed", 6)
    assert world.audience(door, segment) != deleted
    assert world.held(door, world.audience(door, segment)) == expected_keys(rows, door)
