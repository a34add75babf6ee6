"""Memberships that lapse, over months of both clocks: nobody who is wanted ever lapses, whether runs are daily or weekly."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest
from contract.doors import all_doors
from contract.rig import Door, Wish, World, expected_keys, people

pytestmark = pytest.mark.slow
DAY = 86_400
MEMBERSHIP = {"google_ads": "membership_days", "meta": "retention_days", "snapchat_ads": "retention_in_days"}
LAPSING = [door for door in all_doors() if door.platform in MEMBERSHIP]


def lapsing(door: Door, days: int) -> Door:
    return dataclasses.replace(door, options={**door.options, MEMBERSHIP[door.platform]: days})


@pytest.mark.parametrize("door", LAPSING, ids=lambda door: door.id)
def test_the_sandbox_lapses_memberships_that_nobody_renews(calendar: World, door: Door) -> None:
    door = lapsing(door, 30)
    rows = people(range(10))
    segment = calendar.segment(door, "forgotten", rows)
    calendar.run(door, segment)
    audience = calendar.audience(door, segment)
    calendar.advance(29 * DAY)
    assert calendar.held(door, audience) == expected_keys(rows, door)
    calendar.advance(2 * DAY)
    assert calendar.held(door, audience) == {}


RHYTHMS = [
    pytest.param(door, every, days, id=f"{door.id}, {name}")
    for name, every, days in (("daily", 1, 20), ("weekly", 7, 45))
    for door in LAPSING
    if name == "weekly" or door.id in ("google_ads-data_manager", "meta")
]


@pytest.mark.parametrize(("door", "every", "days"), RHYTHMS)
def test_nobody_who_is_wanted_ever_lapses(calendar: World, door: Door, every: int, days: int) -> None:
    door = lapsing(door, days)
    renewed: Counter[int] = Counter()
    rows = people(range(40))
    for run in range((2 if every == 1 else 3) * days // every):
        segment = calendar.segment(door, "kept", rows)
        report = calendar.run(door, segment)
        assert report.state == "sealed"
        renewed[run] = report.renewed
        calendar.advance(every * DAY)  # just before the next run, when most is about to lapse
        assert calendar.held(door, calendar.audience(door, segment)) == expected_keys(rows, door), f"after run {run}"
        rows = rows[1:] + people([40 + run])
    assert sum(renewed.values()) > 0
    assert every > 1 or max(renewed.values()) < 40 / 2, "a large first upload is not renewed at once"


def test_metas_external_ids_are_renewed_before_their_ninety_days_are_over(calendar: World) -> None:
    door = next(door for door in LAPSING if door.id == "meta")
    wish = Wish(more={"identifiers": {"email": "email", "external_id": "id"}})
    segment = calendar.segment(door, "external", people(range(8)), wish)
    for _ in range(15):
        assert calendar.run(door, segment).state == "sealed"
        calendar.advance(7 * DAY)
        held = calendar.held(door, calendar.audience(door, segment))
        assert held["external_id"] == {f"c{number}" for number in range(8)}
