"""Meta: the exact forms on the wire, sessions, and replaces."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from contract.rig import Door, Wish, World, digest, expected_keys, people, person
from destinations.meta import AUDIENCE, EMAIL, FIRST, PHONE, SPEC, accounts_of, batch, meta, session
from destinations.talk import Script, answered, ask

from guestlist.destinations import destination_class
from guestlist.model.audiences import AudienceSpec
from guestlist.model.conversation import Repeat
from guestlist.model.delivery import Batch, Receipt
from guestlist.model.errors import (
    ConfigError,
    OutcomeUnknown,
    ProtocolError,
    RejectedError,
    TransientError,
)
from guestlist.model.vocabulary import Field, Operation
from guestlist.pipeline.audience import wire_rows
from guestlist.runtime.sync.run import RunOptions, Watch, run_segment, serve

DOORS = (
    Door(
        id="meta",
        platform="meta",
        door="meta",
        book="meta",
        paths={
            "create": r"/act_\d+/customaudiences$",
            "find": r"/act_\d+/customaudiences$",
            "add": r"/users$",
            "remove": r"/users$",
            "replace": r"/usersreplace$",
            "ask": r"/sessions$",
        },
        busy=({"status": 429, "headers": {"retry-after": "7"}}, 7),
        down={"error": "2"},
        denied={"error": "190/460"},
        extra={
            "ad_account_id": "77",
            "access_token": "sandbox-token",
            "app_id": "1",
            "app_secret": "sandbox-app-secret",
            "endpoint": "{http}/meta",
        },
        secrets=("access_token", "app_secret"),
        methods={"create": "POST"},
        address="profile",
    ),
)

[DOOR] = DOORS


# the forms on the wire


def test_an_upload_is_a_schema_rows_in_its_order_and_the_session() -> None:
    call = ask(meta().send(session(), {}, batch(2)))
    assert (call.carrier, call.method, call.path, call.rows, call.repeat) == ("meta", "POST", "120/users", 2, Repeat.SAFE)
    assert call.body == {
        "payload": {"schema": ["EMAIL", "PHONE", "FN"], "is_raw": True, "data": [[EMAIL, "", FIRST], ["", PHONE, ""]]},
        "session": {
            "session_id": 9007199254740991,
            "batch_seq": 2,
            "last_batch_flag": False,
            "estimated_num_total": 25_000,
        },
    }


def test_one_key_is_a_schema_of_one_and_the_last_batch_says_so() -> None:
    call = ask(meta().send(session(fields=(Field.EMAIL,)), {}, batch(3, email=[EMAIL])))
    assert call.body["payload"] == {"schema": ["EMAIL"], "is_raw": True, "data": [[EMAIL]]}
    assert call.body["session"]["last_batch_flag"] is True


def test_a_removal_is_a_form_with_the_method_in_it_never_an_address() -> None:
    call = ask(meta().send(session(Operation.REMOVE), {}, batch()))
    assert (call.method, call.path) == ("POST", "120/users")
    assert call.body["method"] == "DELETE"
    assert not call.query


def test_what_a_person_is_worth_is_a_json_number() -> None:
    rows = {"email": [EMAIL, PHONE], "value": [44.5, 0.0]}
    call = ask(meta().send(session(fields=(Field.EMAIL,), currency="EUR"), {}, batch(**rows)))
    assert call.body["payload"]["schema"] == ["EMAIL", "LOOKALIKE_VALUE"]
    assert json.dumps(call.body["payload"]["data"]) == f'[["{EMAIL}", 44.5], ["{PHONE}", 0.0]]'


def test_who_is_removed_has_no_worth_any_more() -> None:
    rows = {"email": [EMAIL], "value": [None]}
    call = ask(meta().send(session(Operation.REMOVE, fields=(Field.EMAIL,), currency="EUR"), {}, batch(**rows)))
    assert call.body["payload"]["schema"] == ["EMAIL"]
    assert json.dumps(call.body["payload"]["data"]) == f'[["{EMAIL}"]]'


def test_the_wire_names_are_those_of_the_documentation() -> None:
    names = {key.field.value: (key.wire, key.plain) for key in meta().capabilities.keys}
    assert names == {
        "email": ("EMAIL", False), "phone": ("PHONE", False), "first_name": ("FN", False), "last_name": ("LN", False),
        "first_initial": ("FI", False), "city": ("CT", False), "state": ("ST", False), "postal_code": ("ZIP", False),
        "country": ("COUNTRY", False), "gender": ("GEN", False), "birth_year": ("DOBY", False), "birth_month": ("DOBM", False),
        "birth_day": ("DOBD", False), "mobile_ad_id": ("MADID", True), "external_id": ("EXTERN_ID", True),
    }  # fmt: skip
    assert meta().capabilities.limits.rows_per_batch == 10_000


def test_two_emails_of_a_person_are_two_rows() -> None:
    frame = pl.DataFrame({"member": ["m"], "email": [["a", "b"]], "phone": [["1"]], "first_name": [FIRST]})
    rows = wire_rows(frame, meta().capabilities).drop("member")
    call = ask(meta().send(session(), {}, Batch("b", 1, rows)))
    assert call.body["payload"]["data"] == [["a", "1", FIRST], ["b", "", FIRST]]


def test_an_audience_is_made_with_our_reference_in_its_description() -> None:
    script = Script(meta().ensure(SPEC), answered({"data": []}))
    assert (script.calls[0].method, script.calls[0].path) == ("GET", "act_77/customaudiences")
    create = script.calls[1]
    assert (create.method, create.path, create.repeat) == ("POST", "act_77/customaudiences", Repeat.LOOKUP)
    assert create.body == {
        "name": "VIPs",
        "description": "people [guestlist:vips:meta]",
        "subtype": "CUSTOM",
        "customer_file_source": "USER_PROVIDED_ONLY",
    }


def test_value_and_retention_are_told_when_the_audience_is_made() -> None:
    spec = AudienceSpec("VIPs", "", "ref", (Field.EMAIL,), value_based=True)
    options = {"retention_days": 90, "customer_file_source": "PARTNER_PROVIDED_ONLY"}
    body = Script(meta(**options).ensure(spec), answered({"data": []})).calls[-1].body
    assert (body["is_value_based"], body["retention_days"]) == (True, 90)
    assert (body["customer_file_source"], body["description"]) == ("PARTNER_PROVIDED_ONLY", "[ref]")


def test_an_audience_is_found_by_reference_before_name_over_all_pages() -> None:
    first = {
        "data": [{"id": "1", "name": "VIPs", "description": "somebody else's"}, {"id": "2", "name": "Other"}],
        "paging": {"cursors": {"after": "next-page"}, "next": "https://example.com"},
    }
    second = {
        "data": [{"id": "3", "name": "Renamed", "description": "x [guestlist:vips:meta]"}],
        "paging": {"cursors": {"after": "z"}},
    }
    script = Script(meta().ensure(SPEC), answered(first), answered(second))
    assert script.result.id == "3"
    assert script.calls[1].body["after"] == "next-page"
    assert Script(meta().ensure(SPEC), answered(first), answered({"data": []})).result.id == "1"


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": "unexpected"}, {"data": ["1"]}, []])
def test_audiences_that_cannot_be_read_are_not_taken_for_none(body: Any) -> None:
    """Names are not unique at Meta: a second audience of the same name would be made."""
    script = Script(meta().ensure(SPEC), answered(body))
    assert (len(script.calls), type(script.error)) == (1, ProtocolError)


def test_the_page_of_an_audience_names_account_and_audience() -> None:
    script = Script(meta().ensure(SPEC), answered({"data": [{"id": "3", "name": "VIPs"}]}))
    assert script.result.url == "https://business.facebook.com/adsmanager/audiences?act=77&selected_audience_ids=3"


@pytest.mark.parametrize("form", ["list of rows", "list of values", "map"])
def test_invalid_samples_are_found_again_in_the_batch_and_shown_nowhere(form: str) -> None:
    samples: Any = {"list of rows": [["", PHONE, ""]], "list of values": [PHONE], "map": {PHONE: "bad hash"}}[form]
    taken = answered(accounts_of({"num_invalid_entries": 1, "invalid_entry_samples": samples}))
    receipt: Receipt = Script(meta().send(session(), {}, batch()), taken).result
    assert (receipt.accepted, receipt.rejected) == (1, {1: "invalid_entry"})
    assert PHONE not in repr(receipt)


@pytest.mark.parametrize(("low", "high", "size"), [(1000, 1200, "1000-1200"), (-1, -1, None), (0, 1000, "0-1000")])
def test_bounds_of_the_size_and_minus_one_for_unknown(low: int, high: int, size: str | None) -> None:
    body = {
        "approximate_count_lower_bound": low,
        "approximate_count_upper_bound": high,
        "operation_status": {"code": 200, "description": "Normal"},
    }
    state = Script(meta().describe(AUDIENCE), answered(body)).result
    assert (state.size, state.status, state.trouble) == (size, "normal", None)


@pytest.mark.parametrize(
    ("told", "trouble"),
    [
        ({"operation_status": {"code": 100}}, "Meta deletes it"),
        ({"operation_status": {"code": 411}}, "hashed as Meta wants them"),
        ({"operation_status": {"code": 415}}, "run the segment again"),
        ({"operation_status": {"code": 471}}, "flagged"),
        ({"operation_status": {"code": 500}}, "asks the advertiser"),
        ({"delivery_status": {"code": 400}}, "no campaign can use it"),
        ({"permission_for_actions": {"can_edit": False}}, "read only"),
    ],
)
def test_what_is_wrong_is_told_in_words_of_our_own(told: dict[str, Any], trouble: str) -> None:
    state = Script(meta().describe(AUDIENCE), answered(told | {"ignored": "canary@example.com"})).result
    assert trouble in state.trouble


@pytest.mark.parametrize("code", [200, 300])
def test_a_small_audience_is_no_trouble(code: int) -> None:
    state = Script(meta().describe(AUDIENCE), answered({"delivery_status": {"code": code}})).result
    assert state.trouble is None


def test_only_an_audience_that_meta_does_not_know_is_gone() -> None:
    assert Script(meta().describe(AUDIENCE), ConfigError("no", code="100/33")).result.there is False
    other = ConfigError("no", code="2635")
    assert Script(meta().describe(AUDIENCE), other).error is other


# settling


def test_a_session_is_settled_when_meta_has_received_all_of_it() -> None:
    rest = answered({"operation_status": {"code": 200}})
    seen = {"session_id": "9007199254740991", "num_received": 24_999, "num_invalid_entries": 0}
    early = Script(meta().settle(session(), {}, ()), rest, answered({"data": [seen]})).result
    late = Script(meta().settle(session(), {}, ()), rest, answered({"data": [{**seen, "num_received": 25_000}]})).result
    unknown = Script(meta().settle(session(), {}, ()), rest, answered({"data": []})).result
    assert (early.done, late.done, unknown.done) == (False, True, False)


def test_rows_that_meta_calls_invalid_later_are_rejected_without_names() -> None:
    rest = answered({"operation_status": {"code": 441}})
    seen = {"session_id": "9007199254740991", "num_received": 25_000, "num_invalid_entries": 7}
    settlement = Script(meta().settle(session(refused=3), {}, ()), rest, answered({"data": [seen]})).result
    assert settlement.jobs[""].rejected == {"invalid_entry": 4}


@pytest.mark.parametrize("code", [470, 471, 500])
def test_an_audience_that_is_broken_is_told(code: int) -> None:
    script = Script(meta().settle(session(), {}, ()), answered({"operation_status": {"code": code}}))
    assert isinstance(script.error, RejectedError)
    assert script.error.code == str(code)


# replaces


def test_a_replace_waits_for_one_that_is_under_way() -> None:
    script = Script(meta().open(session(Operation.REPLACE)), answered({"operation_status": {"code": 414}}))
    assert isinstance(script.error, TransientError)
    assert script.error.retry_after == 60


def test_an_add_or_remove_opens_without_a_question() -> None:
    assert Script(meta().open(session())).calls == []


def test_the_first_batch_of_a_replace_is_looked_up_before_it_is_sent_and_when_its_answer_is_lost() -> None:
    begun = {"data": [{"session_id": "9007199254740991", "num_received": 2}]}
    fresh = Script(meta().send(session(Operation.REPLACE), {}, batch()), answered({"data": []}), answered(accounts_of({})))
    assert [call.path for call in fresh.calls] == ["120/sessions", "120/usersreplace"]
    assert fresh.calls[1].repeat is Repeat.LOOKUP
    dead = Script(meta().send(session(Operation.REPLACE), {}, batch()), answered(begun))
    assert (len(dead.calls), dead.result.accepted) == (1, 2)
    lost = Script(
        meta().send(session(Operation.REPLACE), {}, batch()), answered({"data": []}), OutcomeUnknown("x"), answered(begun)
    )
    assert ([call.path for call in lost.calls][2:], lost.result.accepted) == (["120/sessions"], 2)
    never = Script(
        meta().send(session(Operation.REPLACE), {}, batch()),
        answered({"data": []}),
        OutcomeUnknown("x"),
        answered({"data": []}),
    )
    assert type(never.error) is TransientError


def test_later_batches_of_a_replace_may_simply_be_repeated() -> None:
    call = ask(meta().send(session(Operation.REPLACE), {}, batch(2)))
    assert (call.path, call.repeat) == ("120/usersreplace", Repeat.SAFE)


def test_a_lost_answer_to_the_first_batch_does_not_begin_the_replace_anew(world: World) -> None:
    rows = people(range(4))
    segment = world.segment(DOOR, world.name("replace"), rows, Wish(mode="replace"))
    world.fault(DOOR, {"drop": "after"}, "replace")
    assert world.run(DOOR, segment).state == "sealed"
    assert len([line for line in world.log(DOOR) if line["path"].endswith("usersreplace")]) == 1
    assert world.held(DOOR, world.audience(DOOR, segment)) == expected_keys(rows, DOOR)


def test_a_replace_that_fails_on_the_platform_is_red_and_is_done_again(world: World) -> None:
    before, after = people(range(4)), people(range(2, 7))
    segment = world.segment(DOOR, world.name("replace"), before, Wish(mode="replace"))
    assert world.run(DOOR, segment).state == "sealed"
    world.segment(DOOR, segment.name, after, Wish(mode="replace"))
    world.fault(DOOR, {"fail_job": True}, "replace")
    report = world.run(DOOR, segment)
    assert (report.state, report.unconfirmed) == ("rejected", 5)
    assert world.run(DOOR, segment).state == "sealed"
    assert world.held(DOOR, world.audience(DOOR, segment)) == expected_keys(after, DOOR)


@pytest.mark.parametrize(("mode", "operation"), [("mirror", "add"), ("mirror", "remove"), ("replace", "replace")])
def test_what_comes_after_the_90_minutes_of_a_session_is_sent_by_itself(
    world: World, batches_of: Callable[[int], None], mode: str, operation: str
) -> None:
    """A long upload, or one that goes on hours after it was broken off: Meta discards what comes late in a session."""
    batches_of(2)
    rows = people(range(6))
    segment = world.segment(DOOR, world.name("late"), rows, Wish(mode=mode))
    if operation == "remove":
        assert world.run(DOOR, segment).state == "sealed"
        rows = people([0])
        world.segment(DOOR, segment.name, rows, Wish(mode=mode))
    late = iter([91 * 60.0])
    watch = Watch(sent=lambda _label, _rows: world.advance(next(late, 0.0)))
    workspace = world.workspace(DOOR)
    (report,) = run_segment(workspace, segment, "late", RunOptions(approved_by="tests"), watch).destinations
    assert (report.state, report.unconfirmed) == ("sealed", 0)
    assert world.held(DOOR, world.audience(DOOR, segment)) == expected_keys(rows, DOOR)
    refused = [line for line in world.log(DOOR) if line["status"] == 400]
    assert len(refused) == 2, "the second and third batch"


@pytest.mark.parametrize("mode", ["mirror", "replace"])
def test_a_last_batch_whose_answer_is_lost_until_its_session_is_over(
    world: World, batches_of: Callable[[int], None], mode: str
) -> None:
    batches_of(2)
    rows = people(range(4))
    segment = world.segment(DOOR, world.name("lost"), rows, Wish(mode=mode))
    workspace = world.workspace(DOOR)
    world.fault(DOOR, {"drop": "after"}, "replace" if mode == "replace" else "add", skip=1)
    world.fault(DOOR, {"error": "2"}, "replace" if mode == "replace" else "add", times=9)
    with pytest.raises(TransientError):
        run_segment(workspace, segment, "one run", RunOptions(approved_by="tests"))
    world.clear_faults(DOOR)
    world.advance(48 * 3600)
    report = serve(workspace, segment, "one run", ["c"], RunOptions(approved_by="tests"))
    assert report.state == "sealed"
    assert world.held(DOOR, world.audience(DOOR, segment)) == expected_keys(rows, DOOR)


def test_people_known_by_name_only_are_delivered_and_removed_as_profiles(world: World) -> None:
    named = {"email": "", "phone": "", "first": "zoe", "last": "doe", "zip": "80331", "country": "DE"}
    rows = [*people(range(2)), person(5, **named)]
    segment = world.segment(DOOR, world.name("profile"), rows)
    assert world.run(DOOR, segment).state == "sealed"
    held = world.held(DOOR, world.audience(DOOR, segment))
    assert held == expected_keys(rows, DOOR)
    assert len(held["profile"]) == 1
    world.segment(DOOR, segment.name, people(range(2)))
    assert world.run(DOOR, segment).state == "sealed"
    assert world.held(DOOR, world.audience(DOOR, segment)) == expected_keys(people(range(2)), DOOR)


def test_the_accounts_id_may_be_written_with_act_before_it() -> None:
    cls = destination_class("meta").Settings
    assert cls(ad_account_id="act_77", access_token="t").ad_account_id == "77"  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="a number"):
        cls(ad_account_id="act_", access_token="t")


def test_a_batch_that_meta_fails_on_as_a_whole_is_sent_in_halves(world: World) -> None:
    rows = people(range(9))
    segment = world.segment(DOOR, world.name("halves"), rows)
    world.fault(DOOR, {"error": "1/99"}, "add", times=2)
    assert world.run(DOOR, segment).state == "sealed"
    uploads = [line["rows"] for line in world.log(DOOR) if line["path"].endswith("/users")]
    assert uploads[-3:] == [2, 2, 5]
    assert world.held(DOOR, world.audience(DOOR, segment)) == expected_keys(rows, DOOR)


@pytest.mark.parametrize(
    ("field", "kind", "values"),
    [
        ("mobile_ad_id", "mobile_ad_id", ["aebe52e7-03ee-455a-b3c4-e57283966239", "aebe52e7-03ee-455a-b3c4-e57283966240"]),
        ("external_id", "external_id", ["AbC-1", "abc-1"]),
    ],
)
def test_plain_ids_are_delivered_as_they_are(world: World, field: str, kind: str, values: list[str]) -> None:
    rows = [person(number, zip=value) for number, value in enumerate(values)]
    wish = Wish(more={"identifiers": {field: "zip"}})
    segment = world.segment(DOOR, world.name("ids"), rows, wish)
    assert world.run(DOOR, segment).state == "sealed"
    audience = world.audience(DOOR, segment)
    assert world.held(DOOR, audience) == {kind: set(values)}
    assert world.run(DOOR, world.segment(DOOR, segment.name, rows[:1], wish)).state == "sealed"
    assert world.held(DOOR, audience) == {kind: {values[0]}}


def test_a_value_based_audience_is_made_as_one_and_follows_its_people(world: World) -> None:
    wish = Wish(more={"value": {"column": "zip", "currency": "EUR"}, "identifiers": {"email": "email"}})
    rows = [person(number, zip=worth) for number, worth in enumerate(["44.5", "0", "-1", "", "7"])]
    segment = world.segment(DOOR, world.name("worth"), rows, wish)
    report = world.run(DOOR, segment)
    assert (report.state, report.added, report.without_value) == ("sealed", 3, 2)
    audience = world.audience(DOOR, segment)
    assert world.held(DOOR, audience) == {"email": {digest(f"person{number}@example.com") for number in (0, 1, 4)}}
    changed = [{**row, "zip": "9"} for row in rows]
    assert world.run(DOOR, world.segment(DOOR, segment.name, changed, wish)).state == "sealed"
    assert world.held(DOOR, audience) == {"email": {digest(f"person{number}@example.com") for number in range(5)}}
