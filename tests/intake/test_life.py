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
    assert pushing.push(pushing.audience(), people(range(2))), "its name is free again"


def _push_and_see(pushing: Pushing, audience: object, kind: str, pushed: Sequence[int], there: Sequence[int]) -> None:
    pushing.push(audience, people(pushed), kind)
    pushing.run_due()
    assert pushing.state(audience).status == "ready"
    assert pushing.held(audience) == expected_keys(people(there), pushing.door)
