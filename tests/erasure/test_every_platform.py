"""A person is erased from every platform, through every door and in every mode, and does not come back."""

from __future__ import annotations

import pytest
from contract.doors import all_doors
from contract.rig import Door, Wish, World, expected_keys, people
from erasure.rig import erase, go_on, known_by, outcomes, segment_file, steps

from guestlist.model.errors import Unconfirmed
from guestlist.model.vocabulary import Mode

pytestmark = pytest.mark.slow
WAYS = [(door, mode) for door in all_doors() for mode in door.capabilities.modes if mode is not Mode.REMOVE]
REBUILT = (Mode.SNAPSHOT,)


def _id(value: object) -> str:
    return value.id if isinstance(value, Door) else str(value)


@pytest.mark.parametrize(("door", "mode"), WAYS, ids=_id)
def test_an_erased_person_leaves_and_never_comes_back(world: World, door: Door, mode: Mode) -> None:
    world.begin_anew()
    rows = people(range(8))
    wish = Wish(mode=str(mode))
    segment = segment_file(world, door, world.name("erased"), rows, wish)
    assert world.run(door, segment).state == "sealed"

    erasure = erase(world, door, known_by(rows[3]))
    state = go_on(world, door, erasure)
    if mode in REBUILT:
        assert [type(error) for error in state.errors] == [Unconfirmed]
        assert outcomes(world, door, erasure) == {segment.name: None}, "never said to be removed before it is"
        assert world.held(door, world.audience(door, segment)) == expected_keys(rows, door)
        assert world.run(door, segment).state == "sealed"
        state = go_on(world, door, erasure)

    assert state.errors == ()
    rest = expected_keys([row for row in rows if row is not rows[3]], door)
    (step,) = steps(world, door, erasure).values()
    if door.capabilities.removes or (mode in REBUILT and not door.capabilities.keeps_former):
        assert (step.outcome, step.reason) == ("removed", None)
        assert world.held(door, world.audience(door, segment)) == rest
    else:
        assert step.outcome == "by_hand"
        assert door.capabilities.title in step.reason
    if mode in REBUILT:
        assert world.held(door, world.audience(door, segment)) == rest

    before = world.held(door, world.audience(door, segment))
    if mode is Mode.REPLACE:
        world.advance(49 * 3600)
    workspace = world.workspace(door)
    report = world.run(door, segment, workspace)
    assert (report.state, report.wanted) == ("sealed", 7)
    assert workspace.ledger.last_runs(segment.name)[0].drops["rows"]["erased"] == 1
    assert world.held(door, world.audience(door, segment)) == before
    assert workspace.ledger.erasure(erasure).closed_at is not None
