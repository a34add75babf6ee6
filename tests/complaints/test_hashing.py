"""Complaints of wrong or uneven hashing: a key that is made otherwise than the platform makes it matches nobody, in silence."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable

import pytest
from cli.rig import guestlist
from complaints.rig import CLEAN, HASHED, READ_BY_COUNTRY, SEVERAL, Messy, doors, owners, rows_of, run_unapproved
from contract.doors import EVERY_DOOR
from contract.rig import Door, Wish, World, digest, expected_keys, people

pytestmark = pytest.mark.slow
OF_NOTHING = ("", " ", "null", "NULL", "none", "n/a", "N/A", "nan", "false", "0")


@EVERY_DOOR
def test_people_are_found_however_their_values_are_written(messy: Callable[[Door], Messy], door: Door) -> None:
    """Elsewhere values were hashed untrimmed, in capitals or with their punctuation, or people had to clean them beforehand.

    https://github.com/Multiwoven/multiwoven/blob/main/integrations/lib/multiwoven/integrations/destination/facebook_custom_audience/client.rb
    https://github.com/rudderlabs/rudder-transformer/pull/5024
    https://github.com/rudderlabs/rudder-transformer/pull/5052
    https://docs.getcensus.com/destinations/facebook-ads
    https://docs.getcensus.com/destinations/snapchat
    https://groups.google.com/g/adwords-api/c/GLqSCji7Hx0
    https://github.com/facebookarchive/php-graph-sdk/issues/962
    https://github.com/daroczig/fbRads/issues/107
    https://github.com/looker-open-source/actions/issues/607
    """
    found = messy(door)
    assert found.report.state == "sealed"
    assert found.held == found.wanted


@EVERY_DOOR
def test_nothing_is_never_hashed_and_no_country_is_guessed(messy: Callable[[Door], Messy], door: Door) -> None:
    """Elsewhere null was hashed, and a phone without a country was taken for one of the United States.

    https://github.com/Multiwoven/multiwoven/blob/main/integrations/lib/multiwoven/integrations/destination/facebook_custom_audience/client.rb
    https://github.com/segmentio/action-destinations/pull/2810
    https://github.com/segmentio/action-destinations/pull/2999
    """
    found = messy(door)
    held = set().union(*found.held.values())
    assert not held & {digest(text) for text in OF_NOTHING}
    national = ("15110000011", "+15110000011", "115110000011", "+115110000011", "015110000011")
    assert not held & {digest(phone) for phone in national}
    reasons = Counter(itertools.chain.from_iterable(reasons for reasons in found.drops.keys.values()))
    assert "blank" in reasons
    assert ("no_region" in reasons) == ("phone" in door.kinds)


@EVERY_DOOR
def test_a_hash_among_plain_values_is_dropped_and_not_hashed_again(messy: Callable[[Door], Messy], door: Door) -> None:
    """Elsewhere a phone that came hashed was hashed once more.

    https://github.com/segmentio/action-destinations/pull/1770
    """
    held = set().union(*messy(door).held.values())
    assert not held & {digest(digest(text)) for text in ("person13@example.com", "4915110000014")}
    assert not held & {digest(text) for text in ("person13@example.com", "4915110000014", "+4915110000014")}


@doors(SEVERAL)
def test_the_values_of_one_person_go_together_and_those_of_two_never(messy: Callable[[Door], Messy], door: Door) -> None:
    """Elsewhere the identifiers of twenty people went out as one user's, one person was sent as several users, or a value that
    was left out shifted those of the next.

    https://github.com/rudderlabs/rudder-transformer/pull/5226
    https://github.com/google-marketing-solutions/customer-match-upload-script/issues/2
    https://github.com/rudderlabs/rudder-transformer/blob/develop/src/v0/destinations/tiktok_audience/recordTransform.ts
    """
    whose = owners(CLEAN, door)
    rows = [row for call in messy(door).calls for row in rows_of(call, whose)]
    assert all(len(row) == 1 for row in rows), "each row is about one person"
    of_each = Counter(owner for row in rows for owner in row)
    assert set(of_each) == set(whose.values())
    several = {"c15": 2} if door.capabilities.limits.one_value_per_field else {}
    assert of_each == {owner: several.get(owner, 1) for owner in of_each}, "as few rows as the platform's form allows"


def test_phones_that_have_lost_their_plus_are_found_before_anything_is_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere a wrongly written phone was accepted as a hash, and simply never matched.

    https://groups.google.com/g/adwords-api/c/GLqSCji7Hx0
    """
    rows = [row | {"phone": row["phone"].removeprefix("+"), "country": "DE"} for row in people(range(20))]
    segment = world.segment(SEVERAL[0], world.name("numbers"), rows, READ_BY_COUNTRY)
    monkeypatch.setenv("GUESTLIST_SEGMENTS", str(world.segments))
    told = guestlist("doctor", segment.name, "--json")
    assert told.exit_code == 0
    [found] = json.loads(told.stdout)["suspicions"]
    assert (found["column"], found["values"], found["of"]) == ("phone", 20, 20)
    assert "begin with their country's code and have no plus" in found["what"]


@doors(HASHED)
def test_what_comes_hashed_is_sent_as_it_is(world: World, door: Door) -> None:
    """Elsewhere a column of hashes was hashed again, or was refused only lately.

    https://github.com/rudderlabs/rudder-transformer/pull/5018
    https://github.com/segmentio/action-destinations/pull/1770
    """
    rows = people(range(12))
    hashed = [row | {"email": digest(row["email"]).upper(), "phone": phone_digest(row, door)} for row in rows]
    identifiers = {name: {"columns": name, "hashed": True} for name in ("email", "phone")}
    segment = world.segment(door, world.name("hashed"), hashed, Wish(more={"identifiers": identifiers}))
    assert world.run(door, segment).state == "sealed"
    assert world.held(door, world.audience(door, segment)) == expected_keys(rows, door)


MISTAKEN = [
    pytest.param(door, hashed, id=f"{door.id}, {'plain values as hashes' if hashed else 'hashes as plain values'}")
    for door in HASHED
    for hashed in (False, True)
]


@pytest.mark.parametrize(("door", "hashed"), MISTAKEN)
def test_hashes_taken_for_plain_values_stop_before_anything_is_sent_and_so_do_plain_ones(
    world: World, door: Door, hashed: bool
) -> None:
    """Elsewhere hashes were hashed again, or plain values were sent as hashes, whichever way the switch stood wrong.

    https://github.com/rudderlabs/rudder-transformer/pull/5018
    https://github.com/rudderlabs/rudder-transformer/pull/5077
    """
    rows = people(range(12))
    if not hashed:
        rows = [row | {"email": digest(row["email"]), "phone": phone_digest(row, door)} for row in rows]
    identifiers = {name: {"columns": name, "hashed": hashed} for name in ("email", "phone")}
    segment = world.segment(door, world.name("mistaken"), rows, Wish(more={"identifiers": identifiers}))
    report = run_unapproved(world, door, segment)
    assert report.state == "stopped"
    assert any("max_malformed" in breach for breach in report.breaches)
    assert not any(line["rows"] for line in world.log(door))


def phone_digest(row: dict[str, str], door: Door) -> str:
    return digest(door.phone_prefix + row["phone"].removeprefix("+"))
