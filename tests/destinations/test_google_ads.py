"""Google Ads: how the sandbox emulates its two doors, and whole runs that only Google has."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from contract.rig import Door, Wish, World, expected_keys, people, person

from guestlist.destinations import destination_class
from guestlist.model.errors import (
    AuthError,
    ConfigError,
    TransientError,
)

_EXTRA = {
    "customer_id": "1234567890",
    "client_id": "sandbox-client",
    "client_secret": "sandbox-secret",
    "refresh_token": "sandbox-refresh",
    "token_uri": "{http}/oauth/token",
    "endpoint": "{http}/data_manager",
    "grpc_endpoint": "{grpc}",
    "ca_file": "{ca}",
}
DOORS = (
    Door(
        id="google_ads-data_manager",
        platform="google_ads",
        door="data_manager",
        book="google",
        paths={
            "create": r"/userLists$",
            "find": r"/userLists$",
            "add": r"audienceMembers:ingest$",
            "remove": r"audienceMembers:remove$",
            "replace": r"audienceMembers:ingest$",
            "ask": r"requestStatus:retrieve$",
        },
        busy=({"error": "RATE_LIMIT_EXCEEDED", "headers": {"retry-after": "7"}}, 7),
        down={"error": "UNAVAILABLE"},
        denied={"error": "UNAUTHENTICATED"},
        stale={"expire_token": True},
        late_failure={"fail_job": True, "reason": "INTERNAL_ERROR"},
        partial_failure={"fail_job": "partial", "count": 2, "reason": "INTERNAL_ERROR"},
        extra=_EXTRA,
        secrets=("client_secret", "refresh_token"),
        methods={"create": "POST"},
        phone_prefix="+",
        address="address",
    ),
    Door(
        id="google_ads-google_ads",
        platform="google_ads",
        door="google_ads",
        book="google",
        options={"api": "google_ads"},
        paths={
            "create": r"/MutateUserLists$",
            "find": r"/Search$",
            "add": r"/AddOfflineUserDataJobOperations$",
            "remove": r"/AddOfflineUserDataJobOperations$",
            "run": r"/RunOfflineUserDataJob$",
            "ask": r"/Search$",
        },
        busy=({"error": "quota_error.RESOURCE_TEMPORARILY_EXHAUSTED"}, 30),
        down={"error": "UNAVAILABLE"},
        denied={"error": "authentication_error.OAUTH_TOKEN_REVOKED"},
        stale={"expire_token": True},
        late_failure={"fail_job": True},
        partial_failure={"fail_job": "partial", "count": 2},
        fails_at="run",
        extra=_EXTRA,
        secrets=("client_secret", "refresh_token"),
        handle={"job": "customers/1234567890/offlineUserDataJobs/1"},
        phone_prefix="+",
        address="address",
        finds=2,
    ),
)

DATA_MANAGER, JOBS = DOORS


@pytest.mark.parametrize("fault", ["upload", "sweep"])
def test_a_replace_that_fails_is_red_and_is_done_again(world: World, fault: str) -> None:
    before, after = people(range(4)), people(range(2, 7))
    segment = world.segment(DATA_MANAGER, world.name("replace"), before, Wish(mode="replace"))
    assert world.run(DATA_MANAGER, segment).state == "sealed"
    world.advance(86_400)
    world.segment(DATA_MANAGER, segment.name, after, Wish(mode="replace"))
    path = {"upload": r"audienceMembers:ingest$", "sweep": r"audienceMembers:removeAll$"}[fault]
    world.admin("POST", "faults/data_manager", {"faults": [{"match": {"path": path}, "action": {"fail_job": True}}]})
    report = world.run(DATA_MANAGER, segment)
    assert report.state == "rejected"
    kept = world.held(DATA_MANAGER, world.audience(DATA_MANAGER, segment))
    assert kept["email"] >= expected_keys(people(range(2, 4)), DATA_MANAGER)["email"]  # nobody who is wanted was swept
    world.advance(86_400)
    assert world.run(DATA_MANAGER, segment).state == "sealed"
    assert world.held(DATA_MANAGER, world.audience(DATA_MANAGER, segment)) == expected_keys(after, DATA_MANAGER)


def test_a_managers_credential_reaches_the_account_through_both_doors(world: World) -> None:
    world.overrides["login_customer_id"] = "111-222-3333"
    for door in DOORS:
        world.settings(door, managers=["1112223333"])
        segment = world.segment(door, world.name("managed"), people(range(3)), Wish(audience=door.id))
        assert world.run(door, segment).state == "sealed"
        world.overrides.clear()
        with pytest.raises(AuthError):
            world.run(door, world.segment(door, world.name("unmanaged"), people(range(3)), Wish(audience="other")))
        world.overrides["login_customer_id"] = "1112223333"


def test_both_doors_write_to_the_same_list(world: World) -> None:
    segment = world.segment(DATA_MANAGER, world.name("two_doors"), people(range(4)))
    world.run(DATA_MANAGER, segment)
    audience = world.audience(DATA_MANAGER, segment)
    same = world.segment(JOBS, segment.name, people(range(2, 6)))
    assert world.run(JOBS, same).state == "sealed"
    assert world.audience(JOBS, same) == audience
    assert world.held(JOBS, audience) == expected_keys(people(range(2, 6)), JOBS)


def test_an_account_that_may_not_upload_any_more_is_told_to_change_doors(world: World) -> None:
    world.settings(JOBS, uploads_allowed=False)
    with pytest.raises(ConfigError, match="api: data_manager"):
        world.run(JOBS, world.segment(JOBS, world.name("barred"), people(range(2))))


@pytest.mark.parametrize(
    ("door", "path", "days"),
    [(DATA_MANAGER, "ask", 51), (JOBS, "run", 6)],
    ids=["a request of seven weeks ago", "a job never run"],
)
def test_what_google_has_forgotten_is_sent_again(world: World, door: Door, path: str, days: int) -> None:
    rows = people(range(4))
    segment = world.segment(door, world.name("forgotten"), rows)
    world.fault(door, door.down, path, times=9)
    with pytest.raises(TransientError):
        world.run(door, segment)
    world.clear_faults(door)
    world.advance(days * 86_400)
    report = world.run(door, segment)
    assert (report.state, report.rows_planned) == ("sealed", 4)
    assert world.held(door, world.audience(door, segment)) == expected_keys(rows, door)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"customer_id": "12"}, "ten digits"),
        ({"service_account_file": "key.json"}, "not both"),
        ({"refresh_token": None}, "or service_account_file"),
        ({"login_customer_id": "1234"}, "ten digits"),
    ],
)
def test_a_connection_that_cannot_work_says_what_is_wrong(given: dict[str, Any], problem: str) -> None:
    extra = {"customer_id": "1234567890", "client_id": "i", "client_secret": "s", "refresh_token": "r"}
    with pytest.raises(ValueError, match=problem):
        destination_class("google_ads").Settings(**extra | given)


IDS = ["AEBE52E7-03EE-455A-B3C4-E57283966239", "AEBE52E7-03EE-455A-B3C4-E57283966240"]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.id)
@pytest.mark.parametrize(
    ("options", "field", "kind", "values"),
    [
        ({"upload": "mobile_ad_id", "app_id": "com.example", "key_space": "IOS"}, "mobile_ad_id", "mobile_ad_id", IDS),
        ({"upload": "user_id"}, "external_id", "user_id", ["AbC-1", "abc-1"]),
    ],
    ids=["devices", "user ids"],
)
def test_lists_of_plain_ids(world: World, door: Door, options: Any, field: str, kind: str, values: list[str]) -> None:
    other = dataclasses.replace(door, options={**door.options, **options})
    rows = [person(number, zip=value) for number, value in enumerate(values)]
    wish = Wish(more={"identifiers": {field: "zip"}})
    segment = world.segment(other, world.name("ids"), rows, wish)
    assert world.run(other, segment).state == "sealed"
    audience = world.audience(other, segment)
    held = world.held(other, audience)
    assert {name: {value.lower() for value in found} for name, found in held.items()} == {kind: {v.lower() for v in values}}
    assert world.run(other, world.segment(other, segment.name, rows[:1], wish)).state == "sealed"
    assert [len(found) for found in world.held(other, audience).values()] == [1]
