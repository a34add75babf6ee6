"""TikTok's customer files: what is in them, how they make and change an audience, and what happens when they fail."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from contract.rig import Wish, World, digest, expected_keys, people
from destinations.talk import Script, ask
from destinations.test_tiktok_ads import FILES
from destinations.tiktok import (
    ADVERTISER,
    EMAIL,
    FIELDS,
    MOBILE,
    NEW,
    PHONE,
    SPEC,
    batch,
    files,
    listed,
    ok,
    page,
    session,
    told,
)

from guestlist.model.audiences import AudienceSpec
from guestlist.model.conversation import Repeat
from guestlist.model.delivery import JobOutcome
from guestlist.model.errors import (
    BatchRefused,
    ConfigError,
    OutcomeUnknown,
    RateLimitedError,
    RejectedError,
    TransientError,
)
from guestlist.model.vocabulary import Field, Operation

SEVERAL = {"calculate_type": "MULTIPLE_TYPES"}
EMAILS = {"calculate_type": "EMAIL_SHA256"}
FILE = "Customer File Audience"
SECOND = digest("person2@example.com")
REPLACE = Wish(mode="replace")


def upload_of(handle: dict[str, str], fields: tuple[Field, ...] = FIELDS, **columns: list[Any]) -> tuple[str, dict[str, str]]:
    """The content of a batch's file, and the other parts of its form."""
    call = ask(files().send(session(fields=fields), handle, batch(**columns)))
    assert (call.method, call.path, call.repeat) == ("POST", "dmp/custom_audience/file/upload/", Repeat.SAFE)
    form = call.body
    assert form.multipart
    assert list(form.files) == ["file"]
    assert form.files["file"].filename.endswith(".csv")
    data = form.files["file"].content.data
    assert form.fields["file_signature"] == hashlib.md5(data, usedforsecurity=False).hexdigest()
    return data.decode(), dict(form.fields)


# files


def test_one_kind_of_id_is_a_file_without_a_header() -> None:
    content, fields = upload_of(EMAILS, (Field.EMAIL,), email=[EMAIL])
    assert content == f"{EMAIL}\n"
    assert fields == {
        "advertiser_id": ADVERTISER,
        "calculate_type": "EMAIL_SHA256",
        "file_signature": "4353fb26a834ccd5e1c089cdb39ee918",
    }


def test_the_signature_is_that_of_the_whole_file() -> None:
    line = "06a240d11cc201676da976f7b49341181fd180da37cbe40a77432c0a366c80c3"
    _, fields = upload_of(EMAILS, (Field.EMAIL,), email=[EMAIL, line])
    assert fields["file_signature"] == "6badf0294b85cad216e1ec70090a50fa"


def test_several_kinds_of_ids_are_columns_with_a_header() -> None:
    content, fields = upload_of(SEVERAL, email=[EMAIL], phone=[PHONE])
    assert content == f"email_sha256,phone_sha256\n{EMAIL},{PHONE}\n"
    assert fields["file_signature"] == "fe816e45199e03d3418d06947bd336ae"
    content, _ = upload_of(SEVERAL, (*FIELDS, Field.MOBILE_AD_ID), email=[None], phone=[PHONE], mobile_ad_id=[MOBILE])
    assert content == f"email_sha256,phone_sha256,maid_sha256\n,{PHONE},{MOBILE}\n"


def test_no_line_comes_twice() -> None:
    content, _ = upload_of(EMAILS, (Field.EMAIL,), email=[EMAIL, SECOND, EMAIL])
    assert content == f"{EMAIL}\n{SECOND}\n"


def test_a_receipt_names_the_file_and_counts_all_rows() -> None:
    sent = files().send(session(fields=(Field.EMAIL,)), EMAILS, batch(email=[EMAIL, EMAIL]))
    receipt = Script(sent, ok({"file_path": "0123456789abcdef"})).result
    assert (receipt.accepted, receipt.job, receipt.request_id) == (2, "0123456789abcdef", "r")


def test_a_file_that_is_refused_is_uploaded_in_halves_which_all_count() -> None:
    refused = BatchRefused("no", code="40915")
    sent = files().send(session(), SEVERAL, batch(email=[EMAIL, "x", SECOND], phone=[None] * 3))
    receipt = Script(sent, refused, ok({"file_path": "a"}), refused, refused, ok({"file_path": "b"})).result
    assert (receipt.accepted, receipt.rejected, receipt.job) == (2, {1: "40915"}, "a b")


# which audience, of which type


def test_an_audience_that_is_not_there_is_left_to_its_first_files() -> None:
    script = Script(files().ensure(SPEC), page(listed("5", kind="Partner")))
    assert (len(script.calls), script.result.id, script.result.name) == (1, "", "VIPs")
    assert Script(files().ensure(SPEC), page(listed("6", kind=FILE)), told("6")).result.id == "6"


def test_what_a_failed_build_left_behind_is_no_audience() -> None:
    ruin = {"is_valid": False, "cover_num": 0, "error_msg": "too few"}
    both = page(listed("6", kind=FILE), listed("7", kind=FILE))
    assert Script(files().ensure(SPEC), both, told("6", **ruin), told("7")).result.id == "7"
    assert Script(files().ensure(SPEC), both, told("6", **ruin), ok({"list": []})).result.id == ""
    spoilt = told("6", **{**ruin, "cover_num": 5000})  # a change of it failed
    assert Script(files().ensure(SPEC), both, spoilt).result.id == "6"
    made = ok({"custom_audience_id": "10"})
    closed = Script(files().close(session(), SEVERAL, ("a",)), told(**ruin), made).result
    assert closed == {**SEVERAL, "audience": "10", "made": True}
    assert Script(files().settle(session(), closed, ("a",)), told("10")).result.audience.id == "10"
    closed = Script(files().close(session(Operation.REMOVE), SEVERAL, ("a",)), told(**ruin)).result
    assert closed == {**SEVERAL, "failed": True}


def test_a_build_that_fails_after_a_run_has_died_does_not_stop_the_next(world: World) -> None:
    rows = people(range(4))
    segment = world.segment(FILES, world.name("ruin"), rows, REPLACE)
    world.fault(FILES, {"fail_job": True}, "create")
    world.fault(FILES, {"error": "50000"}, "ask", times=99)
    with pytest.raises(TransientError):
        world.run(FILES, segment)
    world.clear_faults(FILES)
    assert world.run(FILES, segment).state == "sealed"
    assert world.held(FILES, world.audience(FILES, segment)) == expected_keys(rows, FILES)


def test_a_name_that_tiktok_would_refuse_is_told_before_anything_is_sent() -> None:
    script = Script(files().ensure(AudienceSpec("x" * 129, "", "r", (Field.EMAIL,))))
    assert (script.calls, type(script.error)) == ([], ConfigError)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        (FIELDS, "MULTIPLE_TYPES"),
        ((Field.EMAIL,), "EMAIL_SHA256"),
        ((Field.PHONE,), "PHONE_SHA256"),
        ((Field.MOBILE_AD_ID,), "FIRST_SHA256"),
    ],
)
def test_a_new_audience_is_of_the_segments_type(fields: tuple[Field, ...], kind: str) -> None:
    script = Script(files().open(session(audience=NEW, fields=fields)))
    assert (script.calls, script.result) == ([], {"calculate_type": kind})


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        (FIELDS, "MULTIPLE_TYPES"),
        ((Field.EMAIL,), "MULTIPLE_TYPES"),
        ((Field.EMAIL,), "EMAIL_SHA256"),
        ((Field.MOBILE_AD_ID,), "GAID_SHA256"),
    ],
)
def test_files_are_of_the_type_that_the_audience_has(fields: tuple[Field, ...], kind: str) -> None:
    assert Script(files().open(session(fields=fields)), told(calculate_type=kind)).result == {"calculate_type": kind}


@pytest.mark.parametrize("kind", ["PHONE_SHA256", "EMAIL_SHA256", None])
def test_an_audience_of_another_type_is_refused(kind: str | None) -> None:
    assert isinstance(Script(files().open(session()), told(calculate_type=kind)).error, ConfigError)


def test_nobody_is_taken_out_of_an_audience_that_is_not_there() -> None:
    assert isinstance(Script(files().open(session(Operation.REMOVE, NEW))).error, ConfigError)
    assert isinstance(Script(files().open(session()), ok({"list": []})).error, ConfigError)


# all files at once


def test_the_first_files_make_the_audience() -> None:
    script = Script(files().close(session(audience=NEW), SEVERAL, ("a b", "c")), page(), ok({"custom_audience_id": "9"}))
    create = script.calls[1]
    assert (create.path, create.repeat) == ("dmp/custom_audience/create/", Repeat.LOOKUP)
    assert create.body == {
        "advertiser_id": ADVERTISER,
        "custom_audience_name": "VIPs",
        "calculate_type": "MULTIPLE_TYPES",
        "file_paths": ["a", "b", "c"],
    }
    assert script.result == {**SEVERAL, "audience": "9", "made": True}


def test_a_creation_whose_answer_was_lost_is_looked_up() -> None:
    made = page(listed(kind=FILE))
    found = Script(files().close(session(audience=NEW), SEVERAL, ("a",)), page(), OutcomeUnknown("x"), made, told())
    assert found.result == {**SEVERAL, "audience": "9", "made": True}
    never = Script(files().close(session(audience=NEW), SEVERAL, ("a",)), page(), OutcomeUnknown("x"), page())
    assert type(never.error) is TransientError


def test_an_audience_that_has_come_in_between_is_changed_and_not_taken_for_ours() -> None:
    there = page(listed(kind=FILE))
    script = Script(files().close(session(Operation.REPLACE, NEW), SEVERAL, ("a",)), there, told(), told(), ok())
    assert script.calls[3].path == "dmp/custom_audience/update/"
    assert script.result == {**SEVERAL, "audience": "9"}


@pytest.mark.parametrize(
    ("operation", "action"),
    [(Operation.ADD, "APPEND"), (Operation.REMOVE, "REMOVE"), (Operation.REPLACE, "REPLACE")],
)
def test_a_change_always_says_its_action(operation: Operation, action: str) -> None:
    script = Script(files().close(session(operation), SEVERAL, ("a", "b")), told(), ok())
    assert script.calls[1].body == {
        "advertiser_id": ADVERTISER,
        "custom_audience_id": "9",
        "action": action,
        "file_paths": ["a", "b"],
    }
    assert (script.calls[1].repeat, script.result) == (Repeat.LOOKUP, {**SEVERAL, "audience": "9"})


def test_a_change_whose_answer_was_lost_is_known_by_the_audiences_history() -> None:
    def closed(after: Any) -> Script:
        return Script(files().close(session(Operation.REPLACE), SEVERAL, ("a",)), told(), OutcomeUnknown("x"), after)

    assert closed(told(history=2)).result == closed(told(is_valid=False)).result == {**SEVERAL, "audience": "9"}
    assert type(closed(told(cover_num=1)).error) is TransientError


def test_files_that_tiktok_has_lost_are_sent_anew_by_the_next_run() -> None:
    lost = Script(files().close(session(), SEVERAL, ("a",)), told(), RejectedError("no", code="40910"))
    assert lost.result == {**SEVERAL, "failed": True}
    settled = Script(files().settle(session(), lost.result, ("a",)))
    assert (settled.calls, settled.result.jobs) == ([], {"": JobOutcome(failed=True)})
    other = RejectedError("no", code="40909")
    assert Script(files().close(session(), SEVERAL, ("a",)), told(), other).error is other


def test_without_a_file_there_is_nothing_to_close_or_settle() -> None:
    closed = Script(files().close(session(), SEVERAL, ()))
    assert (closed.calls, closed.result) == ([], SEVERAL)
    assert Script(files().settle(session(), SEVERAL, ())).result.done


def test_more_files_than_a_call_takes_are_refused_before_it() -> None:
    script = Script(files().close(session(), SEVERAL, [str(number) for number in range(501)]))
    assert (script.calls, type(script.error)) == ([], RejectedError)


# settling


@pytest.mark.parametrize(
    "details",
    [{"is_valid": False}, {"cover_num": 999}, {"is_valid": None}, {"is_valid": "true"}, {"cover_num": None}],
)
def test_it_is_not_done_before_the_audience_is_valid_and_big_enough(details: dict[str, Any]) -> None:
    assert not Script(files().settle(session(), {"audience": "9"}, ("a",)), told(**details)).result.done


def test_a_new_audience_is_told_once_it_stands() -> None:
    made = Script(files().settle(session(audience=NEW), {"audience": "9", "made": True}, ("a",)), told()).result
    assert (made.done, made.audience.id if made.audience else None, made.jobs) == (True, "9", {"": JobOutcome()})
    assert Script(files().settle(session(), {"audience": "9"}, ("a",)), told()).result.audience is None


def test_a_build_that_failed_is_taken_away_and_a_change_that_failed_leaves_the_audience() -> None:
    failed = told(is_valid=False, cover_num=0, error_msg="too few")
    built = Script(files().settle(session(audience=NEW), {"audience": "9", "made": True}, ("a",)), failed, ok())
    assert built.calls[1].path == "dmp/custom_audience/delete/"
    assert built.calls[1].body == {"advertiser_id": ADVERTISER, "custom_audience_ids": ["9"]}
    assert (built.result.jobs, built.result.audience) == ({"": JobOutcome(failed=True)}, None)
    changed = Script(files().settle(session(), {"audience": "9"}, ("a",)), failed)
    assert (len(changed.calls), changed.result.jobs) == (1, {"": JobOutcome(failed=True)})
    gone = Script(files().settle(session(), {"audience": "9", "made": True}, ("a",)), ok({"list": []}))
    assert gone.result.jobs == {"": JobOutcome(failed=True)}


# runs


def test_too_few_matched_people_fail_and_leave_nothing_behind(world: World) -> None:
    rows = people(range(12))
    segment = world.segment(FILES, world.name("floor"), rows, REPLACE)
    workspace = world.workspace(FILES)
    world.settings(FILES, cover_num=None)
    report = world.run(FILES, segment, workspace)
    assert (report.state, report.unconfirmed) == ("rejected", 12)
    assert world.books(FILES) == []
    world.settings(FILES, **FILES.settings)
    assert world.run(FILES, segment).state == "sealed"  # with the door's own settings: enough
    assert world.held(FILES, world.audience(FILES, segment)) == expected_keys(rows, FILES)


def test_a_failed_change_leaves_the_audience_and_the_next_run_makes_it_good(world: World) -> None:
    before, after = people(range(6)), people(range(3, 9))
    segment = world.segment(FILES, world.name("failed"), before, REPLACE)
    assert world.run(FILES, segment).state == "sealed"
    audience = world.audience(FILES, segment)
    world.segment(FILES, segment.name, after, REPLACE)
    world.fault(FILES, {"fail_job": True}, "replace")
    assert world.run(FILES, segment).state == "rejected"
    assert world.held(FILES, audience) == expected_keys(before, FILES)
    assert world.run(FILES, segment).state == "sealed"
    assert (world.audience(FILES, segment), world.held(FILES, audience)) == (audience, expected_keys(after, FILES))


@pytest.mark.parametrize("fault", [{"drop": "after"}, {"error": "50000", "when": "after"}, {"malformed": "html"}])
def test_a_replace_whose_answer_was_lost_is_not_sent_twice(world: World, fault: dict[str, Any]) -> None:
    segment = world.segment(FILES, world.name("lost"), people(range(4)), REPLACE)
    assert world.run(FILES, segment).state == "sealed"
    world.segment(FILES, segment.name, people(range(5)), REPLACE)
    world.fault(FILES, fault, "replace")
    assert world.run(FILES, segment).state == "sealed"
    assert len([line for line in world.log(FILES) if line["operation"] == "replace"]) == 1
    assert world.held(FILES, world.audience(FILES, segment)) == expected_keys(people(range(5)), FILES)


def test_a_second_replace_of_a_day_waits_for_its_time_with_its_files(world: World) -> None:
    segment = world.segment(FILES, world.name("daily"), people(range(4)), REPLACE)
    assert world.run(FILES, segment).state == "sealed"
    world.segment(FILES, segment.name, people(range(5)), REPLACE)
    assert world.run(FILES, segment).state == "sealed"  # the first was no replace but the making of the audience
    world.segment(FILES, segment.name, people(range(6)), REPLACE)
    workspace = world.workspace(FILES)
    world.settings(FILES, replace_hours=24)
    world.sleeps.clear()
    assert world.run(FILES, segment, workspace).state == "sealed"
    assert sum(world.sleeps) > 22 * 3600
    assert max(world.sleeps) == 1800
    assert [line["rows"] for line in world.log(FILES) if line["rows"]] == [4, 5, 6]
    assert world.held(FILES, world.audience(FILES, segment)) == expected_keys(people(range(6)), FILES)


def test_what_tiktok_does_not_take_now_is_asked_for_again_by_the_next_question() -> None:
    busy = RateLimitedError("later", code="40002", retry_after=1800)
    closed = Script(files().close(session(), SEVERAL, ("a",)), told(), busy)
    assert closed.result == {**SEVERAL, "waiting": True}
    still = Script(files().settle(session(), closed.result, ("a",)), told(), busy).result
    assert (still.done, still.handle) == (False, closed.result)
    taken = Script(files().settle(session(), closed.result, ("a",)), told(), ok())
    assert taken.calls[1].body["file_paths"] == ["a"]
    assert (taken.result.done, taken.result.handle) == (False, {**SEVERAL, "audience": "9"})
    throttled = RateLimitedError("later", code="40100", retry_after=300)
    assert Script(files().close(session(), SEVERAL, ("a",)), told(), throttled).error is throttled


def test_one_kind_of_id_is_delivered_and_appended(world: World) -> None:
    wish = Wish(mode="append", more={"identifiers": {"email": "email"}})
    segment = world.segment(FILES, world.name("emails"), people(range(4)), wish)
    assert world.run(FILES, segment).state == "sealed"
    world.segment(FILES, segment.name, people(range(2, 7)), wish)
    assert world.run(FILES, segment).state == "sealed"
    assert [line["rows"] for line in world.log(FILES) if line["rows"]] == [4, 3]
    held = world.held(FILES, world.audience(FILES, segment))
    assert held == {"email": {digest(f"person{number}@example.com") for number in range(7)}}
