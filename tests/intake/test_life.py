"""A pushed audience through its life: replaced, appended to, deleted; at every door."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from contract.doors import EVERY_DOOR, all_doors
from contract.rig import Door, World, expected_keys, people
from intake.rig import Pushing

from guestlist.model.vocabulary import Mode

MIRRORS = [door for door in all_doors() if door.mode is Mode.MIRROR]


@pytest.mark.slow
@EVERY_DOOR
def test_what_was_pushed_is_on_the_platform(world: World, door: Door) -> None:
    pushing = Pushing.to(world, door)
    audience = pushing.audience()
    pushing.push(audience, people(range(7)))
    assert pushing.state(audience).status == "pending"
    assert len(pushing.run_due()) == 1
    state = pushing.state(audience)
    assert (state.status, state.total_rows, state.processed_rows, state.progress_percent) == ("ready", 7, 7, 100)
    assert state.matched_rows == 7
    assert pushing.held(audience) == expected_keys(people(range(7)), door)


@pytest.mark.slow
@pytest.mark.parametrize("door", MIRRORS, ids=lambda door: door.id)
def test_replaced_appended_deleted(world: World, door: Door) -> None:
    pushing = Pushing.to(world, door)
    audience = pushing.audience()
    for kind, pushed, there in (
        ("replace", range(6), range(6)),
        ("replace", range(3, 9), range(3, 9)),
        ("append", range(12, 14), [*range(3, 9), 12, 13]),
        ("replace", range(12, 16), range(12, 16)),
    ):
        _push_and_see(pushing, audience, kind, pushed, there)
    pushing.delete(audience)
    pushing.run_due()
    state = pushing.state(audience)
    assert (state.status, state.deleted) == ("ready", True)
    assert not any(pushing.held(audience).values())
    pushing.push(pushing.audience(), people(range(2)))
    assert len(pushing.run_due()) == 1, "its name is free again"


def _push_and_see(pushing: Pushing, audience: object, kind: str, pushed: Sequence[int], there: Sequence[int]) -> None:
    pushing.push(audience, people(pushed), kind)
    pushing.run_due()
    assert pushing.state(audience).status == "ready"
    assert pushing.held(audience) == expected_keys(people(there), pushing.door)


@pytest.mark.slow
@pytest.mark.parametrize("door", [door for door in all_doors() if door.mode is not Mode.MIRROR], ids=lambda door: door.id)
def test_a_platform_that_takes_nobody_off_is_named(world: World, door: Door) -> None:
    pushing = Pushing.to(world, door)
    audience = pushing.audience()
    pushing.push(audience, people(range(5)))
    pushing.run_due()
    held, sent = pushing.held(audience), len(world.log(door))
    pushing.delete(audience)
    assert pushing.run_due() == []
    state = pushing.state(audience)
    assert (state.status, state.deleted) == ("partial", True)
    assert state.message is not None
    assert "c: " in state.message
    assert "by hand" in state.message
    assert (pushing.held(audience), len(world.log(door))) == (held, sent)


@pytest.mark.slow
def test_of_several_destinations_those_that_can_be_emptied_are(world: World) -> None:
    door = next(door for door in MIRRORS if door.platform == "meta")
    there = {"platform": "meta", "connection": "c"}
    mirrored = {**there, "name": "mirrored", "audience": "{audience}", "mode": "mirror"}
    grown = {**there, "name": "grown", "audience": "More {audience}", "mode": "append"}
    pushing = Pushing.to(world, door, destinations=[mirrored, grown])
    audience = pushing.audience()
    pushing.push(audience, people(range(5)))
    pushing.run_due()
    pushing.delete(audience)
    assert len(pushing.run_due()) == 1
    state = pushing.state(audience)
    assert (state.status, state.deleted) == ("partial", True)
    assert "grown: " in (state.message or "")
    first, second = (world.held(door, one.platform_id or "") for one in state.destinations)
    assert not any(first.values())
    assert second == expected_keys(people(range(5)), door)
