"""Complaints of people who stayed on an audience that they should have left."""

from __future__ import annotations

import shutil

import polars as pl
import pytest
from complaints.rig import HASHED, MIRRORING, doors, listen, run_unapproved
from contract.doors import all_doors
from contract.rig import Door, Wish, World, digest, expected_keys, people, person

from guestlist.model.errors import DataError, GuestlistError
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Mode
from guestlist.runtime.sync.plan import PlanOptions
from guestlist.runtime.sync.run import RunOptions, run_segment

pytestmark = pytest.mark.slow
META = next(door for door in all_doors() if door.id == "meta")
SWEEPING = [door for door in all_doors() if Mode.REPLACE in door.capabilities.modes]
JOBS = next(door for door in all_doors() if door.id == "google_ads-google_ads")


def books(world: World, door: Door, segment: Segment) -> dict[str, set[str]]:
    return world.held(door, world.audience(door, segment))


@doors(MIRRORING)
def test_a_full_resend_removes_who_has_left_with_every_key_they_ever_had(world: World, door: Door) -> None:
    """Elsewhere a full resync ignored removed rows, and a delete carried the row's key alone, so that earlier values stayed.

    https://hightouch.com/docs/syncs/overview
    https://www.twilio.com/docs/segment/connections/reverse-etl/manage-retl
    """
    segment = world.segment(door, world.name("resent"), people(range(6)))
    world.run(door, segment)
    moved = [person(0, email="new0@example.com", phone="+4915119999999"), *people(range(1, 6))]
    world.run(door, world.segment(door, segment.name, moved))
    left = people(range(2, 7))
    world.segment(door, segment.name, left)
    options = RunOptions(plan=PlanOptions(full_resend=True), approved_by="tests")
    [report] = run_segment(world.workspace(door), segment, "resend", options).destinations
    assert (report.state, report.removed, report.added) == ("sealed", 2, 5)
    assert books(world, door, segment) == expected_keys(left, door)


@doors([door for door in MIRRORING if door in HASHED])
def test_who_leaves_after_the_form_of_keys_has_changed_is_off_in_every_form(world: World, door: Door) -> None:
    """Elsewhere members could not be deleted any more once the format of their identifiers had changed.

    https://github.com/googleads/google-ads-python/issues/538
    """
    rows = people(range(6))
    plain = world.segment(door, world.name("form"), rows)
    assert world.run(door, plain).state == "sealed"
    other = [row | {name: digest(f"in another form {row[name]}") for name in ("email", "phone")} for row in rows]
    identifiers = {name: {"columns": name, "hashed": True} for name in ("email", "phone")}
    wish = Wish(more={"identifiers": identifiers})
    hashed = world.segment(door, plain.name, other[:5], wish)
    assert world.run(door, hashed).state == "sealed"
    assert books(world, door, plain) == {name: {row[name] for row in other[:5]} for name in door.kinds}
    world.segment(door, plain.name, other[1:5], wish)
    assert world.run(door, hashed).state == "sealed"
    assert books(world, door, plain) == {name: {row[name] for row in other[1:5]} for name in door.kinds}


@doors(MIRRORING)
def test_a_removal_that_broke_off_is_done_although_a_column_has_another_type_now(world: World, door: Door) -> None:
    """Elsewhere trying a removal again was not safe once a column's type had changed, and everybody had to be sent anew.

    https://hightouch.com/docs/developer-tools/error-codes
    """
    segment = numbered(world, door, range(12), pl.Int64)
    assert world.run(door, segment).state == "sealed"
    world.fault(door, door.down, "remove", times=9)
    with pytest.raises(GuestlistError):
        world.run(door, numbered(world, door, range(4, 12), pl.Int64, segment.name))
    world.clear_faults(door)
    stopped = run_unapproved(world, door, numbered(world, door, range(4, 14), pl.Float64, segment.name))
    assert stopped.state == "stopped"
    assert any("schema_change" in breach for breach in stopped.breaches)
    report = world.run(door, numbered(world, door, range(4, 14), pl.String, segment.name))
    assert (report.state, report.added) == ("sealed", 2), "nobody who stays is another person now"
    assert books(world, door, segment) == expected_keys(people(range(4, 14)), door)


def numbered(world: World, door: Door, numbers: range, kind: type[pl.DataType], name: str = "") -> Segment:
    """People whose key is a number, of this type in the source."""
    name = name or world.name("typed")
    rows = people(numbers)
    key = pl.Series("id", list(numbers)).cast(pl.Int64).cast(kind)
    pl.DataFrame(rows).drop("id").with_columns(key).write_parquet(world.folder / f"{name}.parquet")
    return world.segment(door, name, rows, Wish(more={"source": {"file": f"{name}.parquet"}}))


@pytest.mark.parametrize("mended", ["from a backup", "with a new audience"])
def test_where_the_last_generation_is_lost_nobody_is_forgotten_in_silence(world: World, mended: str) -> None:
    """Elsewhere the objects of the previous run were missing, and the answer was a full resync, which forgets who has left.

    https://hightouch.com/docs/developer-tools/error-codes
    """
    segment = world.segment(META, world.name("lost"), people(range(6)))
    world.run(META, segment)
    generations, backup = world.folder / "lake" / segment.name / "generations", world.folder / f"backup of {segment.name}"
    shutil.move(generations, backup)
    rows = people(range(2, 8))
    world.segment(META, segment.name, rows)
    with pytest.raises(DataError, match=r"bring it back from a backup.*delete the audience on the platform"):
        world.run(META, segment)
    assert books(world, META, segment) == expected_keys(people(range(6)), META), "nothing was sent"
    if mended == "from a backup":
        shutil.move(backup, generations)
    else:
        world.delete(META, world.audience(META, segment))
    report = world.run(META, segment)
    assert (report.state, report.removed) == ("sealed", 2 if mended == "from a backup" else 0)
    assert books(world, META, segment) == expected_keys(rows, META)


def test_a_generation_that_has_lost_a_part_is_not_taken_for_a_smaller_one(world: World) -> None:
    """Elsewhere objects of the previous run were missing: whoever stood in them would be forgotten, and stay on the audience.

    https://hightouch.com/docs/developer-tools/error-codes
    """
    segment = world.segment(META, world.name("part"), people(range(6)))
    world.run(META, segment)
    [part] = (world.folder / "lake" / segment.name / "generations").rglob("*.parquet")
    pl.read_parquet(part).head(5).write_parquet(part)
    world.segment(META, segment.name, people(range(2, 8)))
    with pytest.raises(DataError, match=r"has lost .* or a part of it"):
        world.run(META, segment)


@doors(SWEEPING)
def test_who_was_on_the_audience_before_can_be_swept_off(world: World, door: Door) -> None:
    """Elsewhere members who were on a list before the first sync were never removed.

    https://docs.getcensus.com/destinations/google-ads/customer-match-audiences
    """
    world.run(door, world.segment(door, world.name("other_tool"), people(range(10)), Wish(mode="append")))
    before = [book["id"] for book in world.books(door)]
    world.advance(2 * 86_400)
    rows = people(range(5, 15))
    segment = world.segment(door, world.name("ours"), rows, Wish(mode="replace"))
    assert world.run(door, segment).state == "sealed"
    assert [book["id"] for book in world.books(door)] == before, "it is the same audience"
    assert books(world, door, segment) == expected_keys(rows, door)


@doors(MIRRORING)
def test_additions_and_removals_are_never_in_one_request(world: World, door: Door) -> None:
    """Elsewhere additions and removals shared a job and came into conflict, or a wipe overtook the additions after it.

    https://github.com/google/megalista/pull/42
    https://github.com/google/megalista/pull/124
    https://github.com/googleads/google-ads-java/issues/415
    """
    segment = world.segment(door, world.name("apart"), people(range(8)))
    world.run(door, segment)
    begun = len(world.log(door))
    world.segment(door, segment.name, people(range(4, 12)))
    workspace = world.workspace(door)
    calls = listen(workspace)
    assert world.run(door, segment, workspace).state == "sealed"
    sent = [line["operation"] for line in world.log(door, begun) if line["rows"]]
    assert sent == sorted(sent, key=["remove", "add"].index)
    assert books(world, door, segment) == expected_keys(people(range(4, 12)), door)
    if door is JOBS:
        jobs = {call.body["resourceName"]: {*call.body["operations"][0]} for call, _ in calls if call.rows}
        assert sorted(map(list, jobs.values())) == [["create"], ["remove"]], "a job for each"
