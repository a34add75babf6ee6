"""Whop: the file and its upload, audiences built and filled, what is lost on the way, and audiences that follow one another."""

from __future__ import annotations

import csv
import logging
from io import StringIO
from typing import Any

import polars as pl
import pytest
from contract.rig import Door, Wish, World, expected_keys, people, person
from destinations.talk import Script, answered
from pydantic import ValidationError
from sandbox.openapi import OpenApi

from guestlist.destinations import destination_class
from guestlist.destinations.base import Destination
from guestlist.model.audiences import AudienceRef, AudienceSpec
from guestlist.model.conversation import Call, Repeat, Reply
from guestlist.model.delivery import Batch, Session
from guestlist.model.errors import AuthError, OutcomeUnknown, ProtocolError, RejectedError, TransientError
from guestlist.model.vocabulary import Field, Mode, Operation
from guestlist.runtime.carriers.http import HttpCarrier

DOORS = (
    Door(
        id="whop",
        platform="whop",
        door="whop",
        book="whop",
        paths={
            "find": r"/audiences$",
            "create": r"/audiences$",
            "add": r"/storage/",
            "ask": r"/audiences$",
        },
        busy=({"status": 429, "headers": {"retry-after": "7"}}, 7),
        down={"error": "503"},
        denied={"error": "401"},
        late_failure={"fail_job": True},
        partial_failure={"fail_job": "partial", "count": 2},
        fails_at="create",
        extra={"account_id": "biz_sandbox2024", "api_key": "sandbox-whop-key", "endpoint": "{http}/whop/api/v1"},
        secrets=("api_key",),
        methods={"create": "POST", "find": "GET", "ask": "GET"},
        phone_prefix="+",
        refuses_rows=False,
        bad_value=None,
        finds=1,
    ),
)

[DOOR] = DOORS

OPENAPI = OpenApi("whop")
ADDRESS = "https://uploads.example.com/key?X-Amz-Signature=canary-signature"
NAME = "VIPs [9007199254740991]"
OLD = AudienceRef("adaud_old", "VIPs", "https://example.com")
SPEC = AudienceSpec("VIPs", "people", "guestlist:vips:whop", (Field.EMAIL,), Mode.SNAPSHOT, known=OLD)
EXPIRED = RejectedError("x", code="upload_address_expired")
SNAPSHOT, APPEND = Wish(mode="snapshot"), Wish(mode="append")


def whop(**settings: Any) -> Destination:
    cls = destination_class("whop")
    return cls(cls.Settings(account_id="biz_1", api_key="k", **settings), cls.Options())


def session(operation: Operation = Operation.REPLACE, **changes: Any) -> Session:
    given = {"fields": (Field.EMAIL, Field.PHONE, Field.FIRST_NAME), "audience": OLD, **changes}
    return Session(9007199254740991, operation, total_batches=1, total_users=2, pull_date="2026-03-01", **given)


def batch(**columns: list[Any]) -> Batch:
    given = columns or {"email": ["a@example.com", None], "phone": [None, "+491"], "first_name": ['O"Brien, J', None]}
    return Batch("b", 1, pl.DataFrame(given))


def listing(*audiences: dict[str, Any], after: str = "") -> Reply:
    return answered({"data": list(audiences), "page_info": {"has_next_page": bool(after), "end_cursor": after or "last"}})


def item(status: str = "ready", number: str = "adaud_new", name: str = NAME, **more: Any) -> dict[str, Any]:
    counts = {"total_rows": 2.0, "processed_rows": 2, "matched_rows": 2, "progress_percent": 40.5}
    return {"id": number, "name": name, "status": status, **counts, **more}


def created(address: str = ADDRESS) -> Reply:
    headers = {"Content-Type": "text/csv", "x-amz-meta-y": "1"}
    return answered({"id": "file_1", "upload_url": address, "upload_headers": headers, "upload_status": "pending"})


def state(status: str) -> Reply:
    return answered({"id": "file_1", "upload_status": status})


BUILT = Reply(201, item("pending"), {}, "request-9")
PUT = Reply(200, None, {"etag": '"1"'})


# the forms on the wire


def test_a_snapshot_is_a_file_and_an_audience_built_from_it() -> None:
    script = Script(whop().send(session(), {}, batch()), listing(), created(), PUT, state("ready"), BUILT)
    look, create, put, ask_file, build = script.calls
    assert (look.method, look.path, look.query) == ("GET", "audiences", {"account_id": "biz_1", "first": 100})
    assert (create.method, create.path, create.body["visibility"]) == ("POST", "files", "private")
    assert create.body["byte_size"] == len(put.body.data)
    assert (put.method, put.path, put.signed, put.rows) == ("PUT", ADDRESS, False, 2)
    assert (put.body.type, put.headers) == ("text/csv", {"x-amz-meta-y": "1"})
    assert (ask_file.method, ask_file.path) == ("GET", "files/file_1")
    assert (build.method, build.path, build.repeat) == ("POST", "audiences", Repeat.LOOKUP)
    assert build.headers == {"idempotency-key": "guestlist-9007199254740991-file_1"}
    assert build.body == {
        "account_id": "biz_1",
        "name": NAME,
        "column_mapping": {"email": "email", "phone": "phone", "first_name": "first_name"},
        "file_id": "file_1",
    }
    OPENAPI.check_request("POST", "/audiences", build.body)
    assert (script.result.accepted, script.result.job, script.result.request_id) == (2, "adaud_new", "request-9")


def test_the_file_is_a_csv_that_any_reader_understands() -> None:
    script = Script(whop().send(session(), {}, batch()), listing(), created(), PUT)
    content = script.calls[2].body.data
    assert content == b'email,phone,first_name\na@example.com,,"O""Brien, J"\n,+491,\n'
    assert list(csv.reader(StringIO(content.decode())))[1] == ["a@example.com", "", 'O"Brien, J']


def test_the_mapping_goes_from_whops_field_to_our_header_and_a_value_makes_it_value_based() -> None:
    rows = batch(email=["a@example.com"], value=[44.5])
    told = session(fields=(Field.EMAIL,), currency="EUR", audience=AudienceRef("", "VIPs", ""))
    script = Script(whop().send(told, {}, rows), listing(), created(), PUT, state("ready"), BUILT)
    assert script.calls[-1].body["column_mapping"] == {"email": "email", "ltv": "value"}
    assert script.calls[2].body.data == b"email,value\na@example.com,44.5\n"


def test_key_and_version_go_with_every_call() -> None:
    headers = whop().settings.headers("")
    assert headers == {"authorization": "Bearer k", "api-version-date": "2026-10-15-1"}
    assert whop(api_version_date="2026-11-04-1").settings.headers("")["api-version-date"] == "2026-11-04-1"
    for wrong in ({"account_id": "acct"}, {"api_version_date": "latest"}, {"multipart_above_megabytes": 5}):
        with pytest.raises(ValidationError):
            destination_class("whop").Settings(**{"account_id": "biz_1", "api_key": "k", **wrong})


def test_what_an_attempt_that_died_had_built_is_not_built_again() -> None:
    script = Script(whop().send(session(), {}, batch()), listing(item(name="x"), after="c"), listing(item("processing")))
    assert script.calls[1].query["after"] == "c"
    assert (len(script.calls), script.result.job) == (2, "adaud_new")


def test_a_lost_answer_to_a_build_is_looked_up() -> None:
    start = (listing(), created(), PUT, state("ready"), OutcomeUnknown("x"))
    found = Script(whop().send(session(), {}, batch()), *start, listing(item("pending")))
    assert ([call.method for call in found.calls][5:], found.result.job) == (["GET"], "adaud_new")
    never = Script(whop().send(session(), {}, batch()), *start, listing())
    assert type(never.error) is TransientError


def test_builds_that_failed_are_cleared_away_by_the_next_one_and_nothing_else_is() -> None:
    others = [
        item("failed", "adaud_1", "VIPs [11]"),
        item("ready", "adaud_2", "VIPs [12]"),
        item("failed", "adaud_3", "VIPs of Rome [13]"),
        item("failed", "adaud_4", "VIPs"),
        item("failed", "adaud_5", "VIPs [14]"),
    ]
    script = Script(whop().send(session(), {}, batch()), listing(*others), RejectedError("x"), answered({"success": True}))
    assert [(call.method, call.path) for call in script.calls[1:]] == [
        ("DELETE", "audiences/adaud_1"),
        ("DELETE", "audiences/adaud_5"),
        ("POST", "files"),
    ]


# files


def test_a_file_is_waited_for_a_while() -> None:
    start = (listing(), created(), PUT, state("pending"), state("processing"))
    assert Script(whop().send(session(), {}, batch()), *start, state("ready"), BUILT).result.job == "adaud_new"
    failed = Script(whop().send(session(), {}, batch()), *start, state("failed"))
    assert isinstance(failed.error, RejectedError)
    endless = Script(whop().send(session(), {}, batch()), *start, *[state("processing")] * 38)
    assert isinstance(endless.error, TransientError)
    assert endless.error.retry_after == 60


def test_the_waiting_between_two_looks_at_a_file_is_the_drivers() -> None:
    call = Call("http", "GET", "files/file_1")
    assert [whop().judge(call, state(status)).pause for status in ("pending", "processing", "ready")] == [3, 3, 0]
    assert whop().judge(Call("http", "POST", "files"), state("pending")).pause == 0


def test_an_address_that_expired_is_replaced_once() -> None:
    other = answered({**created().body, "id": "file_2"})
    again = Script(whop().send(session(), {}, batch()), listing(), created(), EXPIRED, other, PUT, state("ready"), BUILT)
    assert again.calls[-1].body["file_id"] == "file_2"
    never = Script(whop().send(session(), {}, batch()), listing(), created(), EXPIRED, other, EXPIRED)
    assert never.error is EXPIRED


def test_a_large_file_goes_in_parts_whose_etags_complete_it() -> None:
    rows = batch(email=[f"{number:090d}@example.com" for number in range(60_000)])
    parts = [{"part_number": number, "url": f"{ADDRESS}&part={number}"} for number in (2, 1)]
    record = {
        "id": "file_1",
        "upload_headers": {},
        "multipart_upload_id": "up",
        "multipart_chunk_size": 4_000_000,
        "multipart_upload_urls": parts,
    }
    tags = [Reply(200, None, {"etag": f'"{number}"'}) for number in (1, 2)]
    given = session(fields=(Field.EMAIL,))
    target = whop(multipart_above_megabytes=6)
    replies = (listing(), answered(record), *tags, state("processing"), state("ready"), BUILT)
    script = Script(target.send(given, {}, rows), *replies)
    create, first, second, complete = script.calls[1:5]
    assert create.body["multipart"] is True
    assert [call.path[-1] for call in (first, second)] == ["1", "2"]
    assert [call.rows for call in (first, second)] == [0, 60_000]
    assert len(first.body.data) == 4_000_000
    assert len(first.body.data) + len(second.body.data) == create.body["byte_size"]
    assert complete.path == "files/file_1/complete"
    assert complete.body == {
        "multipart_upload_id": "up",
        "multipart_parts": [{"part_number": 1, "etag": '"1"'}, {"part_number": 2, "etag": '"2"'}],
    }
    for wrong in ({"multipart_chunk_size": 0}, {"multipart_chunk_size": 9_000_000}, {"multipart_upload_urls": parts[:1]}):
        broken = Script(target.send(given, {}, rows), listing(), answered({**record, **wrong}))
        assert isinstance(broken.error, ProtocolError)


@pytest.mark.parametrize("status", ["pending", "ready"])
def test_parts_that_were_put_together_already_are_not_refused(status: str) -> None:
    record = {
        "id": "file_1",
        "multipart_upload_id": "up",
        "multipart_chunk_size": 5_242_880,
        "multipart_upload_urls": [{"part_number": 1, "url": ADDRESS}],
    }
    refused = RejectedError("x")
    replies = (listing(), answered(record), PUT, refused, state(status), state("ready"), BUILT)
    script = Script(whop().send(session(), {}, batch()), *replies)
    assert script.error is (refused if status == "pending" else None)


@pytest.mark.parametrize("address", ["unexpected", "http://example.com/x", ""])
def test_people_go_to_no_address_without_encryption(address: str) -> None:
    script = Script(whop().send(session(), {}, batch()), listing(), created(address))
    assert (type(script.error), len(script.calls)) == (ProtocolError, 2)


def test_the_signed_address_is_shown_nowhere() -> None:
    put = Script(whop().send(session(), {}, batch()), listing(), created()).calls[2]
    error = whop().judge(put, Reply(403, None, {}, None, malformed=True)).error
    for shown in (repr(put), str(put), repr(created()), repr(error), str(error)):
        assert "canary-signature" not in shown
        assert "/key" not in shown


# adding people


def test_people_are_added_to_the_audience_that_is_there() -> None:
    adding = session(Operation.ADD)
    replies = (listing(item(number=OLD.id)), created(), PUT, state("ready"), Reply(200, item(), {}, "r"))
    script = Script(whop().send(adding, {}, batch()), *replies)
    assert script.calls[0].query["audience_id"] == OLD.id
    add = script.calls[-1]
    assert (add.method, add.path, add.body, add.headers) == (
        "POST",
        "audiences/adaud_old/add_people",
        {"file_id": "file_1"},
        {},
    )
    assert script.result.job == OLD.id


def test_an_audience_that_is_being_built_takes_people_later() -> None:
    early = Script(whop().send(session(Operation.ADD), {}, batch()), listing(item("syncing", OLD.id)))
    assert isinstance(early.error, TransientError)
    assert (early.error.retry_after, len(early.calls)) == (60, 1)
    judged = whop().judge(Call("http", "POST", "x"), Reply(409, {"error": {"type": "conflict", "message": "canary"}})).error
    assert isinstance(judged, TransientError)
    assert (judged.code, judged.retry_after) == ("HTTP 409 conflict", 60)


@pytest.mark.parametrize(
    ("code", "status", "taken"), [(None, "pending", True), (None, "ready", False), ("HTTP 409 conflict", "pending", False)]
)
def test_a_lost_answer_to_an_addition_is_looked_up(code: str | None, status: str, taken: bool) -> None:
    start = (listing(item(number=OLD.id)), created(), PUT, state("ready"), OutcomeUnknown("x", code=code))
    script = Script(whop().send(session(Operation.ADD), {}, batch()), *start, listing(item(status, OLD.id)))
    assert (script.result is not None) is taken
    assert taken or type(script.error) is TransientError


def test_the_first_addition_builds_the_audience() -> None:
    first = session(Operation.ADD, audience=AudienceRef("", "VIPs", ""))
    script = Script(whop().send(first, {}, batch()), listing(), created(), PUT, state("ready"), BUILT)
    assert script.calls[-1].path == "audiences"


# settling


def settled(answer: Reply, given: Session, *more: Any) -> Script:
    return Script(whop().settle(given, {}, ("adaud_new",)), answer, *more)


@pytest.mark.parametrize("status", ["pending", "processing", "syncing", "a status of tomorrow", None])
def test_an_audience_under_way_is_waited_for(status: Any) -> None:
    result = settled(listing(item(status)), session()).result
    assert (result.done, result.handle, result.audience) == (False, {"progress_percent": 40}, None)


def test_a_new_audience_takes_the_old_ones_place() -> None:
    script = settled(listing(item()), session(), answered({"success": True}))
    assert [(call.method, call.path) for call in script.calls][1:] == [("DELETE", "audiences/adaud_old")]
    assert (script.result.done, script.result.audience.id, script.result.audience.name) == (True, "adaud_new", "VIPs")
    assert script.result.jobs["adaud_new"].rejected == {}


def test_an_old_audience_that_is_gone_is_as_good_and_one_that_cannot_go_is_told() -> None:
    gone = settled(listing(item()), session(), RejectedError("x", code="HTTP 404 not_found"))
    assert gone.result.done
    held = RejectedError("x", code="HTTP 422 unprocessable_entity")
    assert settled(listing(item()), session(), held).error is held


def test_nothing_is_deleted_where_people_were_added() -> None:
    script = Script(whop().settle(session(Operation.ADD), {}, (OLD.id,)), listing(item(number=OLD.id)))
    assert (len(script.calls), script.result.done) == (1, True)


@pytest.mark.parametrize("answer", [listing(), listing(item("failed")), listing(item("partial", matched_rows=0))])
def test_a_build_that_failed_leaves_the_old_audience(answer: Reply) -> None:
    script = settled(answer, session())
    assert (len(script.calls), script.result.done, script.result.audience) == (1, True, None)
    assert script.result.jobs["adaud_new"].failed


@pytest.mark.parametrize(
    ("counts", "rejected"),
    [
        ({"total_rows": 2, "matched_rows": 1}, {"partial": 1}),
        ({"total_rows": 2, "matched_rows": 2}, {"partial": 1}),
        ({"total_rows": 90, "matched_rows": 1}, {"partial": 2}),
        ({"total_rows": 1, "matched_rows": 1}, {"not_in_file": 1, "partial": 1}),
    ],
)
def test_rows_that_were_not_passed_on_are_lost(counts: dict[str, int], rejected: dict[str, int]) -> None:
    result = settled(listing(item("partial", **counts)), session(), answered({"success": True})).result
    assert result.jobs["adaud_new"].rejected == rejected
    assert result.audience.id == "adaud_new"


def test_rows_that_whop_never_saw_are_lost_even_when_it_is_content() -> None:
    result = settled(listing(item(total_rows=1)), session(), answered({})).result
    assert result.jobs["adaud_new"].rejected == {"not_in_file": 1}


def test_the_match_rate_is_the_ad_platforms_own() -> None:
    rates = [{"platform": "meta", "status": "available", "lower_bound": 40, "upper_bound": 52.5}, {"platform": "meta"}]
    assert settled(listing(item(match_rates=rates)), session(), answered({})).result.match_rate == "meta 40-52.5 %"
    shown = Script(whop().describe(OLD), listing(item(number=OLD.id, match_rates=rates))).result
    assert (shown.size, shown.match_rate, shown.status) == ("2", "meta 40-52.5 %", "ready")
    assert Script(whop().describe(OLD), listing()).result.there is False


def test_the_audience_that_is_known_is_found_by_its_id_under_the_name_of_today() -> None:
    renamed = AudienceSpec("Best", "", "ref", (Field.EMAIL,), Mode.SNAPSHOT, known=OLD)
    there = Script(whop().ensure(renamed), listing(item(number=OLD.id))).result
    assert (there.id, there.name) == (OLD.id, "Best")
    assert Script(whop().ensure(SPEC), listing()).result.id == ""
    assert Script(whop().ensure(AudienceSpec("VIPs", "", "ref", (Field.EMAIL,)))).calls == []


@pytest.mark.parametrize(("known", "told"), [(OLD, "is there"), (None, "will be made")])
def test_a_check_reads_the_list_and_changes_nothing(known: AudienceRef | None, told: str) -> None:
    spec = AudienceSpec("VIPs", "", "ref", (Field.EMAIL,), Mode.SNAPSHOT, known=known)
    script = Script(whop().check(spec), listing(item(number=OLD.id)))
    assert [(call.method, call.query.get("audience_id")) for call in script.calls] == [("GET", known.id if known else None)]
    assert all(finding.ok for finding in script.result)
    assert told in script.result[-1].what


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
    builds = [(call, reply) for call, reply in seen if (call.method, call.path) == ("POST", "audiences")]
    assert len(builds) == 1
    for call, reply in builds:
        OPENAPI.check_request("POST", "/audiences", call.body)
        assert isinstance(reply.body["created_at"], str)
        undated = {**reply.body, "created_at": 0, "updated_at": 0}  # the dated contract has texts in their place
        OPENAPI.check_answer("POST", "/audiences", reply.status, undated)


def test_a_snapshot_replaces_the_audience_and_keeps_the_account_tidy(world: World) -> None:
    segment = world.segment(DOOR, world.name("tidy"), people(range(4)), SNAPSHOT)
    assert world.run(DOOR, segment).state == "sealed"
    old = world.audience(DOOR, segment)
    rows = [*people(range(2, 6)), person(9, email2="second@example.com", first="O'Neil", last="Doe", country="DE")]
    world.segment(DOOR, segment.name, rows, SNAPSHOT)
    assert world.run(DOOR, segment).state == "sealed"
    [book] = world.books(DOOR)
    assert book["id"] == world.audience(DOOR, segment) != old
    assert world.held(DOOR, book["id"]) == expected_keys(rows, DOOR)


def test_a_failed_build_leaves_the_old_audience_and_is_cleared_by_the_next(world: World) -> None:
    before, after = people(range(4)), people(range(2, 7))
    segment = world.segment(DOOR, world.name("failed"), before, SNAPSHOT)
    assert world.run(DOOR, segment).state == "sealed"
    old = world.audience(DOOR, segment)
    world.segment(DOOR, segment.name, after, SNAPSHOT)
    world.fault(DOOR, {"fail_job": True}, "create")
    assert world.run(DOOR, segment).state == "rejected"
    assert world.audience(DOOR, segment) == old
    assert world.held(DOOR, old) == expected_keys(before, DOOR)
    assert len(world.books(DOOR)) == 2
    assert world.run(DOOR, segment).state == "sealed"
    assert [book["id"] for book in world.books(DOOR)] == [world.audience(DOOR, segment)]
    assert world.held(DOOR, world.audience(DOOR, segment)) == expected_keys(after, DOOR)


def test_appending_adds_to_one_audience_and_takes_nobody_away(world: World) -> None:
    segment = world.segment(DOOR, world.name("append"), people(range(4)), APPEND)
    assert world.run(DOOR, segment).state == "sealed"
    audience = world.audience(DOOR, segment)
    world.segment(DOOR, segment.name, people(range(3, 8)), APPEND)
    second = world.run(DOOR, segment)
    assert (second.state, second.added) == ("sealed", 4)
    assert world.audience(DOOR, segment) == audience
    assert world.held(DOOR, audience) == expected_keys(people(range(8)), DOOR)


def test_a_large_file_is_uploaded_in_parts(world: World) -> None:
    long = [person(number, email=f"{number:06d}{'x' * 50}@{'y' * 60}.example.com") for number in range(45_000)]
    world.overrides["multipart_above_megabytes"] = 6
    segment = world.segment(DOOR, world.name("large"), long, SNAPSHOT)
    assert world.run(DOOR, segment).state == "sealed"
    assert len([line for line in world.log(DOOR) if line["operation"] == "upload"]) == 2
    assert len(world.held(DOOR, world.audience(DOOR, segment))["email"]) == 45_000


def test_no_plain_text_reaches_the_sandboxs_disk(world: World) -> None:
    segment = world.segment(DOOR, world.name("canary"), [person(1, email="canary-person@example.com", first="Canaryname")])
    assert world.run(DOOR, segment).state == "sealed"
    kept = b"".join(path.read_bytes() for path in (world.folder / "sandbox").iterdir() if path.is_file())
    assert b"adaud_" in kept
    for value in (b"canary-person", b"Canaryname"):
        assert value not in kept


def test_a_key_without_the_scope_is_told(world: World) -> None:
    world.overrides["api_key"] = "sandbox-whop-reader"
    with pytest.raises(AuthError) as caught:
        world.run(DOOR, world.segment(DOOR, world.name("scope"), people(range(2))))
    assert caught.value.code == "HTTP 403 forbidden"


def test_the_signed_address_is_left_nowhere(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.fault(DOOR, {"status": 503}, "add")  # the driver logs what it tries again
    with caplog.at_level(logging.DEBUG):
        assert world.run(DOOR, world.segment(DOOR, world.name("secret"), people(range(3)))).state == "sealed"
    assert "PUT http://127.0.0.1" in caplog.text
    for kept in (caplog.text.encode(), world.kept()):
        assert b"X-Amz" not in kept
        assert b"/storage/" not in kept
