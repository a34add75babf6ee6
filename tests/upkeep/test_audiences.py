"""Audiences that nobody keeps any more are listed: those of the ledger, and those that platforms show with our mark."""

from __future__ import annotations

import dataclasses

import pytest
from contract.doors import EVERY_DOOR, all_doors
from contract.rig import Door, Wish, World, people

from guestlist.model.errors import AuthError
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Mode
from guestlist.runtime.upkeep.audiences import Keeper, list_audiences

pytestmark = pytest.mark.slow
MARKING = {"google_ads", "meta", "snapchat_ads"}
BUILDING = {"topsort", "whop", "pitchtarget"}


def named(name: str) -> Door:
    return next(door for door in all_doors() if door.id == name)


def listed(world: World, door: Door, *segments: Segment, ask: bool = True) -> dict[str, tuple[Keeper, str | None]]:
    """Id -> who keeps it, and its segment."""
    listing = list_audiences(world.workspace(door), segments, ask=ask)
    assert listing.errors == []
    return {one.id: (one.keeper, one.segment) for one in listing.audiences}


def ran(world: World, door: Door, name: str, audience: str) -> tuple[Segment, str]:
    segment = world.segment(door, name, people(range(4)), Wish(audience=audience))
    assert world.run(door, segment).state == "sealed"
    return segment, world.audience(door, segment)


@EVERY_DOOR
def test_an_audience_whose_segment_file_is_gone_is_listed(world: World, door: Door) -> None:
    world.begin_anew()
    kept, its = ran(world, door, "kept", "Kept")
    _, orphan = ran(world, door, "dropped", "Dropped")
    (world.segments / "dropped.yaml").unlink()
    assert listed(world, door, kept) == {its: (Keeper.SEGMENT, "kept"), orphan: (Keeper.NO_FILE, "dropped")}


def test_whom_a_broken_file_names_nobody_knows_so_nothing_of_its_is_an_orphan(world: World) -> None:
    world.begin_anew()
    door = named("meta")
    _, its = ran(world, door, "broken", "Kept")
    path = world.segments / "broken.yaml"
    path.write_text("name: [", encoding="utf-8")
    assert listed(world, door) == {its: (Keeper.SEGMENT, "broken")}
    path.unlink()
    assert listed(world, door) == {its: (Keeper.NO_FILE, "broken")}


def test_an_audience_that_its_segment_has_left_is_listed(world: World) -> None:
    world.begin_anew()
    door = named("klaviyo")
    _, old = ran(world, door, "vips", "Old")
    segment, new = ran(world, door, "vips", "New")
    assert listed(world, door, segment) == {new: (Keeper.SEGMENT, "vips"), old: (Keeper.LEFT, "vips")}


def test_one_that_was_deleted_and_made_anew_under_its_name_is_not_left(world: World) -> None:
    world.begin_anew()
    door = named("klaviyo")
    segment, deleted = ran(world, door, "vips", "VIPs")
    world.delete(door, deleted)
    _, new = ran(world, door, "vips", "VIPs")
    assert listed(world, door, segment) == {new: (Keeper.SEGMENT, "vips")}


@pytest.mark.parametrize("door", [door for door in all_doors() if door.platform in MARKING], ids=lambda door: door.id)
def test_an_audience_with_our_mark_that_the_ledger_does_not_know_is_listed(world: World, door: Door) -> None:
    world.begin_anew()
    _, lost = ran(world, door, "of_another_installation", "Lost")
    # the platform stays as it is; the ledger is another one
    world.config = dataclasses.replace(world.config, ledger=f"sqlite:///{world.folder}/{door.id}-other.db")
    segment, its = ran(world, door, "mine", "Mine")
    listing = list_audiences(world.workspace(door), [segment], ask=True)
    assert {one.id: one.keeper for one in listing.audiences} == {its: Keeper.SEGMENT, lost: Keeper.UNKNOWN}
    [unknown] = [one for one in listing.audiences if one.keeper is Keeper.UNKNOWN]
    assert (unknown.name, unknown.mark, unknown.orphaned) == ("Lost", "guestlist:of_another_installation:c", True)
    assert listed(world, door, segment, ask=False) == {its: (Keeper.SEGMENT, "mine")}


@pytest.mark.parametrize("door", [door for door in all_doors() if door.platform in BUILDING], ids=lambda door: door.id)
def test_what_stays_of_earlier_builds_is_listed_with_its_segment(world: World, door: Door) -> None:
    world.begin_anew()
    ids = []
    for numbers in (range(4), range(2, 7)):
        segment = world.segment(door, "built", people(numbers), Wish(mode=Mode.SNAPSHOT))
        assert world.run(door, segment).state == "sealed"
        ids.append(world.audience(door, segment))
    found = listed(world, door, segment)
    replaced = {ids[0]: (Keeper.REPLACED, "built")} if door.platform == "topsort" else {}  # the others delete it
    assert found == {ids[1]: (Keeper.SEGMENT, "built"), **replaced}


def test_a_connection_that_cannot_be_asked_is_told_and_does_not_hide_what_the_ledger_knows(world: World) -> None:
    world.begin_anew()
    door = named("meta")
    segment, its = ran(world, door, "vips", "VIPs")
    world.fault(door, door.denied, times=9)
    listing = list_audiences(world.workspace(door), [segment], ask=True)
    assert [one.id for one in listing.audiences] == [its]
    [error] = listing.errors
    assert isinstance(error, AuthError)


def test_each_connection_is_asked_once(world: World) -> None:
    world.begin_anew()
    door = named("meta")
    segments = [ran(world, door, name, name)[0] for name in ("one", "two", "three")]
    before = len(world.log(door))
    list_audiences(world.workspace(door), segments, ask=True)
    assert len(world.log(door)) - before == 1


@pytest.mark.parametrize("door", [named("meta"), named("google_ads-data_manager")], ids=lambda door: door.id)
def test_all_pages_are_read(world: World, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    world.begin_anew()
    from guestlist.destinations import _data_manager, meta

    monkeypatch.setattr(meta, "_PAGE", 2)
    monkeypatch.setattr(_data_manager, "_PAGE", 2)
    made = [ran(world, door, f"number_{number}", f"Number {number}") for number in range(5)]
    ready = world.ready(door, made[0][0])
    assert {one.id for one in ready.driver.run(ready.destination.marked())} == {audience for _, audience in made}
