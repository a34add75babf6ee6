"""Snapchat Ads: the exact forms on the wire, one schema a call, tokens that are renewed, and what settles when."""

from __future__ import annotations

import dataclasses
from typing import Any

import polars as pl
import pytest
from contract.rig import Door, Wish, World, digest, people, person
from destinations.talk import Script, answered, ask

from guestlist.destinations import destination_class, snapchat_ads
from guestlist.destinations.base import Destination
from guestlist.model.audiences import AudienceRef, AudienceSpec
from guestlist.model.conversation import Call, Form, Repeat, Reply
from guestlist.model.delivery import Batch, Session
from guestlist.model.errors import (
    AuthError,
    BatchRefused,
    ConfigError,
    GuestlistError,
    OutcomeUnknown,
    ProtocolError,
    RateLimitedError,
    RejectedError,
    TransientError,
)
from guestlist.model.vocabulary import Field, Operation
from guestlist.runtime.driver import Retries

ACCOUNT = "8adc3db7-8148-4fbf-999c-8d2266369d74"
DOORS = (
    Door(
        id="snapchat_ads",
        platform="snapchat_ads",
        door="snapchat_ads",
        book="snapchat_ads",
        paths={
            "create": r"/adaccounts/[0-9a-f-]+/segments$",
            "find": r"/adaccounts/[0-9a-f-]+/segments$",
            "add": r"/users$",
            "remove": r"/users$",
            "ask": r"/v1/segments/\d+$",
        },
        busy=({"status": 429, "headers": {"retry-after": "7"}}, 7),
        down={"error": "500"},
        denied={"error": "401"},
        stale={"expire_token": True},
        extra={
            "ad_account_id": ACCOUNT,
            "client_id": "sandbox-client",
            "client_secret": "sandbox-secret",
            "refresh_token": "sandbox-refresh",
            "token_endpoint": "{http}/snapchat_ads/login/oauth2/access_token",
            "endpoint": "{http}/snapchat_ads/v1",
        },
        secrets=("client_secret", "refresh_token"),
        methods={"create": "POST"},
        kinds=("email",),
        refuses_rows=False,
    ),
)

[DOOR] = DOORS


AUDIENCE = AudienceRef("5603", "VIPs", "https://example.com")
SPEC = AudienceSpec("VIPs", "people", "guestlist:vips:snap", (Field.EMAIL,))
SIGN_IN = {"grant_type": "refresh_token", "client_id": "sandbox-client", "client_secret": "sandbox-secret"}
SEGMENTS = f"adaccounts/{ACCOUNT}/segments"
EMAIL, PHONE = digest("person@example.com"), digest("4915112345678")
USERS = Call("http", "POST", "segments/5603/users", rows=2)


def snapchat(**options: Any) -> Destination:
    cls = destination_class("snapchat_ads")
    settings = cls.Settings(ad_account_id=ACCOUNT, client_id="app", client_secret="s3cret", refresh_token="configured")
    return cls(settings, cls.Options(**options))


def session(operation: Operation = Operation.ADD, fields: tuple[Field, ...] = (Field.EMAIL,)) -> Session:
    return Session(7, operation, AUDIENCE, 1, 2, "2026-03-01", fields)


def batch(**columns: list[Any]) -> Batch:
    return Batch("b", 1, pl.DataFrame(columns))


def segments(*found: dict[str, Any], **more: Any) -> Reply:
    elements = [{"sub_request_status": "success", "segment": {"source_type": "FIRST_PARTY", **one}} for one in found]
    return answered({"request_status": "success", "request_id": "r", "segments": elements, **more})


def taken(status: str = "SUCCESS") -> Reply:
    users = [{"sub_request_status": status, "user": {"number_uploaded_users": 2}}]
    return answered({"request_status": "SUCCESS", "request_id": "r", "users": users})


# the forms on the wire


def test_users_are_one_element_of_one_schema_with_arrays_of_one_identifier() -> None:
    call = ask(snapchat().send(session(), {}, batch(email=[EMAIL, digest("b")])))
    assert (call.carrier, call.method, call.path, call.rows, call.repeat) == ("http", "POST", USERS.path, 2, Repeat.SAFE)
    assert call.body == {"users": [{"id": "5603", "schema": ["EMAIL_SHA256"], "data": [[EMAIL], [digest("b")]]}]}


def test_a_removal_is_a_delete_with_the_same_body() -> None:
    add = ask(snapchat().send(session(), {}, batch(email=[EMAIL])))
    remove = ask(snapchat().send(session(Operation.REMOVE), {}, batch(email=[EMAIL])))
    assert (remove.method, remove.path, remove.body) == ("DELETE", add.path, add.body)


def test_what_two_rows_share_is_sent_once() -> None:
    call = ask(snapchat().send(session(), {}, batch(email=[EMAIL, EMAIL])))
    assert (call.body["users"][0]["data"], call.rows) == ([[EMAIL]], 2)


@pytest.mark.parametrize(
    ("upload", "field", "schema"),
    [("email", "email", "EMAIL_SHA256"), ("phone", "phone", "PHONE_SHA256"),
     ("mobile_ad_id", "mobile_ad_id", "MOBILE_AD_ID_SHA256")],
)  # fmt: skip
def test_a_segment_has_one_kind_of_identifier(upload: str, field: str, schema: str) -> None:
    platform = snapchat(upload=upload)
    assert [(key.field.value, key.wire, key.plain) for key in platform.capabilities.keys] == [(field, schema, False)]
    rows = {name: [digest(name)] for name in ("email", "phone", "mobile_ad_id")}
    fields = (Field.EMAIL, Field.PHONE, Field.MOBILE_AD_ID)
    script = Script(platform.send(session(fields=fields), {}, batch(**rows)), taken())
    assert [call.body["users"][0]["schema"] for call in script.calls] == [[schema]]


def test_all_kinds_are_a_request_each_and_rows_without_one_are_left_out_of_it() -> None:
    rows = batch(email=[EMAIL, None, digest("c")], phone=[PHONE, digest("2"), None])
    script = Script(snapchat(upload="all").send(session(fields=(Field.EMAIL, Field.PHONE)), {}, rows), taken(), taken())
    assert [(call.body["users"][0]["schema"], call.rows) for call in script.calls] == [
        (["EMAIL_SHA256"], 2), (["PHONE_SHA256"], 2),
    ]  # fmt: skip
    assert (script.result.accepted, script.result.rejected) == (3, {})


def test_a_row_is_accepted_only_if_all_that_it_holds_was() -> None:
    rows = batch(email=[None, EMAIL, digest("c")], phone=[PHONE, digest("2"), None])
    refused = BatchRefused("no", code="E1001")
    sending = snapchat(upload="all").send(session(fields=(Field.EMAIL, Field.PHONE)), {}, rows)
    script = Script(sending, taken(), refused, taken(), refused)
    assert [call.rows for call in script.calls] == [2, 2, 1, 1]
    assert (script.result.accepted, script.result.rejected) == (2, {1: "E1001"})


def test_a_segment_is_made_of_first_party_data_for_a_lifetime_with_our_reference() -> None:
    script = Script(snapchat().ensure(SPEC), segments(), segments({"id": "5603"}))
    find, create = script.calls
    assert (find.method, find.path, find.query) == ("GET", SEGMENTS, {"limit": 1000})
    assert (create.method, create.path, create.repeat) == ("POST", SEGMENTS, Repeat.LOOKUP)
    assert create.body == {
        "segments": [{
            "ad_account_id": ACCOUNT, "name": "VIPs", "description": "people [guestlist:vips:snap]",
            "source_type": "FIRST_PARTY", "retention_in_days": 9999,
        }]
    }  # fmt: skip
    assert script.result == AudienceRef("5603", "VIPs", f"https://ads.snapchat.com/{ACCOUNT}/audiences")


def test_retention_is_told_when_the_segment_is_made_and_makes_memberships_lapse() -> None:
    platform = snapchat(retention_in_days=90)
    assert Script(platform.ensure(SPEC), segments()).calls[-1].body["segments"][0]["retention_in_days"] == 90
    assert platform.capabilities.limits.membership_days == 90
    assert snapchat().capabilities.limits.membership_days is None


def test_rows_a_request_go_up_to_what_snapchat_takes() -> None:
    assert snapchat().capabilities.limits.rows_per_batch == 25_000
    assert snapchat(rows_per_request=100_000).capabilities.limits.rows_per_batch == 100_000
    with pytest.raises(ValueError, match="100000"):
        snapchat(rows_per_request=100_001)


def test_a_segment_is_found_by_reference_before_name_over_all_pages() -> None:
    link = f"https://adsapi.snapchat.com/v1/{SEGMENTS}?limit=1000&cursor=abc"
    first = segments({"id": "1", "name": "VIPs"}, {"id": "2"}, paging={"next_link": link})
    ours = {"id": "3", "name": "Renamed", "description": "x [guestlist:vips:snap]"}
    script = Script(snapchat().ensure(SPEC), first, segments(ours))
    assert script.result.id == "3"
    assert (script.calls[1].path, script.calls[1].query) == (link, {})
    assert Script(snapchat().ensure(SPEC), first, segments({"id": "4", "name": "VIPs"})).result.id == "1"


def test_a_segment_of_another_source_is_not_ours_whatever_its_name() -> None:
    script = Script(snapchat().ensure(SPEC), segments({"id": "1", "name": "VIPs", "source_type": "PIXEL"}))
    assert script.calls[-1].method == "POST"


@pytest.mark.parametrize("link", ["https://evil.example/v1/x", "https://adsapi.snapchat.com.evil.example/v1", "/v1/x", 7])
def test_the_access_token_is_never_taken_to_another_address(link: Any) -> None:
    script = Script(snapchat().ensure(SPEC), segments(paging={"next_link": link}))
    assert (len(script.calls), type(script.error)) == (1, ProtocolError)


def test_a_lost_answer_to_a_creation_is_looked_up() -> None:
    there = Script(snapchat().ensure(SPEC), segments(), OutcomeUnknown("x"), segments({"id": "9", "name": "VIPs"}))
    assert there.result.id == "9"
    never = Script(snapchat().ensure(SPEC), segments(), OutcomeUnknown("x"), segments())
    assert type(never.error) is TransientError


def test_a_name_that_is_too_long_is_told_before_anything_is_sent() -> None:
    script = Script(snapchat().ensure(dataclasses.replace(SPEC, name="x" * 376)))
    assert (script.calls, type(script.error)) == ([], ConfigError)


def test_a_look_finds_the_segment_or_says_that_it_will_be_made() -> None:
    [_, audience] = Script(snapchat().check(SPEC), segments({"id": "1", "name": "VIPs"})).result
    assert (audience.what, audience.ok) == ("audience 'VIPs' is there", True)
    [_, audience] = Script(snapchat().check(SPEC), segments()).result
    assert "will be made" in audience.what


def test_size_and_states() -> None:
    states = {"status": "ACTIVE", "upload_status": "COMPLETE", "targetable_status": "READY"}
    state = Script(snapchat().describe(AUDIENCE), segments({"id": "1", "approximate_number_users": 1300, **states})).result
    assert (state.size, state.status, state.match_rate) == ("1300", "ACTIVE, COMPLETE, READY", None)
    bare = Script(snapchat().describe(AUDIENCE), segments({"id": "1"})).result
    assert (bare.size, bare.status) == (None, None)


# settling


@pytest.mark.parametrize(
    ("upload", "targetable", "operation", "done"),
    [
        ("PROCESSING", "NOT_READY", Operation.ADD, False),
        ("PROCESSING", "READY", Operation.ADD, False),
        ("COMPLETE", "NOT_READY", Operation.ADD, False),
        ("COMPLETE", "READY", Operation.ADD, True),
        ("complete", "ready", Operation.ADD, True),
        ("COMPLETE", "TOO_FEW_USERS", Operation.ADD, True),
        ("NO_UPLOAD", "NOT_READY", Operation.ADD, False),
        ("NO_UPLOAD", "NOT_READY", Operation.REMOVE, True),
        (None, None, Operation.ADD, False),
    ],
)
def test_a_session_is_settled_when_the_segment_is(upload: Any, targetable: Any, operation: Operation, done: bool) -> None:
    reply = segments({"id": "5603", "upload_status": upload, "targetable_status": targetable})
    script = Script(snapchat().settle(session(operation), {}, ()), reply)
    assert (script.calls[0].path, script.result.done) == ("segments/5603", done)


# what an answer means


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RejectedError), (401, AuthError), (403, AuthError), (404, ConfigError), (408, TransientError),
        (409, RejectedError), (429, RateLimitedError), (500, TransientError), (503, TransientError), (302, TransientError),
    ],
)  # fmt: skip
def test_every_status_has_its_class(status: int, kind: type[GuestlistError]) -> None:
    body = {"request_status": "ERROR", "request_id": "r-1", "debug_message": "canary", "error_code": "E9999"}
    verdict = snapchat().judge(Call("http", "GET", SEGMENTS), Reply(status, body))
    assert type(verdict.error) is kind
    assert verdict.refresh is (status == 401)
    assert verdict.error is not None
    assert (verdict.error.code, verdict.error.request_id) == ("E9999", "r-1")
    assert "canary" not in f"{verdict.error!r} {verdict.error}"


def test_a_code_that_is_none_is_not_repeated() -> None:
    error = snapchat().judge(USERS, Reply(400, {"error_code": "canary@example.com"})).error
    assert error is not None
    assert error.code == "HTTP 400"


@pytest.mark.parametrize("status", [200, 400, 403])
def test_the_permission_code_is_told_as_such_whatever_the_status(status: int) -> None:
    error = snapchat().judge(USERS, Reply(status, {"request_status": "ERROR", "error_code": "E3002"})).error
    assert type(error) is AuthError


@pytest.mark.parametrize("status", [400, 413])
def test_a_refusal_of_users_is_one_of_the_batch(status: int) -> None:
    assert type(snapchat().judge(USERS, Reply(status, {"request_status": "ERROR"})).error) is BatchRefused


def test_every_element_of_a_success_is_looked_at() -> None:
    good = {"sub_request_status": "Success"}
    both = {"request_status": "success", "users": [good, {"sub_request_status": "ERROR"}]}
    assert type(snapchat().judge(USERS, answered(both)).error) is BatchRefused
    assert snapchat().judge(USERS, answered({**both, "users": [good, good]})).error is None
    assert type(snapchat().judge(USERS, answered({**both, "request_status": "ERROR"})).error) is BatchRefused
    create = Call("http", "POST", SEGMENTS)
    failed = {"request_status": "SUCCESS", "segments": [{"sub_request_status": "ERROR"}]}
    assert type(snapchat().judge(create, answered(failed)).error) is RejectedError


@pytest.mark.parametrize("body", [None, {}, [], "x", {"request_status": ["SUCCESS"]}])
def test_a_success_without_its_envelope_may_not_have_been_one(body: Any) -> None:
    assert type(snapchat().judge(USERS, answered(body)).error) is TransientError


@pytest.mark.parametrize("users", [[], [{}], None])
def test_an_answer_that_does_not_speak_of_the_users_is_no_receipt(users: Any) -> None:
    reply = answered({"request_status": "SUCCESS", "users": users})
    assert type(Script(snapchat().send(session(), {}, batch(email=[EMAIL])), reply).error) is ProtocolError


# tokens


@pytest.fixture
def _no_renewals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapchat_ads, "_renewed", {})


def sign_in(*answers: Reply) -> Script:
    return Script(snapchat().settings.sign_in(), *answers)


@pytest.mark.usefixtures("_no_renewals")
def test_signing_in_is_a_form_to_the_token_endpoint_without_a_credential() -> None:
    script = sign_in(answered({"access_token": "a", "expires_in": 1800}))
    [call] = script.calls
    assert (call.method, call.path, call.signed) == ("POST", "https://accounts.snapchat.com/login/oauth2/access_token", False)
    assert isinstance(call.body, Form)
    assert call.body.fields == {
        "grant_type": "refresh_token", "refresh_token": "configured", "client_id": "app", "client_secret": "s3cret",
    }  # fmt: skip
    assert (script.result.value, script.result.seconds) == ("a", 1800)
    assert snapchat().settings.headers("a") == {"authorization": "Bearer a"}
    for secret in ("s3cret", "configured"):
        assert secret not in f"{call!r} {call} {call.body!r}"


@pytest.mark.usefixtures("_no_renewals")
def test_a_refresh_token_that_comes_back_is_used_from_then_on() -> None:
    sign_in(answered({"access_token": "a", "expires_in": 1800, "refresh_token": "renewed"}))
    assert sign_in().calls[0].body.fields["refresh_token"] == "renewed"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, {"error": "invalid_grant", "error_description": "canary"}, "invalid_grant"),
        (401, {"error": "invalid_client"}, "invalid_client"),
        (400, {"error": "canary"}, "HTTP 400"),
        (403, None, "HTTP 403"),
    ],
)
def test_a_credential_that_is_not_accepted(status: int, body: Any, code: str) -> None:
    error = sign_in(Reply(status, body)).error
    assert isinstance(error, AuthError)
    assert error.code == code
    assert "canary" not in f"{error!r} {error}"


@pytest.mark.parametrize("body", [None, [], {}, {"access_token": None}, {"access_token": ["a"]}])
def test_an_answer_without_a_token_is_told(body: Any) -> None:
    assert type(sign_in(answered(body)).error) is ProtocolError


@pytest.mark.usefixtures("_no_renewals")
def test_runs_go_on_where_every_refresh_token_is_good_once(world: World) -> None:
    world.settings(DOOR, rotate_refresh_tokens=True, token_seconds=1)
    segment = world.segment(DOOR, world.name("rotating"), people(range(3)))
    assert world.run(DOOR, segment).state == "sealed"


# whole runs


def test_all_kinds_of_identifiers_reach_one_segment_and_leave_it(world: World) -> None:
    door = dataclasses.replace(DOOR, options={"upload": "all", "rows_per_request": 2})
    ids = ["aebe52e7-03ee-455a-b3c4-e57283966239", "AEBE52E7-03EE-455A-B3C4-E57283966240", ""]
    rows = [person(number, zip=ids[number % 3]) for number in range(5)]
    rows[4] |= {"phone": "", "email2": "second@example.com"}
    wish = Wish(more={"identifiers": {"email": ["email", "email2"], "phone": "phone", "mobile_ad_id": "zip"}})
    segment = world.segment(door, world.name("all"), rows, wish)
    assert world.run(door, segment).state == "sealed"
    audience = world.audience(door, segment)
    assert world.held(door, audience) == {
        "email": {digest(row[name]) for row in rows for name in ("email", "email2") if row[name]},
        "phone": {digest(row["phone"].removeprefix("+")) for row in rows if row["phone"]},
        "mobile_ad_id": {digest(value.lower()) for value in ids if value},
    }
    assert max(line["rows"] for line in world.log(door)) == 2
    world.segment(door, segment.name, rows[:1], wish)
    assert world.run(door, segment).state == "sealed"
    assert world.held(door, audience) == {
        "email": {digest(rows[0]["email"])}, "phone": {digest(rows[0]["phone"][1:])}, "mobile_ad_id": {digest(ids[0])},
    }  # fmt: skip


def test_a_batch_of_which_one_row_is_refused_is_halved_down_to_it(world: World) -> None:
    rows = people(range(6))
    segment = world.segment(DOOR, world.name("halves"), rows)
    world.fault(DOOR, {"error": "users"}, "add", times=3)  # six, its first half, the first of that
    report = world.run(DOOR, segment)
    assert (report.state, report.rows_accepted, report.rejected) == ("rejected", 5, {"HTTP 200": 1})
    assert world.run(DOOR, segment).state == "sealed"
    assert len(world.held(DOOR, world.audience(DOOR, segment))["email"]) == 6


def test_people_leave_the_segment_when_their_retention_ends(world: World) -> None:
    door = dataclasses.replace(DOOR, options={"retention_in_days": 30})
    rows = people(range(4))
    segment = world.segment(door, world.name("retention"), rows)
    assert world.run(door, segment).state == "sealed"
    audience = world.audience(door, segment)
    world.advance(31 * 86_400)
    assert world.held(door, audience) == {}


def test_many_segments_are_read_in_pages(world: World) -> None:
    world.settings(DOOR, segments_per_page=2)
    made = [world.segment(DOOR, world.name("page"), people(range(2)), Wish(audience=f"Page {n}")) for n in range(5)]
    for segment in made:
        ready = world.ready(DOOR, segment)
        found = ready.driver.run(ready.destination.ensure(ready.spec))
        assert ready.driver.run(ready.destination.ensure(ready.spec)) == found
        ready.close()
    assert len(world.books(DOOR)) == 5


def test_a_segment_that_somebody_deleted_is_made_anew_and_filled_whole(world: World) -> None:
    segment = world.segment(DOOR, world.name("deleted"), people(range(5)))
    assert world.run(DOOR, segment).state == "sealed"
    deleted = world.audience(DOOR, segment)
    token = world.http.post("/snapchat_ads/login/oauth2/access_token", data={**SIGN_IN, "refresh_token": "sandbox-refresh"})
    headers = {"authorization": f"Bearer {token.json()['access_token']}"}
    assert world.http.delete(f"/snapchat_ads/v1/segments/{deleted}", headers=headers).status_code == 200
    world.segment(DOOR, segment.name, people(range(2, 8)))
    report = world.run(DOOR, segment)
    assert (report.state, report.added) == ("sealed", 6)
    assert world.audience(DOOR, segment) != deleted
    assert len(world.held(DOOR, world.audience(DOOR, segment))["email"]) == 6


def test_a_missing_role_is_told_as_such(world: World) -> None:
    world.settings(DOOR, has_role=False)
    with pytest.raises(AuthError, match="lacks a role") as caught:
        world.run(DOOR, world.segment(DOOR, world.name("role"), people(range(2))))
    assert caught.value.code == "E3002"


def test_too_many_requests_are_waited_out(world: World) -> None:
    world.settings(DOOR, requests_per_second_per_token=1, rate_is_average_of_seconds=1)
    segment = world.segment(DOOR, world.name("rate"), people(range(2)))
    assert world.run(DOOR, segment, world.workspace(DOOR, retries=Retries())).state == "sealed"
    assert 429 in {line["status"] for line in world.log(DOOR)}
