"""PitchTarget: the forms on the wire, audiences built anew and kept tidy, and lines that would match nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from contract.rig import Door, Wish, World, balanced, digest, expected_keys, people, person
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
    OutcomeUnknown,
    ProtocolError,
    RateLimitedError,
    RejectedError,
    TransientError,
    Unconfirmed,
)
from guestlist.model.vocabulary import Field, Mode, Operation
from guestlist.runtime import clock

LOGIN = {"username": "sandbox-user", "password": "sandbox-password", "client_id": "sandbox-client"}
DOORS = (
    Door(
        id="pitchtarget",
        platform="pitchtarget",
        door="pitchtarget",
        book="pitchtarget",
        paths={
            "create": r"/custom_audiences$",
            "add": r"/custom_audiences$",
            "ask": r"/custom_audiences$",
        },
        busy=({"status": 429, "headers": {"retry-after": "7"}}, 7),
        down={"status": 503},
        denied={"error": "unauthorized"},
        stale={"expire_token": True},
        late_failure={"fail_job": True},
        fails_at="create",
        extra={"fb_ad_account_id": "2024001", **LOGIN, "endpoint": "{http}/pitchtarget"},
        secrets=("password",),
        methods={"create": "POST", "add": "POST", "ask": "GET"},
        kinds=("email",),
        refuses_rows=False,
    ),
)

[DOOR] = DOORS
SNAPSHOT, APPEND = Wish(mode="snapshot"), Wish(mode="append")
HASHES = [digest("a@example.com"), digest("b@example.com")]
NOBODY = AudienceRef("", "VIPs", "https://example.com")
KNOWN = AudienceRef("54", "VIPs", "https://example.com")
SPEC = AudienceSpec("VIPs", "people", "guestlist:vips:pitchtarget", (Field.EMAIL,), Mode.APPEND)
EMPTY = answered({"custom_audiences": [], "meta": {"page": 1, "total": 0}})


def pitchtarget(settings: dict[str, Any] | None = None, **options: Any) -> Destination:
    cls = destination_class("pitchtarget")
    return cls(cls.Settings(fb_ad_account_id=77, access_token="t", **(settings or {})), cls.Options(**options))


def session(operation: Operation = Operation.REPLACE, audience: AudienceRef = NOBODY, **changes: Any) -> Session:
    given = {"total_batches": 1, "total_users": 2, "fields": (Field.EMAIL,), **changes}
    return Session(11, operation, audience, pull_date="2026-03-01", **given)


def batch(values: list[str | None] | None = None, field: str = "email") -> Batch:
    return Batch("b", 1, pl.DataFrame({field: values or HASHES}))


def item(number: int, name: str = "VIPs", fb_id: str | None = "601", **more: Any) -> dict[str, Any]:
    return {"id": number, "name": name, "description": None, "user_type": "email_hash", "fb_id": fb_id, **more}


def listing(*items: dict[str, Any]) -> Reply:
    return answered({"custom_audiences": list(items), "meta": {"page": 1, "total": len(items)}})


def created(number: int = 54, fb_id: str | None = None) -> Reply:
    return Reply(201, {"fb_custom_audience": item(number, fb_id=fb_id)}, {}, "request-1")


def form_of(call: Call) -> tuple[dict[str, str], str, str]:
    """Its fields, the file, and the file's type."""
    assert isinstance(call.body, Form)
    [(name, file)] = call.body.files.items()
    assert name == "file"
    return dict(call.body.fields), file.content.data.decode(), file.content.type


def judged(status: int, body: Any = None, *, malformed: bool = False) -> GuestlistError | None:
    return pitchtarget().judge(Call("http", "GET", "x"), Reply(status, body, {}, None, malformed)).error


# the forms on the wire


def test_a_snapshot_is_a_new_audience_named_by_its_session() -> None:
    script = Script(pitchtarget().send(session(audience=KNOWN), {}, batch()), EMPTY, created(55))
    look, create = script.calls
    assert (look.method, look.path, look.query) == ("GET", "custom_audiences", {"fb_ad_account_id": "77", "page": 1})
    assert (create.method, create.path, create.repeat, create.rows) == ("POST", "custom_audiences", Repeat.LOOKUP, 2)
    fields, file, kind = form_of(create)
    assert fields == {"fb_ad_account_id": "77", "user_type": "email_hash", "name": "VIPs [11]"}
    assert (file, kind) == (f"{HASHES[0]}\n{HASHES[1]}\n", "text/plain")
    assert (script.result.accepted, script.result.job) == (2, "55")


def test_what_is_optional_goes_with_the_creation() -> None:
    destination = pitchtarget({"subtype": "CUSTOM"}, opt_out_link="https://example.com/out")
    fields, _, _ = form_of(Script(destination.send(session(), {}, batch()), EMPTY).calls[-1])
    assert (fields["subtype"], fields["opt_out_link"]) == ("CUSTOM", "https://example.com/out")


def test_appending_makes_the_audience_by_its_name_and_then_adds_to_it() -> None:
    first = Script(pitchtarget().send(session(Operation.ADD), {}, batch()), EMPTY, created())
    assert form_of(first.calls[1])[0]["name"] == "VIPs"
    assert first.result.job == "54"
    later = Script(pitchtarget().send(session(Operation.ADD, KNOWN), {}, batch()), created(fb_id="601"))
    [put] = later.calls
    assert (put.method, put.path, put.repeat, put.rows) == ("PUT", "custom_audiences/54", Repeat.SAFE, 2)
    assert form_of(put)[0] == {"fb_ad_account_id": "77", "user_type": "email_hash"}
    assert (later.result.job, later.result.request_id) == (None, "request-1")
    unmade = Script(pitchtarget().send(session(Operation.ADD, KNOWN), {}, batch()), created())
    assert unmade.result.job == "54"  # Facebook has not made it yet: that is waited for


def test_the_later_revision_has_facebooks_id_in_its_paths() -> None:
    destination = pitchtarget({"id_in_path": "fb_id"})
    put = Script(destination.send(session(Operation.ADD, KNOWN), {}, batch()), listing(item(54, fb_id="601"))).calls[-1]
    assert (put.method, put.path) == ("PUT", "custom_audiences/601")
    gone = Script(destination.send(session(Operation.ADD, KNOWN), {}, batch()), EMPTY)
    assert isinstance(gone.error, ProtocolError)


@pytest.mark.parametrize(
    ("user_type", "field", "recipe", "plain"),
    [
        ("email_hash", "email", "email.lower.v1", False),
        ("phone_hash", "phone", "phone.e164_digits.v1", False),
        ("custom_audience_third_party_id", "external_id", "external_id.v1", True),
        ("mobile_advertiser_id", "mobile_ad_id", "mobile_ad_id.lower.v1", True),
    ],
)
def test_the_user_type_decides_on_the_one_key(user_type: str, field: str, recipe: str, plain: bool) -> None:
    [key] = pitchtarget(user_type=user_type).capabilities.keys
    assert (key.field.value, key.recipe, key.wire, key.plain) == (field, recipe, user_type, plain)


# lines that would match nobody


@pytest.mark.parametrize(
    ("user_type", "field", "values", "rejected"),
    [
        ("email_hash", "email", [HASHES[0], "a@example.com", HASHES[0].upper(), None], dict.fromkeys((1, 2, 3), "not_sha256")),
        ("phone_hash", "phone", ["4915112345678", HASHES[0]], {0: "not_sha256"}),
        ("mobile_advertiser_id", "mobile_ad_id", [HASHES[0], "aebe52e7-03ee-455a-b3c4-e57283966239"], {0: "is_hashed"}),
        ("custom_audience_third_party_id", "external_id", ["a\nb", "c", "d\u2028e"], dict.fromkeys((0, 2), "not_one_line")),
    ],
)  # fmt: skip
def test_lines_of_another_kind_are_set_aside_by_name(
    user_type: str, field: str, values: list[str | None], rejected: dict[int, str]
) -> None:
    send = pitchtarget(user_type=user_type).send(session(fields=(Field(field),)), {}, batch(values, field))
    script = Script(send, EMPTY, created())
    assert (script.result.accepted, script.result.rejected) == (len(values) - len(rejected), rejected)
    kept = [value for index, value in enumerate(values) if index not in rejected]
    assert form_of(script.calls[1])[1].splitlines() == kept


def test_a_file_of_nothing_but_such_lines_is_not_sent() -> None:
    script = Script(pitchtarget().send(session(), {}, batch(["x", "y"])))
    assert (script.calls, script.result.accepted, len(script.result.rejected)) == ([], 0, 2)
    assert Script(pitchtarget().settle(session(), {}, ())).result.done


def test_an_audience_of_another_user_type_is_not_appended_to() -> None:
    there = listing(item(54, user_type="phone_hash"))
    assert isinstance(Script(pitchtarget().ensure(SPEC), there).error, ConfigError)
    assert Script(pitchtarget().ensure(replace(SPEC, mode=Mode.SNAPSHOT, known=KNOWN)), there).result.id == "54"


# finding


def test_an_audience_is_looked_for_by_id_then_by_name_over_all_pages() -> None:
    first = listing(*(item(number, f"Other {number}") for number in range(1, 11)))
    second = listing(item(54))
    script = Script(pitchtarget().ensure(SPEC), first, second)
    assert [call.query["page"] for call in script.calls] == [1, 2]
    assert (script.result.id, script.result.name) == ("54", "VIPs")
    renamed = Script(pitchtarget().ensure(replace(SPEC, known=KNOWN)), listing(item(53), item(54, "Renamed")))
    assert renamed.result.id == "54"
    deleted = Script(pitchtarget().ensure(replace(SPEC, mode=Mode.SNAPSHOT, known=KNOWN)), listing(item(53)))
    assert deleted.result.id == ""
    repeating = Script(pitchtarget().ensure(SPEC), first, first)  # a server without pages gives the first one for ever
    assert repeating.result.id == ""


def test_a_snapshot_that_knows_no_audience_asks_for_none() -> None:
    script = Script(pitchtarget().ensure(replace(SPEC, mode=Mode.SNAPSHOT)))
    assert (script.calls, script.result.id, script.result.name) == ([], "", "VIPs")


@pytest.mark.parametrize(
    "body", [{}, [], None, {"custom_audiences": None}, {"custom_audiences": "x"}, {"custom_audiences": [{}]}]
)
def test_audiences_that_cannot_be_read_are_not_taken_for_none(body: Any) -> None:
    for conversation in (pitchtarget().ensure(SPEC), pitchtarget().send(session(), {}, batch())):
        script = Script(conversation, answered(body))
        assert (len(script.calls), type(script.error)) == (1, ProtocolError)


def test_a_creation_whose_answer_is_lost_is_looked_up_and_not_repeated() -> None:
    mine = listing(item(55, "VIPs [11]", None))
    lost = Script(pitchtarget().send(session(), {}, batch()), EMPTY, OutcomeUnknown("x"), mine)
    assert (len(lost.calls), lost.result.job) == (3, "55")
    never = Script(pitchtarget().send(session(), {}, batch()), EMPTY, OutcomeUnknown("x"), EMPTY)
    assert type(never.error) is TransientError
    dead = Script(pitchtarget().send(session(), {}, batch()), mine)
    assert (len(dead.calls), dead.result.accepted, dead.result.job) == (1, 2, "55")


# settling


def test_the_old_one_goes_when_facebook_has_made_the_new_one() -> None:
    settling = session(audience=KNOWN)
    early = Script(pitchtarget().settle(settling, {}, ("55",)), listing(item(54), item(55, fb_id=None)))
    assert (len(early.calls), early.result.done) == (1, False)
    done = Script(pitchtarget().settle(settling, {}, ("55",)), listing(item(54), item(55)), Reply(204))
    assert [(call.method, call.path) for call in done.calls] == [("GET", "custom_audiences"), ("DELETE", "custom_audiences/54")]
    assert (done.result.audience.id, done.result.audience.name) == ("55", "VIPs")
    again = Script(pitchtarget().settle(settling, {}, ("55",)), listing(item(55)))
    assert (len(again.calls), again.result.audience.id) == (1, "55")
    raced = Script(pitchtarget().settle(settling, {}, ("55",)), listing(item(54), item(55)), judged(404))  # type: ignore[arg-type]
    assert raced.result.audience.id == "55"
    refused = Script(pitchtarget().settle(settling, {}, ("55",)), listing(item(54), item(55)), judged(422))  # type: ignore[arg-type]
    assert isinstance(refused.error, RejectedError)


def test_an_audience_that_vanished_has_failed_and_the_old_one_stays() -> None:
    script = Script(pitchtarget().settle(session(audience=KNOWN), {}, ("55",)), listing(item(54)))
    assert (len(script.calls), script.result.done, script.result.audience) == (1, True, None)
    assert script.result.jobs[""].failed


def test_only_a_new_audience_is_waited_for() -> None:
    assert pitchtarget().settles_later(session(audience=KNOWN))
    assert pitchtarget().settles_later(session(Operation.ADD))
    assert not pitchtarget().settles_later(session(Operation.ADD, KNOWN))


def test_an_audience_is_described_by_what_facebook_has() -> None:
    states = (listing(item(54)), listing(item(54, fb_id=None)), EMPTY)
    told = [Script(pitchtarget().describe(KNOWN), answer).result for answer in states]
    assert [(state.there, state.status) for state in told] == [
        (True, "at Facebook"),
        (True, "not yet at Facebook"),
        (False, None),
    ]


# the credential, and answers


@pytest.mark.parametrize(
    "extra",
    [{}, {"access_token": "t", **LOGIN}, {"username": "u", "password": "p"}, {"access_token": "t", "client_id": "c"}],
)
def test_there_is_one_way_in(extra: dict[str, str]) -> None:
    cls = destination_class("pitchtarget").Settings
    with pytest.raises(ConfigError, match="either access_token, or username, password and client_id"):
        cls.of(Connection("c", "guestlist", extra={"fb_ad_account_id": "77", **extra}))


def test_a_password_is_changed_for_a_token() -> None:
    settings = destination_class("pitchtarget").Settings(fb_ad_account_id="77", **LOGIN)
    call = ask(settings.sign_in())  # type: ignore[arg-type]
    assert (call.method, call.path, call.signed) == ("POST", "oauth/authorize", False)
    assert call.body == {**LOGIN, "grant_type": "password"}
    token = Script(settings.sign_in(), answered({"access_token": "fresh"})).result  # type: ignore[arg-type]
    assert (token.value, token.seconds) == ("fresh", None)
    assert settings.headers("fresh")["authorization"] == "OAuth fresh"
    assert isinstance(Script(settings.sign_in(), Reply(401, {"error": "x"})).error, AuthError)  # type: ignore[arg-type]
    for answer in (answered({}), answered(None), answered({"access_token": ""})):
        assert isinstance(Script(settings.sign_in(), answer).error, ProtocolError)  # type: ignore[arg-type]


def test_a_token_of_the_connection_is_never_asked_for() -> None:
    settings = destination_class("pitchtarget").Settings(fb_ad_account_id="77", access_token="canary")
    assert settings.sign_in() is None
    assert settings.headers("")["authorization"] == "OAuth canary"
    assert not pitchtarget().judge(Call("http", "GET", "x"), Reply(401)).refresh
    cls = destination_class("pitchtarget")
    login = cls(cls.Settings(fb_ad_account_id="77", **LOGIN), cls.Options())
    assert login.judge(Call("http", "GET", "x"), Reply(401)).refresh
    assert not login.judge(Call("http", "GET", "x"), Reply(403)).refresh


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, ConfigError),
        (401, AuthError),
        (403, AuthError),
        (404, RejectedError),
        (408, TransientError),
        (422, RejectedError),
        (429, RateLimitedError),
        (500, TransientError),
    ],
)
def test_statuses_by_their_meaning(status: int, kind: type[GuestlistError]) -> None:
    for body, malformed in ((None, True), ({"errors": {"name": ["canary"]}}, False), (None, False)):
        error = judged(status, body, malformed=malformed)
        assert type(error) is kind
        assert "canary" not in str(error)
    assert judged(204) is None


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_check_looks_at_credential_account_and_audience(wrapped: bool) -> None:
    accounts: list[Any] = [{"id": 1, "name": "A", "currency": "EUR", "fb_id": "77"}]
    answer = answered({"fb_ad_accounts": accounts} if wrapped else accounts)
    findings = Script(pitchtarget().check(SPEC), answer, listing(item(54))).result
    assert all(finding.ok for finding in findings)
    assert findings[-1].what == "audience 'VIPs' is there"
    findings = Script(pitchtarget().check(SPEC), answered([]), EMPTY).result
    assert [finding.ok for finding in findings] == [True, False, True, True]


# against the sandbox


def names(world: World) -> list[str]:
    return [book["name"] for book in world.books(DOOR)]


def test_a_snapshot_builds_anew_and_keeps_one_audience(world: World) -> None:
    before, after = people(range(6)), [*people(range(3, 8)), person(20, email2="second20@example.com")]
    segment = world.segment(DOOR, world.name("snapshot"), before, SNAPSHOT)
    report = world.run(DOOR, segment)
    assert (report.state, report.added) == ("sealed", 6)
    first = world.audience(DOOR, segment)
    assert world.held(DOOR, first) == expected_keys(before, DOOR)
    world.segment(DOOR, segment.name, after, SNAPSHOT)
    assert world.run(DOOR, segment).state == "sealed"
    second = world.audience(DOOR, segment)
    assert second != first
    assert len(names(world)) == 1
    assert world.held(DOOR, second) == expected_keys(after, DOOR)
    assert world.run(DOOR, segment).rows_planned == 0
    assert world.audience(DOOR, segment) == second


def test_a_failed_build_leaves_the_old_one_in_place(world: World) -> None:
    before, after = people(range(4)), people(range(2, 7))
    segment = world.segment(DOOR, world.name("failed"), before, SNAPSHOT)
    world.run(DOOR, segment)
    first = world.audience(DOOR, segment)
    world.segment(DOOR, segment.name, after, SNAPSHOT)
    world.fault(DOOR, {"fail_job": True}, "create")
    report = world.run(DOOR, segment)
    assert (report.state, balanced(report)) == ("rejected", True)
    assert world.audience(DOOR, segment) == first
    assert world.held(DOOR, first) == expected_keys(before, DOOR)
    assert world.run(DOOR, segment).state == "sealed"
    assert world.held(DOOR, world.audience(DOOR, segment)) == expected_keys(after, DOOR)
    assert len(names(world)) == 1


def test_an_audience_that_facebook_never_makes_is_unconfirmed_and_the_old_one_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(seconds=sum(world.sleeps)))
    segment = world.segment(DOOR, world.name("never"), people(range(3)), SNAPSHOT)
    assert world.run(DOOR, segment).state == "sealed"
    first = world.audience(DOOR, segment)
    world.settings(DOOR, settle_seconds=10**8)
    world.segment(DOOR, segment.name, people(range(4)), SNAPSHOT)
    with pytest.raises(Unconfirmed, match="has not said within 24 h"):
        world.run(DOOR, segment)
    assert world.audience(DOOR, segment) == first
    assert world.held(DOOR, first) == expected_keys(people(range(3)), DOOR)


def test_appending_adds_to_one_audience(world: World) -> None:
    before, after = people(range(4)), people(range(2, 7))
    segment = world.segment(DOOR, world.name("append"), before, APPEND)
    assert world.run(DOOR, segment).state == "sealed"
    audience = world.audience(DOOR, segment)
    world.segment(DOOR, segment.name, after, APPEND)
    report = world.run(DOOR, segment)
    assert (report.state, report.rows_planned) == ("sealed", 3)
    assert world.audience(DOOR, segment) == audience
    assert names(world) == ["People"]
    assert world.held(DOOR, audience) == expected_keys([*before, *after], DOOR)
    puts = [line for line in world.log(DOOR) if line["operation"] == "add"]
    assert [line["rows"] for line in puts] == [4, 3]


@pytest.mark.parametrize("mode", ["snapshot", "append"])
def test_a_lost_answer_makes_no_second_audience(world: World, mode: str) -> None:
    rows = people(range(3))
    segment = world.segment(DOOR, world.name("lost"), rows, Wish(mode=mode))
    world.fault(DOOR, {"drop": "after"}, "create")
    assert world.run(DOOR, segment).state == "sealed"
    assert len(names(world)) == 1
    assert world.held(DOOR, world.audience(DOOR, segment)) == expected_keys(rows, DOOR)


def test_a_lost_answer_to_the_deletion_is_no_trouble(world: World) -> None:
    segment = world.segment(DOOR, world.name("deleted"), people(range(3)), SNAPSHOT)
    world.run(DOOR, segment)
    world.segment(DOOR, segment.name, people(range(5)), SNAPSHOT)
    fault = {"match": {"method": "DELETE", "path": ""}, "action": {"drop": "after"}}
    world.admin("POST", "faults/pitchtarget", {"faults": [fault]})
    assert world.run(DOOR, segment).state == "sealed"
    assert len(names(world)) == 1


def test_an_old_audience_among_many_is_found(world: World) -> None:
    headers = {"authorization": "OAuth sandbox-token"}
    for number in range(23):
        form = {"fb_ad_account_id": "2024001", "name": f"Other {number}", "user_type": "email_hash"}
        files = {"file": ("u.txt", HASHES[0], "text/plain")}
        assert world.http.post("/pitchtarget/custom_audiences", data=form, files=files, headers=headers).status_code == 201
    segment = world.segment(DOOR, world.name("many"), people(range(3)), SNAPSHOT)
    assert world.run(DOOR, segment).state == "sealed"
    world.segment(DOOR, segment.name, people(range(4)), SNAPSHOT)
    assert world.run(DOOR, segment).state == "sealed"
    assert len(names(world)) == 24


def test_a_token_that_expires_under_way_is_refreshed_once(world: World) -> None:
    segment = world.segment(DOOR, world.name("stale"), people(range(3)), SNAPSHOT)
    world.fault(DOOR, {"expire_token": True}, "create")
    assert world.run(DOOR, segment).state == "sealed"
    said = [(line["operation"], line["status"]) for line in world.log(DOOR)]
    at = said.index(("add", 401))
    assert said[at + 1 : at + 3] == [("token", 200), ("add", 201)]
    assert [status for _, status in said].count(401) == 1


def test_a_password_that_is_not_accepted_is_told_at_once(world: World) -> None:
    segment = world.segment(DOOR, world.name("password"), people(range(3)), SNAPSHOT)
    world.settings(DOOR, password_valid=False)
    with pytest.raises(AuthError, match="username, password and client_id"):
        world.run(DOOR, segment)
    assert len(world.log(DOOR)) == 1


def test_with_a_token_and_the_later_revision(world: World) -> None:
    extra = {"fb_ad_account_id": "2024001", "access_token": "sandbox-token", "endpoint": "{http}/pitchtarget"}
    later = {"subtype": "CUSTOM", "id_in_path": "fb_id"}
    door = replace(DOOR, extra={**extra, **later})
    world.settings(DOOR, subtype_required=True, id_in_path="fb_id")
    for wish in (SNAPSHOT, APPEND):
        segment = world.segment(door, world.name("later"), people(range(3)), wish)
        assert world.run(door, segment).state == "sealed"
        world.segment(door, segment.name, people(range(5)), wish)
        assert world.run(door, segment).state == "sealed"
        assert world.held(door, world.audience(door, segment)) == expected_keys(people(range(5)), DOOR)
    assert len(names(world)) == 2


@pytest.mark.parametrize(
    ("user_type", "identifiers", "kind", "values"),
    [
        ("phone_hash", {"phone": "phone"}, "phone", {digest("4915110000001"), digest("4915110000002")}),
        ("custom_audience_third_party_id", {"external_id": "id"}, "external_id", {"c1", "c2"}),
        (
            "mobile_advertiser_id",
            {"mobile_ad_id": "zip"},
            "mobile_ad_id",
            {"aebe52e7-03ee-455a-b3c4-e57283966231", "aebe52e7-03ee-455a-b3c4-e57283966232"},
        ),
    ],
)
def test_each_user_type_arrives(world: World, user_type: str, identifiers: dict[str, str], kind: str, values: set[str]) -> None:
    door = replace(DOOR, options={"user_type": user_type})
    rows = [person(number, zip=f"AEBE52E7-03EE-455A-B3C4-E5728396623{number}") for number in (1, 2)]
    wish = Wish(mode="snapshot", more={"identifiers": identifiers})
    segment = world.segment(door, world.name("kinds"), rows, wish)
    assert world.run(door, segment).state == "sealed"
    assert world.held(door, world.audience(door, segment)) == {kind: values}


def test_terms_that_are_not_accepted_are_named(world: World) -> None:
    segment = world.segment(DOOR, world.name("terms"), people(range(3)), SNAPSHOT)
    world.settings(DOOR, terms_accepted=False)
    with pytest.raises(RejectedError, match="terms"):
        world.run(DOOR, segment)


def test_a_check_changes_nothing(world: World) -> None:
    ready = world.ready(DOOR, world.segment(DOOR, world.name("check"), people(range(2)), APPEND))
    findings = ready.driver.run(ready.destination.check(ready.spec))
    ready.close()
    assert all(finding.ok for finding in findings)
    assert findings[-1].what == "audience 'People' will be made by the first run"
    assert world.books(DOOR) == []
