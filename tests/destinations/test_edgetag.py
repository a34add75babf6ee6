"""EdgeTag: the form on the wire, providers that fail, and what a check can know."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from contract.rig import Door, Wish, World, digest, expected_keys, people, person
from destinations.talk import Script, answered, ask

from guestlist.destinations import destination_class
from guestlist.destinations.base import Destination
from guestlist.model.audiences import AudienceRef, AudienceSpec
from guestlist.model.connection import Connection
from guestlist.model.conversation import Call, Form, Repeat, Reply
from guestlist.model.delivery import Batch, Session
from guestlist.model.errors import (
    AuthError,
    ConfigError,
    GuestlistError,
    ProtocolError,
    RateLimitedError,
    RejectedError,
    TransientError,
)
from guestlist.model.vocabulary import Field, Mode, Operation
from guestlist.pipeline.audience import wire_rows

DOORS = (
    Door(
        id="edgetag",
        platform="edgetag",
        door="edgetag",
        book="edgetag",
        paths={"add": r"/audience$"},
        busy=({"status": 429, "headers": {"retry-after": "7"}}, 7),
        down={"status": 503},
        denied={"status": 403},
        extra={"endpoint": "{http}/edgetag", "authorization": "Bearer made-up"},
        secrets=("authorization",),
        refuses_rows=False,
        bad_value=None,
        phone_prefix="+",
        notices_deletion=False,
    ),
)

[DOOR] = DOORS
APPEND = Wish(mode="append")
SPEC = AudienceSpec("VIPs", "people", "guestlist:vips:edgetag", (Field.EMAIL,), Mode.APPEND)
AUDIENCE = AudienceRef("VIPs", "VIPs", "https://tag.example.com")
FIELDS = (Field.EMAIL, Field.PHONE, Field.FIRST_NAME)
DONE = answered({"success": True})
FAILED = Reply(400, {"success": False, "errors": ["facebook: canary@example.com"]})


def edgetag(**options: Any) -> Destination:
    cls = destination_class("edgetag")
    return cls(cls.Settings(endpoint="https://tag.example.com"), cls.Options(**options))


def session(**changes: Any) -> Session:
    given = {"total_batches": 3, "total_users": 25_000, "fields": FIELDS, **changes}
    return Session(9007199254740991, Operation.ADD, AUDIENCE, pull_date="2026-03-01", **given)


def batch(sequence: int = 1, **columns: list[Any]) -> Batch:
    given = columns or {"email": ["a@example.com", None], "phone": [None, "+4915112345678"], "first_name": ["Zoë", None]}
    return Batch("b", sequence, pl.DataFrame(given))


def sent(call: Call) -> dict[str, Any]:
    """The parts of the form, with its two JSON strings read."""
    assert isinstance(call.body, Form)
    assert call.body.multipart
    assert not call.body.files
    parts = dict(call.body.fields)
    return parts | {name: json.loads(parts[name]) for name in ("batch", "users")}


def judged(destination: Destination, status: int, body: Any = None, *, malformed: bool = False) -> GuestlistError | None:
    return destination.judge(Call("http", "POST", "audience"), Reply(status, body, {}, None, malformed)).error


# the form on the wire


def test_an_upload_is_a_form_of_four_texts_two_of_which_are_json() -> None:
    call = ask(edgetag().send(session(), {}, batch(2)))
    assert (call.carrier, call.method, call.path, call.rows, call.repeat) == ("http", "POST", "audience", 2, Repeat.SAFE)
    assert call.query == {"disablePrefix": True, "sync": True}
    assert sent(call) == {
        "name": "VIPs",
        "type": "custom",
        "batch": {
            "sessionId": 9007199254740991,
            "sequence": 2,
            "totalBatches": 3,
            "totalUsers": 25_000,
            "pullDate": "2026-03-01",
        },
        "users": [{"email": "a@example.com", "firstName": "Zoë"}, {"phone": "+4915112345678"}],
    }


def test_options_choose_kind_prefix_and_waiting() -> None:
    call = ask(edgetag(type="primary", disable_prefix=False, sync=False).send(session(), {}, batch()))
    assert call.query == {"disablePrefix": False, "sync": False}
    assert sent(call)["type"] == "primary"
    assert sent(call)["name"] == "VIPs"  # EdgeTag puts the prefix before it


@pytest.mark.parametrize("field", ["profit", "total7Days"])
def test_what_a_person_is_worth_is_a_purchase_in_the_segments_currency(field: str) -> None:
    rows = {"email": ["a@example.com", "b@example.com", "c@example.com"], "value": [44.5, None, 0.0]}
    call = ask(edgetag(purchase_field=field).send(session(fields=(Field.EMAIL,), currency="EUR"), {}, batch(**rows)))
    assert [user.get("purchase") for user in sent(call)["users"]] == [
        {"currency": "EUR", field: 44.5},
        None,
        {"currency": "EUR", field: 0.0},
    ]


def test_a_person_with_several_emails_is_several_users() -> None:
    frame = pl.DataFrame({"member": ["m"], "email": [["a", "b"]], "phone": [["1"]], "first_name": ["Zoë"]})
    rows = wire_rows(frame, edgetag().capabilities).drop("member")
    users = sent(ask(edgetag().send(session(), {}, Batch("b", 1, rows))))["users"]
    assert users == [{"email": "a", "phone": "1", "firstName": "Zoë"}, {"email": "b", "firstName": "Zoë"}]


def test_the_wire_names_are_those_of_the_documentation() -> None:
    names = {key.field.value: (key.wire, key.identifies) for key in edgetag().capabilities.keys}
    assert names == {
        "email": ("email", True), "phone": ("phone", True), "external_id": ("edgeTagId", True),
        "first_name": ("firstName", False), "last_name": ("lastName", False), "country": ("country", False),
        "postal_code": ("postalCode", False),
    }  # fmt: skip
    assert all(key.plain for key in edgetag().capabilities.keys)
    assert edgetag(users_per_batch=500).capabilities.limits.rows_per_batch == 500


def test_the_audience_is_its_name_at_the_providers_and_nothing_is_asked() -> None:
    assert Script(edgetag().ensure(SPEC)).result == AUDIENCE
    prefixed = Script(edgetag(disable_prefix=False).ensure(SPEC)).result
    assert (prefixed.id, prefixed.name) == ("blotout_VIPs", "VIPs")
    state = Script(edgetag().describe(AUDIENCE)).result
    assert (state.size, state.match_rate, state.status) == (None, None, None)


# answers


def test_a_provider_that_fails_is_tried_twice_more_with_a_pause_between() -> None:
    destination = edgetag()
    verdict = destination.judge(Call("http", "POST", "audience"), FAILED)
    assert isinstance(verdict.error, RejectedError)
    assert verdict.pause == 5
    assert "canary" not in f"{verdict.error!r}"
    well = Script(destination.send(session(), {}, batch()), verdict.error, verdict.error, DONE)
    assert (len(well.calls), well.result.accepted) == (3, 2)
    ill = Script(destination.send(session(), {}, batch()), verdict.error, verdict.error, verdict.error)
    assert (len(ill.calls), type(ill.error)) == (3, RejectedError)


def test_what_is_refused_itself_is_not_tried_again() -> None:
    text = judged(edgetag(), 400, malformed=True)
    assert isinstance(text, RejectedError)
    script = Script(edgetag().send(session(), {}, batch()), text)
    assert (len(script.calls), script.error) == (1, text)
    assert judged(edgetag(sync=False), 400, FAILED.body).code == "HTTP 400"  # type: ignore[union-attr]


@pytest.mark.parametrize("body", [None, {}, [], {"success": False}, {"success": "true"}, {"success": 1}, "success"])
def test_only_success_is_a_success(body: Any) -> None:
    assert isinstance(judged(edgetag(), 200, body), ProtocolError)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, ConfigError),
        (401, AuthError),
        (403, AuthError),
        (404, ConfigError),
        (405, ConfigError),
        (408, TransientError),
        (413, RejectedError),
        (422, RejectedError),
        (429, RateLimitedError),
        (500, TransientError),
        (524, TransientError),
    ],
)
def test_other_statuses_by_their_meaning(status: int, kind: type[GuestlistError]) -> None:
    for body, malformed in ((None, True), ({"success": False}, False), (None, False)):
        assert type(judged(edgetag(), status, body, malformed=malformed)) is kind


# the connection


def test_the_endpoint_is_required_and_headers_go_with_every_call() -> None:
    cls = destination_class("edgetag").Settings
    with pytest.raises(ConfigError, match="endpoint: is missing"):
        cls.of(Connection("c", "guestlist", extra={}))
    extra = {
        "endpoint": "https://t.example.com",
        "authorization": "Bearer s",
        "extra_headers": {"CF-Access-Client-Id": "canary"},
    }
    found = cls.of(Connection("c", "guestlist", extra=extra))
    assert found.headers("") == {"authorization": "Bearer s", "CF-Access-Client-Id": "canary"}
    assert "canary" not in repr(found)
    assert cls.of(Connection("c", "guestlist", extra={"endpoint": "http://127.0.0.1:1/edgetag"})).headers("") == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": "canary example.com"},
        {"endpoint": "https://tag.example.com/?canary=1"},
        {"authorization": "canary\r\nX: y"},
        {"authorization": "canarü"},
        {"extra_headers": {"X-Key": "canary\n"}},
        {"extra_headers": {"X Key": "canary"}},
        {"extra_headers": "canary"},
    ],
)
def test_what_cannot_be_a_header_or_an_address_is_refused_unshown(wrong: dict[str, Any]) -> None:
    cls = destination_class("edgetag").Settings
    with pytest.raises(ConfigError) as caught:
        cls.of(Connection("c", "guestlist", extra={"endpoint": "https://tag.example.com", **wrong}))
    assert "canar" not in str(caught.value)


def test_a_check_asks_without_a_form_and_says_what_it_cannot_know() -> None:
    refusal = judged(edgetag(), 400, malformed=True)
    call = ask(edgetag().check(SPEC))
    assert (call.method, call.path, call.body, call.rows) == ("POST", "audience", None, 0)
    answers, providers = Script(edgetag().check(SPEC), refusal).result  # type: ignore[arg-type]
    assert (answers.ok, providers.ok) == (True, True)
    assert "cannot be asked" in providers.what
    for odd in (DONE, judged(edgetag(), 422)):
        assert not Script(edgetag().check(SPEC), odd).result[0].ok  # type: ignore[arg-type]
    elsewhere = Script(edgetag().check(SPEC), judged(edgetag(), 404))  # type: ignore[arg-type]
    assert isinstance(elsewhere.error, ConfigError)


# against the sandbox


def held(world: World, name: str = "People") -> dict[str, set[str]]:
    return world.held(DOOR, name)


def test_a_run_adds_and_the_next_one_sends_only_who_is_new(world: World) -> None:
    rows = [*people(range(5)), person(9, email2="second9@example.com", phone="")]
    segment = world.segment(DOOR, world.name("append"), rows, APPEND)
    report = world.run(DOOR, segment)
    assert (report.state, report.added, report.rows_accepted) == ("sealed", 6, 7)
    assert held(world) == expected_keys(rows, DOOR)
    more = [*people(range(3, 8))]
    world.segment(DOOR, segment.name, more, APPEND)
    assert world.run(DOOR, segment).rows_planned == 3
    assert held(world) == expected_keys([*rows, *more], DOOR)
    assert world.run(DOOR, segment).rows_planned == 0
    assert [line["rows"] for line in world.log(DOOR)] == [7, 3]


def test_batches_of_a_session_add_up(world: World) -> None:
    rows = people(range(25))
    door = replace(DOOR, options={"users_per_batch": 10})
    segment = world.segment(door, world.name("batches"), rows, APPEND)
    assert world.run(door, segment).state == "sealed"
    assert [line["rows"] for line in world.log(DOOR)] == [10, 10, 5]
    assert held(world) == expected_keys(rows, DOOR)


def test_a_whole_batch_passes_the_gate(world: World) -> None:
    rows = people(range(10_000))
    segment = world.segment(DOOR, world.name("big"), rows, APPEND)
    assert world.run(DOOR, segment).rows_accepted == 10_000
    assert [line["rows"] for line in world.log(DOOR)] == [10_000]


def test_the_audience_has_the_prefix_unless_it_is_disabled(world: World) -> None:
    door = replace(DOOR, options={"disable_prefix": False})
    segment = world.segment(door, world.name("prefix"), people(range(2)), APPEND)
    assert world.run(door, segment).state == "sealed"
    assert [book["name"] for book in world.books(DOOR)] == ["blotout_People"]
    assert world.audience(door, segment) == "blotout_People"


def test_a_provider_that_recovers_is_waited_for(world: World) -> None:
    segment = world.segment(DOOR, world.name("recovers"), people(range(3)), APPEND)
    world.fault(DOOR, {"fail_job": True}, "add", times=2)
    assert world.run(DOOR, segment).state == "sealed"
    assert [line["status"] for line in world.log(DOOR)] == [400, 400, 200]
    assert world.sleeps == [5, 5]


def test_a_provider_that_stays_down_makes_the_run_red_and_the_next_one_makes_it_good(world: World) -> None:
    rows = people(range(3))
    segment = world.segment(DOOR, world.name("stays"), rows, APPEND)
    world.settings(DOOR, failing_providers=["tiktok"])
    with pytest.raises(RejectedError, match="providers failed"):
        world.run(DOOR, segment)
    assert len(world.log(DOOR)) == 3
    assert held(world) == {}
    world.settings(DOOR, failing_providers=[])
    assert world.run(DOOR, segment).state == "sealed"
    assert held(world) == expected_keys(rows, DOOR)


def test_without_sync_nobody_hears_of_a_provider_that_failed(world: World) -> None:
    door = replace(DOOR, options={"sync": False})
    segment = world.segment(door, world.name("deaf"), people(range(3)), APPEND)
    world.settings(DOOR, failing_providers=["tiktok"])
    assert world.run(door, segment).state == "sealed"
    assert held(world) == {}


def test_values_names_and_first_party_ids_arrive(world: World) -> None:
    identifiers = {"email": "email", "external_id": "id", "first_name": "first", "country": "country", "postal_code": "zip"}
    wish = Wish(mode="append", more={"identifiers": identifiers, "value": {"column": "last", "currency": "EUR"}})
    rows = [person(1, first="Zoë", country="Germany", zip="80331", last="12.5"), person(2, last="0")]
    segment = world.segment(DOOR, world.name("rich"), rows, wish)
    assert world.run(DOOR, segment).state == "sealed"
    assert held(world) == {
        "email": {digest("person1@example.com"), digest("person2@example.com")},
        "external_id": {digest("c1"), digest("c2")},
    }


def test_nothing_that_a_run_leaves_behind_holds_a_person(world: World) -> None:
    row = person(4711, email="canary-4711@example.com", first="Canaria", phone="+4915199988877")
    segment = world.segment(DOOR, world.name("canary"), [row], APPEND)
    assert world.run(DOOR, segment).state == "sealed"
    kept = world.kept()
    assert not any(word in kept for word in (b"canary-4711", b"Canaria", b"15199988877"))


def test_an_endpoint_without_its_scheme_is_a_matter_of_the_connection(world: World) -> None:
    segment = world.segment(DOOR, world.name("scheme"), people(range(2)), APPEND)
    world.overrides["endpoint"] = "tag.example.com"
    with pytest.raises(ConfigError, match="endpoint"):
        world.run(DOOR, segment)


@pytest.mark.parametrize("mode", ["mirror", "remove", "replace", "snapshot"])
def test_what_edgetag_cannot_do_is_refused_when_the_segment_is_read(world: World, mode: str) -> None:
    with pytest.raises(ConfigError, match="append"):
        world.segment(DOOR, world.name("mode"), people(range(2)), Wish(mode=mode))


def test_a_check_of_the_sandbox_adds_nobody(world: World) -> None:
    ready = world.ready(DOOR, world.segment(DOOR, world.name("check"), people(range(2)), APPEND))
    findings = ready.driver.run(ready.destination.check(ready.spec))
    ready.close()
    assert all(finding.ok for finding in findings)
    assert world.books(DOOR) == []
