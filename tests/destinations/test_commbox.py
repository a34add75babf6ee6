"""CommBox: a file of phone numbers, made into an audience once and in its place ever after."""

from __future__ import annotations

import dataclasses
from typing import Any

import polars as pl
import pytest
from contract.rig import Door, Wish, World, digest, expected_keys, people, person
from destinations.talk import Script, answered, ask

from guestlist.destinations import destination_class
from guestlist.destinations.base import Destination
from guestlist.model.audiences import AudienceRef, AudienceSpec
from guestlist.model.conversation import Call, Form, Repeat, Reply
from guestlist.model.delivery import Batch, Session
from guestlist.model.errors import (
    AuthError,
    ConfigError,
    GuestlistError,
    OutcomeUnknown,
    ProtocolError,
    RateLimitedError,
    RejectedError,
    TransientError,
)
from guestlist.model.vocabulary import Field, Mode, Operation

DOORS = (
    Door(
        id="commbox",
        platform="commbox",
        door="commbox",
        book="commbox",
        paths={"create": r"/audiences$", "find": r"/audiences$", "add": r"/audiences$"},
        busy=({"status": 429, "headers": {"retry-after": "7"}}, 7),
        down={"error": "500"},
        denied={"error": "401"},
        extra={"api_key": "sandbox-key", "endpoint": "{http}/commbox"},
        secrets=("api_key",),
        methods={"create": "POST", "find": "GET", "add": "POST"},
        kinds=("phone",),
        refuses_rows=False,
        bad_value=None,
    ),
)

[DOOR] = DOORS
HELP = "https://help.commbox.io/docs/audiences"
NOT_YET = AudienceRef("", "VIPs", HELP)
MADE = AudienceRef("312345", "VIPs", HELP)
SPEC = AudienceSpec("VIPs", "people", "guestlist:vips:c", (Field.PHONE,), Mode.SNAPSHOT)
CALL = Call("http", "PUT", "Audiences/312345", rows=2)
TAKEN = answered({"status": 200, "description": "d", "response_time": "t", "data": {"id": "312345"}})


def commbox(**options: Any) -> Destination:
    cls = destination_class("commbox")
    return cls(cls.Settings(api_key="k3y"), cls.Options(**options))


def session(audience: AudienceRef = MADE) -> Session:
    return Session(7, Operation.REPLACE, audience, 1, 2, "2026-03-01", (Field.PHONE,))


def batch(*numbers: str | None) -> Batch:
    return Batch("b", 1, pl.DataFrame({"phone": numbers or ["442079832100", "4915112345678"]}, schema={"phone": pl.String}))


def audiences(*found: dict[str, Any]) -> Reply:
    return answered({"status": "200", "data": [{"type": "Static", "user_count": 2, **one} for one in found]})


def file_of(call: Call) -> bytes:
    assert isinstance(call.body, Form)
    [(name, file)] = call.body.files.items()
    assert (name, file.filename, file.content.type) == ("audience_file", "audience.csv", "text/csv")
    return file.content.data


# the forms on the wire


def test_a_file_is_digits_below_the_one_header() -> None:
    call = ask(commbox().send(session(), {}, batch("442079832100", None, "4915112345678", "442079832100")))
    assert file_of(call) == b"phone1\n442079832100\n4915112345678\n"
    assert call.rows == 4


def test_a_file_takes_the_place_of_what_a_known_audience_holds() -> None:
    script = Script(commbox().send(session(), {}, batch()), TAKEN)
    [call] = script.calls
    assert (call.carrier, call.method, call.path, call.repeat) == ("http", "PUT", "Audiences/312345", Repeat.SAFE)
    assert call.body.fields == {}
    assert (script.result.accepted, script.result.rejected, script.result.job) == (2, {}, "312345")


def test_a_first_file_makes_the_audience() -> None:
    script = Script(commbox().send(session(NOT_YET), {}, batch()), audiences(), TAKEN)
    look, create = script.calls
    assert (look.method, look.path) == ("GET", "audiences")
    assert (create.method, create.path, create.repeat, create.rows) == ("POST", "audiences", Repeat.LOOKUP, 2)
    assert create.body.fields == {"name": "VIPs"}
    assert file_of(create) == b"phone1\n442079832100\n4915112345678\n"
    assert (script.result.accepted, script.result.job) == (2, "312345")


def test_what_an_attempt_that_died_has_made_is_found_and_replaced() -> None:
    script = Script(commbox().send(session(NOT_YET), {}, batch()), audiences({"id": "9", "name": "VIPs"}), TAKEN)
    assert [call.method for call in script.calls] == ["GET", "PUT"]
    assert script.calls[1].path == "Audiences/9"


def test_a_lost_answer_to_a_creation_is_looked_up_before_anything_is_repeated() -> None:
    lost = (audiences(), OutcomeUnknown("x"))
    there = Script(commbox().send(session(NOT_YET), {}, batch()), *lost, audiences({"id": "9", "name": "VIPs"}), TAKEN)
    assert [call.method for call in there.calls] == ["GET", "POST", "GET", "PUT"]
    never = Script(commbox().send(session(NOT_YET), {}, batch()), *lost, audiences())
    assert type(never.error) is TransientError


def test_no_call_shows_a_number() -> None:
    for audience in (MADE, NOT_YET):
        for call in Script(commbox().send(session(audience), {}, batch()), audiences(), TAKEN).calls:
            assert "442079832100" not in f"{call!r} {call} {call.body!r}"
    assert commbox().settings.headers("") == {"authorization": "Bearer k3y"}


def test_capabilities_are_one_whole_file_in_plain_text() -> None:
    found = commbox(rows_per_file=5).capabilities
    assert (found.modes, found.plain_text, found.limits.one_batch, found.limits.rows_per_batch) == (
        (Mode.SNAPSHOT,),
        True,
        True,
        5,
    )
    assert [(key.field, key.wire, key.plain) for key in found.keys] == [(Field.PHONE, "phone1", True)]


# finding


def test_a_known_audience_is_found_by_its_id_whatever_its_name_is_now() -> None:
    spec = dataclasses.replace(SPEC, known=MADE)
    listed = audiences({"id": "1", "name": "VIPs"}, {"id": "312345", "name": "Renamed"})
    assert Script(commbox().ensure(spec), listed).result == MADE
    assert Script(commbox().ensure(spec), audiences({"id": "1", "name": "VIPs"})).result.id == "1"
    assert Script(commbox().ensure(spec), audiences()).result == NOT_YET
    assert (
        Script(commbox().ensure(dataclasses.replace(SPEC, known=NOT_YET)), audiences({"id": "", "name": "x"})).result == NOT_YET
    )


def test_a_dynamic_audience_is_never_ours() -> None:
    dynamic = audiences({"id": "1", "name": "VIPs", "type": "Dynamic"})
    for conversation in (commbox().ensure(SPEC), commbox().send(session(NOT_YET), {}, batch())):
        script = Script(conversation, dynamic)
        assert (len(script.calls), type(script.error)) == (1, ConfigError)
    both = audiences({"id": "1", "name": "VIPs", "type": "Dynamic"}, {"id": "2", "name": "VIPs"})
    assert Script(commbox().ensure(SPEC), both).result.id == "2"
    [_, finding] = Script(commbox().check(SPEC), dynamic).result
    assert (finding.ok, "another name" in finding.mend) == (False, True)


def test_a_look_says_whether_the_audience_is_there() -> None:
    [_, finding] = Script(commbox().check(SPEC), audiences({"id": "1", "name": "VIPs"})).result
    assert finding.what == "audience 'VIPs' is there"
    [_, finding] = Script(commbox().check(SPEC), audiences()).result
    assert "will be made" in finding.what


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": "x"}, {"data": ["1"]}])
def test_audiences_that_cannot_be_read_are_not_taken_for_none(body: Any) -> None:
    for conversation in (commbox().ensure(SPEC), commbox().send(session(NOT_YET), {}, batch())):
        script = Script(conversation, answered(body))
        assert (len(script.calls), type(script.error)) == (1, ProtocolError)


def test_the_size_is_the_number_of_users() -> None:
    listed = audiences({"id": "312345", "name": "VIPs", "user_count": 1542})
    assert Script(commbox().describe(MADE), listed).result.size == "1542"
    assert Script(commbox().describe(NOT_YET), listed).result.size is None
    assert Script(commbox().describe(MADE), audiences()).result.size is None


# settling


def test_a_first_file_gives_the_audience_its_id() -> None:
    settlement = Script(commbox().settle(session(NOT_YET), {}, ("312345",))).result
    assert (settlement.done, settlement.audience) == (True, MADE)
    assert Script(commbox().settle(session(), {}, ())).result.audience is None
    assert commbox().settles_later(session()) is False


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {}}, {"data": {"id": None}}, {"data": ["1"]}])
def test_an_answer_without_an_id_is_no_receipt(body: Any) -> None:
    assert type(Script(commbox().send(session(), {}, batch()), answered(body)).error) is ProtocolError


# what an answer means


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RejectedError), (401, AuthError), (403, AuthError), (404, RejectedError), (413, RejectedError),
        (429, RateLimitedError), (500, TransientError), (502, TransientError), (302, ConfigError),
    ],
)  # fmt: skip
def test_every_status_has_its_class(status: int, kind: type[GuestlistError]) -> None:
    error = commbox().judge(CALL, Reply(status, {"status": status, "description": "canary"}, {}, "r-1")).error
    assert type(error) is kind
    assert (error.code, error.request_id) == (f"HTTP {status}", "r-1")
    assert "canary" not in f"{error!r} {error}"


@pytest.mark.parametrize("body", [None, [], "x"])
def test_a_success_that_is_not_an_object_may_not_have_been_one(body: Any) -> None:
    assert type(commbox().judge(CALL, answered(body)).error) is TransientError
    assert commbox().judge(CALL, TAKEN).error is None


# whole runs


def test_an_audience_is_made_once_and_replaced_whole_by_every_run(world: World) -> None:
    before, after = people(range(6)), [*people(range(4, 9)), person(3, phone="+442079832100")]
    segment = world.segment(DOOR, world.name("whole"), before, Wish(mode="snapshot"))
    assert world.run(DOOR, segment).state == "sealed"
    made = world.audience(DOOR, segment)
    assert world.held(DOOR, made) == expected_keys(before, DOOR)
    world.segment(DOOR, segment.name, after, Wish(mode="snapshot"))
    assert world.run(DOOR, segment).state == "sealed"
    assert world.audience(DOOR, segment) == made
    assert world.held(DOOR, made) == expected_keys(after, DOOR)
    sent = [(line["method"], line["rows"]) for line in world.log(DOOR) if line["rows"]]
    assert sent == [("POST", 6), ("PUT", 6)]
    assert world.run(DOOR, segment).rows_planned == 0
    assert len([line for line in world.log(DOOR) if line["rows"]]) == 2


def test_an_audience_that_is_gone_is_made_anew(world: World) -> None:
    rows = people(range(4))
    segment = world.segment(DOOR, world.name("gone"), rows, Wish(mode="snapshot"))
    assert world.run(DOOR, segment).state == "sealed"
    world.admin("POST", "reset")
    assert world.run(DOOR, segment).state == "sealed"
    assert world.held(DOOR, world.audience(DOOR, segment)) == expected_keys(rows, DOOR)


def test_a_server_error_on_the_creation_makes_no_second_audience(world: World) -> None:
    rows = people(range(4))
    segment = world.segment(DOOR, world.name("error"), rows, Wish(mode="snapshot"))
    world.fault(DOOR, {"error": "500", "when": "after"}, "create")
    assert world.run(DOOR, segment).state == "sealed"
    [book] = world.books(DOOR)
    assert book["id"] == world.audience(DOOR, segment)
    assert world.held(DOOR, book["id"]) == expected_keys(rows, DOOR)


def test_two_numbers_of_a_person_are_two_lines_and_no_file_is_ever_cut(world: World) -> None:
    door = dataclasses.replace(DOOR, options={"rows_per_file": 5})
    wish = Wish(mode="snapshot", more={"identifiers": {"phone": ["phone", "zip"]}})
    rows = [person(number, zip=f"+4420798321{number:02}") for number in range(3)]
    with pytest.raises(ConfigError, match="at most 5 rows; this audience has 6"):
        world.run(door, world.segment(door, world.name("cut"), rows, wish))
    segment = world.segment(door, world.name("two"), rows[:2], wish)
    assert world.run(door, segment).state == "sealed"
    numbers = {row[name].removeprefix("+") for row in rows[:2] for name in ("phone", "zip")}
    assert world.held(door, world.audience(door, segment)) == {"phone": {digest(number) for number in numbers}}


def test_no_number_is_on_a_disk(world: World) -> None:
    rows = people(range(3))
    segment = world.segment(DOOR, world.name("plain"), rows, Wish(mode="snapshot"))
    assert world.run(DOOR, segment).state == "sealed"
    assert rows[0]["phone"].removeprefix("+").encode() not in world.kept()


def test_throttling_is_waited_out(world: World) -> None:
    world.settings(DOOR, requests_per_minute=1)
    segment = world.segment(DOOR, world.name("slow"), people(range(2)), Wish(mode="snapshot"))
    with pytest.raises(RateLimitedError):
        world.run(DOOR, segment)
    world.settings(DOOR, requests_per_minute=None)
    assert world.run(DOOR, segment).state == "sealed"


def test_who_is_suppressed_by_email_is_kept_off_a_list_of_phones(world: World) -> None:
    rows = people(range(3))
    name = world.name("suppressed")
    (world.folder / f"{name}-no.csv").write_text(f"mail\n{rows[1]['email'].upper()}\n")
    suppress = [{"file": f"{name}-no.csv", "identifiers": {"email": "mail"}}]
    report = world.run(DOOR, segment := world.segment(DOOR, name, rows, Wish(more={"suppress": suppress})))
    assert (report.state, report.wanted) == ("sealed", 2)
    assert world.held(DOOR, world.audience(DOOR, segment)) == expected_keys([rows[0], rows[2]], DOOR)
