"""Klaviyo: whole runs against the sandbox, with a list and with a property."""

from __future__ import annotations

import dataclasses

import pytest
from contract.rig import Door, Wish, World, balanced, digest, people, person
from destinations.klaviyo import batch, session
from destinations.test_klaviyo import DOORS

from guestlist.model.conversation import Call
from guestlist.model.errors import ConfigError, TransientError

[DOOR] = DOORS
PROPERTY = dataclasses.replace(DOOR, id="klaviyo-property", options={"membership": "property"})
BOTH = pytest.mark.parametrize("door", [DOOR, PROPERTY], ids=lambda door: door.id)


def keys(rows: list[dict[str, str]]) -> dict[str, set[str]]:
    return {"email": {digest(row["email"]) for row in rows}}


@BOTH
def test_books_follow_the_segment_and_consent_is_never_touched(world: World, door: Door) -> None:
    before, after = people(range(12)), [*people(range(3, 11)), person(11, email="new+11@example.com"), *people(range(20, 24))]
    segment = world.segment(door, world.name("both"), before)
    assert world.run(door, segment).state == "sealed"
    assert world.held(door, world.audience(door, segment)) == keys(before)
    report = world.run(door, world.segment(door, segment.name, after))
    assert (report.state, report.added, report.removed) == ("sealed", 5, 4)
    assert world.held(door, world.audience(door, segment)) == keys(after)
    assert not any("subscription" in line["path"] for line in world.log(door))


@BOTH
def test_nobody_is_made_a_profile_in_order_to_be_removed(world: World, door: Door) -> None:
    world.run(door, world.segment(door, world.name("some"), people(range(3)), Wish(mode="append")))
    segment = world.segment(door, world.name("more"), people(range(6)), Wish(mode="remove"))
    assert world.run(door, segment).state == "sealed"
    assert world.held(door, world.audience(door, segment)) == {}
    assert sum(line["rows"] for line in world.log(door) if line["operation"] == "remove") == 3


@pytest.mark.parametrize(("by", "kind", "column"), [("phone", "phone", "phone"), ("external_id", "external_id", "id")])
def test_people_can_be_known_by_phone_or_by_our_own_id(world: World, by: str, kind: str, column: str) -> None:
    door = dataclasses.replace(DOOR, options={"identify_by": by})
    rows, wish = people(range(5)), Wish(more={"identifiers": {"email": "email", "phone": "phone", "external_id": "id"}})
    segment = world.segment(door, world.name(by), rows, wish)
    assert world.run(door, segment).state == "sealed"
    assert world.held(door, world.audience(door, segment)) == {kind: {digest(row[column]) for row in rows}}
    world.segment(door, segment.name, rows[:2], wish)
    assert world.run(door, segment).state == "sealed"
    assert world.held(door, world.audience(door, segment)) == {kind: {digest(row[column]) for row in rows[:2]}}


def test_rows_that_a_job_refuses_are_named_and_only_they_are_sent_again(world: World) -> None:
    rows = people(range(8))
    segment = world.segment(DOOR, world.name("late"), rows)
    world.fault(DOOR, {"fail_job": "partial", "count": 3, "reason": "invalid"}, "add")
    report = world.run(DOOR, segment)
    assert (report.state, report.rows_accepted, report.rejected) == ("rejected", 5, {"invalid": 3})
    assert balanced(report)
    again = world.run(DOOR, segment)
    assert (again.state, again.rows_planned) == ("sealed", 3)
    assert world.held(DOOR, world.audience(DOOR, segment)) == keys(rows)


@BOTH
def test_rows_that_klaviyo_will_not_read_are_found_even_where_it_points_at_none(world: World, door: Door) -> None:
    ready = world.ready(door, world.segment(door, world.name("unread"), people(range(2))))
    audience = ready.driver.run(ready.destination.ensure(ready.spec))
    emails = [f"p{number}@example.com" for number in range(40)]
    rows = batch(*emails[:17], "no address", *emails[17:])
    sent = dataclasses.replace(session(), audience=audience)
    for points in (True, False):
        world.settings(door, points_at_rows=points)
        receipt = ready.driver.run(ready.destination.send(sent, {}, rows))
        assert (receipt.accepted, list(receipt.rejected)) == (40, [17])
    ready.close()


def test_a_request_that_is_too_large_is_halved(world: World) -> None:
    rows = people(range(40))
    segment = world.segment(DOOR, world.name("large"), rows)
    world.settings(DOOR, bytes_per_import=2000)
    assert world.run(DOOR, segment).state == "sealed"
    assert [line["status"] for line in world.log(DOOR) if line["path"].endswith("import-jobs")] == [413, 202, 202]
    assert world.held(DOOR, world.audience(DOOR, segment)) == keys(rows)


def test_a_removal_of_many_waits_for_the_windows_of_the_rate_limit(world: World) -> None:
    rows = people(range(9000))
    segment = world.segment(DOOR, world.name("many"), rows, Wish(more={"identifiers": {"email": "email"}}))
    assert world.run(DOOR, segment).state == "sealed"
    world.segment(DOOR, segment.name, rows[:1000], Wish(more={"identifiers": {"email": "email"}}))
    assert world.run(DOOR, segment).state == "sealed"
    assert world.held(DOOR, world.audience(DOOR, segment)) == keys(rows[:1000])
    lookups = [line for line in world.log(DOOR) if line["operation"] == "lookup"]
    assert len([line for line in lookups if line["status"] == 200]) == 80


def test_two_lists_of_one_name_are_refused_and_none_is_made(world: World) -> None:
    segment = world.segment(DOOR, world.name("twice"), people(range(2)))
    ready = world.ready(DOOR, segment)
    body = {"data": {"type": "list", "attributes": {"name": "People"}}}
    for _ in range(2):
        ready.carriers["http"].send(Call("http", "POST", "/api/lists", body))
    with pytest.raises(ConfigError, match="2 lists of this name"):
        world.run(DOOR, segment)
    assert len(world.books(DOOR)) == 2
    ready.close()


@pytest.mark.parametrize("unfinished", [False, True], ids=["between two runs", "while an import was under way"])
def test_a_list_that_somebody_deleted_is_made_anew_and_filled_whole(world: World, unfinished: bool) -> None:
    segment = world.segment(DOOR, world.name("deleted"), people(range(5)))
    if unfinished:
        world.fault(DOOR, DOOR.down, "ask", times=3)
        with pytest.raises(TransientError):
            world.run(DOOR, segment)
        world.clear_faults(DOOR)
    else:
        assert world.run(DOOR, segment).state == "sealed"
    deleted = world.audience(DOOR, segment)
    ready = world.ready(DOOR, segment)
    assert ready.carriers["http"].send(Call("http", "DELETE", f"/api/lists/{deleted}")).status == 204
    ready.close()
    rows = people(range(2, 8))
    report = world.run(DOOR, world.segment(DOOR, segment.name, rows))
    assert (report.state, report.added) == ("sealed", 6)
    assert world.audience(DOOR, segment) != deleted
    assert world.held(DOOR, world.audience(DOOR, segment)) == keys(rows)


def test_profiles_that_klaviyo_has_merged_away_do_not_stop_a_removal(world: World) -> None:
    rows = people(range(6))
    segment = world.segment(DOOR, world.name("merged"), rows)
    assert world.run(DOOR, segment).state == "sealed"
    world.fault(DOOR, {"error": "not_found"}, "remove", times=2)
    world.segment(DOOR, segment.name, rows[:2])
    assert world.run(DOOR, segment).state == "sealed"
    sizes = [line["rows"] for line in world.log(DOOR) if line["method"] == "DELETE" and line["status"] == 204]
    assert sizes == [1, 1, 2]
    assert world.held(DOOR, world.audience(DOOR, segment)) == keys(rows[:2])


@BOTH
def test_the_sandbox_keeps_no_address_on_its_disk(world: World, door: Door) -> None:
    rows = [person(1, email="canary-mail@example.com"), person(2, email="canary-two@example.com")]
    segment = world.segment(door, world.name("canary"), rows)
    world.fault(door, {"reject_rows": [1]}, "add")
    world.run(door, segment)
    kept = b"".join(path.read_bytes() for path in (world.folder / "sandbox").glob("sandbox.sqlite*"))
    assert b"canary-" not in kept
    assert digest("canary-mail@example.com").encode() in kept
