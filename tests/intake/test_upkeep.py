"""Upkeep looks after pushed audiences as after any: they are segments of their own to it."""

from datetime import timedelta

import pytest
from contract.doors import all_doors
from contract.rig import World, people
from intake.rig import Pushing

from guestlist.model.errors import ConfigError
from guestlist.runtime.intake.audiences import find_any, segment_name, with_pushed
from guestlist.runtime.upkeep.audiences import Keeper, list_audiences
from guestlist.runtime.upkeep.reconcile import reconcile

META = next(door for door in all_doors() if door.platform == "meta")
pytestmark = pytest.mark.slow


def test_a_pushed_audience_is_no_orphan_and_is_reconciled(world: World) -> None:
    pushing = Pushing.to(world, META)
    audience = pushing.audience()
    pushing.push(audience, people(range(5)))
    pushing.run_due()
    here = pushing.workspace
    segments = list(with_pushed(here, [pushing.intake]))
    assert [one.name for one in segments] == [segment_name(audience)]
    [listed] = [one for one in list_audiences(here, segments, ask=False).audiences if one.segment == segments[0].name]
    assert listed.keeper is Keeper.SEGMENT
    world.advance(timedelta(hours=2).total_seconds())
    [found] = reconcile(here, segments, only_due=False).found
    assert (found.members, found.audience) == (5, "VIPs")


def test_found_by_the_name_that_the_ledger_has(world: World) -> None:
    pushing = Pushing.to(world, META)
    audience = pushing.audience()
    pushing.push(audience, people(range(5)))
    found = find_any(pushing.workspace, segment_name(audience))
    assert found.destinations[0].audience == "VIPs"
    assert find_any(pushing.workspace, pushing.intake.name).name == pushing.intake.name
    with pytest.raises(ConfigError, match="there is no segment"):
        find_any(pushing.workspace, f"{pushing.intake.name}__nobody")


def test_an_intake_itself_has_no_rows(world: World) -> None:
    pushing = Pushing.to(world, META)
    with pytest.raises(ConfigError, match="they come with each upload"):
        pushing.workspace.reader(pushing.intake.source)
