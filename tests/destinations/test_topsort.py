"""Topsort: the job, the exact upload, what is sent again and what is not, and audiences that follow one another."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from contract.rig import Door, World, digest, expected_keys, people, person
from destinations.talk import Script, answered
from pydantic import ValidationError
from sandbox.openapi import OpenApi

from guestlist.destinations import destination_class
from guestlist.destinations.base import Destination
from guestlist.model.audiences import AudienceRef, AudienceSpec
from guestlist.model.conversation import Call, Content, Repeat, Reply
from guestlist.model.delivery import Batch, Session
from guestlist.model.errors import AuthError, OutcomeUnknown, ProtocolError, RejectedError, TransientError, Unconfirmed
from guestlist.model.vocabulary import Field, Mode, Operation
from guestlist.runtime import clock
from guestlist.runtime.carriers.http import HttpCarrier

DOORS = (
    Door(
        id="topsort",
        platform="topsort",
        door="topsort",
        book="topsort",
        paths={
            "find": r"/audiences$",
            "create": r"/user-list$",
            "add": r"/storage/",
            "ask": r"/audiences$",
        },
        busy=({"status": 429, "headers": {"retry-after": "7"}}, 7),
        down={"status": 503},
        denied={"error": "401"},
        extra={"api_key": "sandbox-tsc-key", "endpoint": "{http}/topsort"},
        secrets=("api_key",),
        options={"dsp": ["google_ads", "meta"]},
        methods={"create": "POST"},
        phone_prefix="+",
        refuses_rows=False,
        bad_value=None,
        finds=1,
    ),
)

[DOOR] = DOORS

OPENAPI = OpenApi("topsort")
JOB_PATH = "/public/v1/offsite-ads/audiences/user-list"
ADDRESS = "https://uploads.example.com/key.csv?X-Amz-Signature=canary-signature"
JOB = "123e4567-e89b-12d3-a456-426614174000"
AUDIENCE = AudienceRef("old", "VIPs", "https://example.com")
SPEC = AudienceSpec("VIPs", "people", "guestlist:vips:topsort", (Field.EMAIL,), Mode.SNAPSHOT, known=AUDIENCE)
EMAIL, PHONE, FIRST = digest("person@example.com"), digest("+4915112345678"), digest("zoe")
EXPIRED = RejectedError("x", code="upload_address_expired")


def topsort(**options: Any) -> Destination:
    cls = destination_class("topsort")
    return cls(cls.Settings(api_key="k"), cls.Options(**{"dsp": ["google_ads", "meta"], **options}))


def session(**changes: Any) -> Session:
    given = {"fields": (Field.EMAIL, Field.PHONE, Field.FIRST_NAME), "audience": AUDIENCE, **changes}
    return Session(9007199254740991, Operation.REPLACE, total_batches=1, total_users=2, pull_date="2026-03-01", **given)


def batch(**columns: list[Any]) -> Batch:
    given = columns or {"email": [EMAIL, None], "phone": [None, PHONE], "first_name": [FIRST, None]}
    return Batch("b", 1, pl.DataFrame(given, schema=dict.fromkeys(given, pl.String)))


def listing(*audiences: dict[str, Any], after: str = "") -> Reply:
    body = {"hasMore": bool(after), "nextPage": after or None, "dsp": ["google_ads", "meta"], "audiences": list(audiences)}
    return answered(body)


def created(address: str = ADDRESS) -> Reply:
    return Reply(201, {"jobId": JOB, "url": address}, {}, "request-7")


def item(name: str = "VIPs [9007199254740991]", number: str = "new", synced: tuple[str, ...] = ("google_ads", "meta")) -> Any:
    bounds = {"lowerBound": 900, "upperBound": 1100}
    return {"id": number, "name": name, "estimatedSize": 1000, "estimatedSizeRange": bounds, "syncedDsps": list(synced)}


# the forms on the wire


def test_a_build_is_a_job_and_the_file_put_to_its_address() -> None:
    script = Script(topsort().send(session(), {}, batch()), listing(), created(), Reply(200))
    look, job, put = script.calls
    assert (look.method, look.path, look.query) == ("GET", "public/v1/offsite-ads/audiences", {})
    assert (job.method, job.path, job.repeat, job.rows) == ("POST", JOB_PATH[1:], Repeat.LOOKUP, 0)
    assert job.body["name"] == "VIPs [9007199254740991]"
    assert job.body["dsp"] == ["google_ads", "meta"]
    assert job.body["description"]
    OPENAPI.check_request("POST", JOB_PATH, job.body, dict(job.query))
    assert (put.method, put.path, put.signed, put.headers, put.rows) == ("PUT", ADDRESS, False, {}, 2)
    assert (script.result.accepted, script.result.job, script.result.request_id) == (2, JOB, "request-7")


def test_the_file_is_a_csv_of_hashes_with_empty_cells_and_no_empty_columns() -> None:
    rows = batch(email=[EMAIL, None], phone=[None, PHONE], first_name=[None, None])
    put = Script(topsort().send(session(), {}, rows), listing(), created(), Reply(200)).calls[2]
    assert isinstance(put.body, Content)
    assert put.body.type == "text/csv"
    assert put.body.data == f"hashed_email,hashed_phone\n{EMAIL},\n,{PHONE}\n".encode()


def test_the_columns_are_those_of_the_page() -> None:
    keys = topsort().capabilities.keys
    assert [(key.field.value, key.wire, key.plain, key.identifies) for key in keys] == [
        ("email", "hashed_email", False, True),
        ("phone", "hashed_phone", False, True),
        ("first_name", "hashed_first_name", False, False),
        ("last_name", "hashed_last_name", False, False),
        ("mobile_ad_id", "hashed_mobile_device_id", False, True),
    ]
    assert topsort().capabilities.singles == (Field.EMAIL, Field.PHONE, Field.MOBILE_AD_ID)


def test_phones_go_with_or_without_their_plus() -> None:
    def recipe(**options: Any) -> str:
        key = topsort(**options).capabilities.key(Field.PHONE)
        assert key
        return key.recipe

    assert (recipe(), recipe(phone_format="e164_digits")) == ("phone.e164_plus.v1", "phone.e164_digits.v1")


@pytest.mark.parametrize(("name", "kept"), [("x" * 120, 45), ("Größte Käufer 🎯", 15), ("x" * 44 + " yz", 44)])
def test_a_name_gives_way_to_the_mark_of_the_session(name: str, kept: int) -> None:
    job = Script(topsort().send(session(audience=AudienceRef("", name, "")), {}, batch()), listing()).calls[1]
    assert job.body["name"] == f"{name[:kept]} [9007199254740991]"
    assert len(job.body["name"]) <= 64


def test_a_vendor_goes_into_the_query_of_every_call_but_the_upload() -> None:
    script = Script(topsort(vendor_id="vendor_123").send(session(), {}, batch()), listing(), created(), Reply(200))
    assert [call.query for call in script.calls] == [{"vendor_id": "vendor_123"}] * 2 + [{}]


def test_the_ad_platforms_are_a_list_of_those_that_topsort_knows() -> None:
    assert topsort(dsp="meta").options.dsp == ("meta",)
    options = destination_class("topsort").Options
    for wrong in ({}, {"dsp": []}, {"dsp": ["pinterest"]}, {"dsp": ["meta"], "vendor_id": ""}):
        with pytest.raises(ValidationError):
            options(**wrong)


# what is done again, and what is not


def test_what_an_attempt_that_died_had_built_is_not_built_again() -> None:
    script = Script(topsort().send(session(), {}, batch()), listing(item("Other"), after="2"), listing(item()))
    assert [call.query for call in script.calls] == [{}, {"next_page": "2"}]
    assert script.result.accepted == 2


def test_a_job_whose_answer_was_lost_is_asked_for_once_more() -> None:
    lost = OutcomeUnknown("x")
    again = Script(topsort().send(session(), {}, batch()), listing(), lost, created(), Reply(200))
    assert ([call.method for call in again.calls], again.result.job) == (["GET", "POST", "POST", "PUT"], JOB)
    never = Script(topsort().send(session(), {}, batch()), listing(), lost, OutcomeUnknown("y"))
    assert isinstance(never.error, TransientError)


def test_an_address_that_expired_is_replaced_once() -> None:
    other = ADDRESS.replace("key", "other")
    again = Script(topsort().send(session(), {}, batch()), listing(), created(), EXPIRED, created(other), Reply(200))
    assert [call.path for call in again.calls][2::2] == [ADDRESS, other]
    assert again.result.accepted == 2
    never = Script(topsort().send(session(), {}, batch()), listing(), created(), EXPIRED, created(other), EXPIRED)
    assert (never.error, len(never.calls)) == (EXPIRED, 5)


@pytest.mark.parametrize("code", ["HTTP 400", "HTTP 411"])
def test_another_refusal_of_the_storage_is_told(code: str) -> None:
    refused = RejectedError("x", code=code)
    assert Script(topsort().send(session(), {}, batch()), listing(), created(), refused).error is refused


@pytest.mark.parametrize("body", [{}, None, [], {"jobId": JOB}, {"url": ADDRESS}, {"jobId": [JOB], "url": ADDRESS}])
def test_a_job_that_cannot_be_read_gets_no_file(body: Any) -> None:
    script = Script(topsort().send(session(), {}, batch()), listing(), Reply(201, body))
    assert (type(script.error), len(script.calls)) == (ProtocolError, 2)


@pytest.mark.parametrize("address", ["unexpected", "/etc", "ftp://example.com/x", "http://example.com/x", ""])
def test_hashes_go_to_no_address_without_encryption(address: str) -> None:
    script = Script(topsort().send(session(), {}, batch()), listing(), created(address))
    assert (type(script.error), len(script.calls)) == (ProtocolError, 2)


def test_the_signed_address_is_shown_nowhere() -> None:
    script = Script(topsort().send(session(), {}, batch()), listing(), created(), Reply(200))
    put = script.calls[2]
    assert str(put) == "PUT https://uploads.example.com, 2 rows"
    error = topsort().judge(put, Reply(403, None, {}, None, malformed=True)).error
    assert isinstance(error, RejectedError)
    for shown in (repr(put), str(put), repr(script.result), repr(created()), repr(error), str(error)):
        assert "canary-signature" not in shown
        assert "key.csv" not in shown


# judging


@pytest.mark.parametrize(("status", "malformed"), [(200, True), (500, True), (503, True), (429, False)])
def test_trouble_of_the_storage_passes(status: int, malformed: bool) -> None:
    call = Call("http", "PUT", ADDRESS, signed=False)
    assert isinstance(topsort().judge(call, Reply(status, malformed=malformed)).error, TransientError)


def test_a_refusal_tells_the_field_and_never_what_was_in_it() -> None:
    def code(*places: Any) -> str | None:
        detail = [{"loc": place, "msg": "canary", "type": "canary"} for place in places]
        error = topsort().judge(Call("http", "POST", JOB_PATH), Reply(422, {"detail": detail})).error
        assert isinstance(error, RejectedError)
        assert "canary" not in f"{error} {error!r}"
        return error.code

    assert code(["body", "dsp", 0]) == "HTTP 422 body.dsp"
    assert code(["body", "canary"], ["body", "name"]) == "HTTP 422 body"
    assert code() == "HTTP 422"
    assert code("body") == "HTTP 422", "a place that is no list tells nothing"


# settling


def test_a_build_is_done_when_every_wanted_ad_platform_has_it() -> None:
    def settled(*audiences: Any) -> Any:
        return Script(topsort().settle(session(), {}, (JOB,)), listing(*audiences)).result

    assert not settled().done
    assert not settled(item("VIPs"), item(synced=())).done
    assert not settled(item(synced=("meta", "tiktok_ads"))).done
    done = settled(item(number="twin", synced=("meta",)), item(synced=("tiktok_ads", "meta", "google_ads")))
    assert (done.done, done.audience.id, done.audience.name) == (True, "new", "VIPs")


def test_the_audience_that_is_known_is_found_by_its_id_under_the_name_of_today() -> None:
    renamed = AudienceSpec("Best", "", "ref", (Field.EMAIL,), Mode.SNAPSHOT, known=AUDIENCE)
    there = Script(topsort().ensure(renamed), listing(item(number="old"))).result
    assert (there.id, there.name) == ("old", "Best")
    assert Script(topsort().ensure(SPEC), listing(item())).result.id == ""
    first = Script(topsort().ensure(AudienceSpec("VIPs", "", "ref", (Field.EMAIL,), Mode.SNAPSHOT)))
    assert (first.calls, first.result.id) == ([], "")


@pytest.mark.parametrize(
    ("audience", "size", "status"),
    [
        (item(number="old"), "900-1100", "synced to google_ads, meta"),
        ({"id": "old", "estimatedSize": 7, "syncedDsps": None}, "7", "synced to no ad platform yet"),
        ({"id": "old"}, None, "synced to no ad platform yet"),
        (item(number="other"), None, None),
    ],
)
def test_the_size_is_topsorts_own_estimate(audience: Any, size: str | None, status: str | None) -> None:
    state = Script(topsort().describe(AUDIENCE), listing(audience)).result
    assert (state.size, state.status) == (size, status)


def test_a_check_reads_the_list_and_changes_nothing() -> None:
    script = Script(topsort().check(SPEC), listing(item(number="old")))
    assert [call.method for call in script.calls] == ["GET"]
    assert all(finding.ok for finding in script.result)
    assert "is there" in script.result[-1].what


# against the sandbox


def test_what_is_sent_and_what_comes_back_are_the_published_contract(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Call, Reply]] = []
    send = HttpCarrier.send

    def watched(carrier: HttpCarrier, call: Call) -> Reply:
        reply = send(carrier, call)
        seen.append((call, reply))
        return reply

    monkeypatch.setattr(HttpCarrier, "send", watched)
    assert world.run(DOOR, world.segment(DOOR, world.name("schema"), people(range(3)))).state == "sealed"
    jobs = [(call, reply) for call, reply in seen if call.method == "POST"]
    assert len(jobs) == 1
    for call, reply in jobs:
        OPENAPI.check_request("POST", JOB_PATH, call.body, dict(call.query))
        OPENAPI.check_answer("POST", JOB_PATH, reply.status, reply.body)


def test_a_new_audience_is_synced_before_it_counts_and_the_old_one_stays(world: World) -> None:
    before, after = people(range(4)), people(range(2, 7))
    segment = world.segment(DOOR, world.name("follow"), before)
    assert world.run(DOOR, segment).state == "sealed"
    old = world.audience(DOOR, segment)
    world.segment(DOOR, segment.name, after)
    assert world.run(DOOR, segment).state == "sealed"
    new = world.audience(DOOR, segment)
    assert {book["id"] for book in world.books(DOOR)} == {old, new}
    assert world.held(DOOR, old) == expected_keys(before, DOOR)
    assert world.held(DOOR, new) == expected_keys(after, DOOR)
    again = world.run(DOOR, segment)
    assert (again.state, again.rows_planned, world.audience(DOOR, segment)) == ("sealed", 0, new)


def test_names_help_and_two_emails_are_two_rows(world: World) -> None:
    rows = [person(1, email2="second@example.com", first="Zoë", last="Doe"), person(2, email="", phone="", first="Only")]
    segment = world.segment(DOOR, world.name("names"), rows)
    report = world.run(DOOR, segment)
    assert (report.state, report.rows_planned, report.without_key) == ("sealed", 2, 1)
    assert world.held(DOOR, world.audience(DOOR, segment)) == expected_keys(rows[:1], DOOR)


def test_an_address_that_expires_under_way_costs_a_second_job(world: World) -> None:
    segment = world.segment(DOOR, world.name("late"), people(range(3)))
    world.settings(DOOR, address_seconds=-1)
    with pytest.raises(RejectedError) as caught:
        world.run(DOOR, segment)
    assert caught.value.code == "upload_address_expired"
    assert [line["operation"] for line in world.log(DOOR)].count("create") == 2
    world.settings(DOOR, address_seconds=3600)
    assert world.run(DOOR, segment).state == "sealed"
    assert len(world.books(DOOR)) == 1


def test_a_build_that_never_comes_is_unconfirmed_and_leaves_the_old_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(seconds=sum(world.sleeps)))
    before = people(range(4))
    segment = world.segment(DOOR, world.name("never"), before)
    assert world.run(DOOR, segment).state == "sealed"
    old = world.audience(DOOR, segment)
    after = people(range(1, 6))
    world.segment(DOOR, segment.name, after)
    world.fault(DOOR, {"fail_job": True}, "create")
    with pytest.raises(Unconfirmed, match="has not said within 24 h"):
        world.run(DOOR, segment)
    assert world.audience(DOOR, segment) == old
    assert world.held(DOOR, old) == expected_keys(before, DOOR)
    world.settings(DOOR, settle_seconds=1)
    assert world.run(DOOR, segment).state == "sealed"
    assert world.held(DOOR, world.audience(DOOR, segment)) == expected_keys(after, DOOR)


def test_the_wrong_kind_of_key_is_told(world: World) -> None:
    world.overrides["api_key"] = "sandbox-tse-key"
    with pytest.raises(AuthError, match="does not accept the credential"):
        world.run(DOOR, world.segment(DOOR, world.name("key"), people(range(2))))
    assert [line["status"] for line in world.log(DOOR)] == [403]


def test_the_signed_address_is_left_nowhere(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.fault(DOOR, {"status": 503}, "add")  # the driver logs what it tries again
    with caplog.at_level(logging.DEBUG):
        assert world.run(DOOR, world.segment(DOOR, world.name("secret"), people(range(3)))).state == "sealed"
    assert "PUT http://127.0.0.1" in caplog.text
    for kept in (caplog.text.encode(), world.kept()):
        assert b"X-Amz" not in kept
        assert b"/storage/" not in kept
