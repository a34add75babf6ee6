"""Who is erased: whole members whatever their keys were, nobody else, and also where files or segments are gone."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import polars as pl
import pytest
from contract.doors import all_doors
from contract.rig import Door, Wish, World, digest, expected_keys, people, person
from erasure.rig import erase, go_on, known_by, outcomes, segment_file, steps

from guestlist.model.errors import ConfigError, RejectedError, SafetyStop
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Field
from guestlist.pipeline.erasure import Given
from guestlist.runtime.erasure.work import verdict

pytestmark = pytest.mark.slow
META = next(door for door in all_doors() if door.id == "meta")
GOOGLE = next(door for door in all_doors() if door.id == "google_ads-data_manager")
KLAVIYO = next(door for door in all_doors() if door.id == "klaviyo")
SHARED = "+4915155500000"


@pytest.fixture(autouse=True)
def anew(world: World) -> None:
    world.begin_anew()


def synced(world: World, rows: list[dict[str, str]], door: Door = META, name: str = "vips", wish: Wish = Wish()) -> Segment:  # noqa: B008
    segment = segment_file(world, door, name, rows, wish)
    assert world.run(door, segment).state == "sealed"
    return segment


def held(world: World, segment: Segment, door: Door = META) -> dict[str, set[str]]:
    return world.held(door, world.audience(door, segment))


def test_all_keys_of_a_member_go_and_none_comes_back_under_another_name(world: World) -> None:
    rows = [*people(range(5)), person(9, email2="second9@example.com")]
    segment = synced(world, rows)
    erasure = erase(world, META, [Given(Field.EMAIL, " PERSON9@example.com ")])
    assert go_on(world, META, erasure).errors == ()
    assert held(world, segment) == expected_keys(rows[:5], META)
    assert steps(world, META, erasure)["vips", "c"].removed == {"email": 2, "phone": 1}
    again = [*rows[:5], person(50, email="second9@example.com", phone=""), person(9, email="new9@example.com", phone="")]
    segment = synced(world, again)
    assert held(world, segment) == expected_keys(rows[:5], META), "neither by a second address nor by the source's key"


def test_who_has_changed_his_address_is_found_by_the_old_one(world: World) -> None:
    synced(world, [*people(range(5)), person(9)])
    changed = [*people(range(5)), person(9, email="new9@example.com", phone="+4915199990000")]
    segment = synced(world, changed)
    erasure = erase(world, META, known_by(person(9), "email"))
    assert go_on(world, META, erasure).errors == ()
    assert held(world, segment) == expected_keys(changed[:5], META)


def test_a_shared_phone_stays_unless_it_was_given(world: World) -> None:
    rows = [*people(range(5)), person(8, phone=SHARED), person(9, phone=SHARED)]
    segment = synced(world, rows)
    erasure = erase(world, META, known_by(person(9), "email"))
    assert go_on(world, META, erasure).errors == ()
    assert held(world, segment) == expected_keys(rows[:6], META)
    segment = synced(world, rows)
    assert held(world, segment) == expected_keys(rows[:6], META), "the other one is not held to be the same person"
    erasure = erase(world, META, [Given(Field.PHONE, SHARED)])
    assert go_on(world, META, erasure).errors == ()
    assert held(world, segment) == expected_keys(rows[:5], META), "who has what was given is the person"


def test_an_audience_that_the_segment_has_left_is_named_with_who_is_still_on_it(world: World) -> None:
    """Nothing is sent to it any more: the person that it was the last to hold is taken off by hand."""
    rows = people(range(5))
    synced(world, rows, KLAVIYO, wish=Wish(audience="Old"))
    left = world.audience(KLAVIYO, synced(world, rows, KLAVIYO, wish=Wish(audience="New")))
    for person_, told in ((rows[3], ("by_hand", True)), (person(99), ("not_there", False))):
        erasure = erase(world, KLAVIYO, known_by(person_))
        state = go_on(world, KLAVIYO, erasure)
        kept, former = world.workspace(KLAVIYO).ledger.steps(erasure)
        assert (former.audience, former.outcome, former.found) == ("Old", *told)
        assert former.audience_id != kept.audience_id == left
        error = verdict(world.workspace(KLAVIYO), erasure, state)
        assert (error is not None) == told[1]
    (_, closed, *_) = [json.loads(link.content) for link in world.workspace(KLAVIYO).ledger.receipts()]
    assert [(one["audience"], one["outcome"]) for one in closed["audiences"]] == [("New", "removed"), ("Old", "by_hand")]


def test_a_hash_is_as_good_as_the_address(world: World) -> None:
    rows = people(range(5))
    meta, google = synced(world, rows), synced(world, rows, GOOGLE, "others")
    erasure = erase(world, META, [Given(Field.EMAIL, digest("person3@example.com").upper())])
    go_on(world, META, erasure)
    assert go_on(world, GOOGLE, erasure).errors == ()
    assert held(world, meta) == expected_keys([row for row in rows if row["id"] != "c3"], META)
    assert held(world, google, GOOGLE) == expected_keys([row for row in rows if row["id"] != "c3"], GOOGLE)


def test_who_has_long_left_the_warehouse_is_taken_off_an_audience_that_only_grows(world: World) -> None:
    wish = Wish(mode="append")
    synced(world, people(range(6)), wish=wish)
    synced(world, [person(1, email="new1@example.com")], wish=wish)
    segment = synced(world, people(range(2, 3)), wish=wish)
    erasure = erase(world, META, known_by(person(1)))
    assert go_on(world, META, erasure).errors == ()
    assert outcomes(world, META, erasure) == {"vips": "removed"}
    assert held(world, segment) == expected_keys([row for row in people(range(6)) if row["id"] != "c1"], META)


def test_where_the_lake_was_pruned_the_keys_are_sent_everywhere(world: World) -> None:
    rows = people(range(5))
    segment = synced(world, rows)
    for path in (world.folder / "lake" / "vips").rglob("*.parquet"):
        path.unlink()
    erasure = erase(world, META, known_by(rows[3]))
    assert go_on(world, META, erasure).errors == ()
    step = steps(world, META, erasure)["vips", "c"]
    assert (step.outcome, step.removed) == ("removed", {"email": 1, "phone": 1})
    assert step.request_ids
    assert held(world, segment) == expected_keys([row for row in rows if row is not rows[3]], META)


def test_what_a_platform_takes_in_plain_text_cannot_be_sent_from_a_pruned_lake(world: World) -> None:
    rows = people(range(5))
    segment = synced(world, rows, KLAVIYO)
    for path in (world.folder / "lake" / "vips").rglob("*.parquet*"):
        path.unlink()
    erasure = erase(world, KLAVIYO, known_by(rows[3]))
    workspace = world.workspace(KLAVIYO)
    error = verdict(workspace, erasure, go_on(world, KLAVIYO, erasure))
    assert isinstance(error, RejectedError)
    assert outcomes(world, KLAVIYO, erasure) == {"vips": "by_hand"}, "it is never said that they are off"
    assert held(world, segment, KLAVIYO) == expected_keys(rows, KLAVIYO)


def test_an_audience_whose_segment_is_gone_is_reached_all_the_same(world: World) -> None:
    rows = people(range(5))
    segment = synced(world, rows, GOOGLE)
    (world.segments / "vips.yaml").unlink()
    erasure = erase(world, GOOGLE, known_by(rows[3]))
    assert go_on(world, GOOGLE, erasure).errors == ()
    assert held(world, segment, GOOGLE) == expected_keys([row for row in rows if row is not rows[3]], GOOGLE)


def test_who_was_never_there_is_told_to_no_platform(world: World) -> None:
    synced(world, people(range(5)))
    before = len(world.log(META))
    erasure = erase(world, META, known_by(person(77)))
    assert go_on(world, META, erasure).errors == ()
    assert outcomes(world, META, erasure) == {"vips": "not_there"}
    assert len(world.log(META)) == before


def test_an_audience_that_does_not_know_what_was_given_is_not_called_clean(world: World) -> None:
    synced(world, people(range(5)), KLAVIYO)
    erasure = erase(world, KLAVIYO, known_by(person(3), "phone"))
    error = verdict(world.workspace(KLAVIYO), erasure, go_on(world, KLAVIYO, erasure))
    assert outcomes(world, KLAVIYO, erasure) == {"vips": "unknown"}
    assert "by email alone" in str(error)


def test_a_number_that_many_share_erases_nobody_unasked(world: World) -> None:
    rows = [person(number, phone=SHARED) for number in range(30)]
    segment = synced(world, rows)
    with pytest.raises(SafetyStop, match="30 members share"):
        erase(world, META, [Given(Field.PHONE, SHARED)])
    assert world.workspace(META).ledger.erasures() == []
    assert held(world, segment) == expected_keys(rows, META)


def test_nothing_of_an_erased_person_stays_in_the_lake_but_the_list(world: World) -> None:
    rows = people(range(5))
    synced(world, rows)
    synced(world, [*rows[:3], person(3, email="new3@example.com"), rows[4]])
    go_on(world, META, erase(world, META, known_by(rows[3])))
    traces = {digest(value) for value in ("person3@example.com", "new3@example.com", rows[3]["phone"].removeprefix("+"))}
    found = set()
    for path in (world.folder / "lake").rglob("*.parquet"):
        text = str(pl.read_parquet(path).to_dicts())
        found |= {path.parent.name for trace in traces if trace in text}
    assert found == {"_erasures"}
    with closing(sqlite3.connect(world.config.ledger.removeprefix("sqlite:///"))) as ledger:
        books = "\n".join(ledger.iterdump())
    assert not [trace for trace in traces if trace in books], "and none at all in the ledger"


def test_no_run_goes_on_without_the_list(world: World) -> None:
    rows = people(range(5))
    segment = synced(world, rows)
    erasure = erase(world, META, known_by(rows[3]))
    (world.folder / "lake" / "_erasures" / f"{erasure}.parquet").unlink()
    with pytest.raises(ConfigError, match="erased people would come back"):
        world.run(META, segment)
