"""Meta: the exact forms on the wire, the error table, replaces, and pauses from the usage headers."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from contract.rig import Door, Wish, World, digest, expected_keys, people, person
from destinations.talk import Script, answered, ask

from guestlist.destinations import destination_class
from guestlist.destinations.base import Destination
from guestlist.model.conversation import Call, Repeat, Reply
from guestlist.model.delivery import AudienceRef, AudienceSpec, Batch, Field, Operation, Receipt, Session
from guestlist.model.errors import (
    AuthError,
    BatchRefused,
    ConfigError,
    GuestlistError,
    OutcomeUnknown,
    RateLimitedError,
    RejectedError,
    TransientError,
)
from guestlist.pipeline.audience import wire_rows

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
        create_method="POST",
        address="profile",
    ),
)

[DOOR] = DOORS
AUDIENCE = AudienceRef("120", "VIPs", "https://example.com")
SPEC = AudienceSpec("VIPs", "people", "guestlist:vips:meta", (Field.EMAIL,))
EMAIL, PHONE, FIRST = digest("person@example.com"), digest("4915112345678"), digest("zoe")
CALL = Call("meta", "POST", "120/users")


def meta(**options: Any) -> Destination:
    cls = destination_class("meta")
    return cls(cls.Settings(ad_account_id="act_77", access_token="t", app_id="1", app_secret="s"), cls.Options(**options))


def session(operation: Operation = Operation.ADD, **changes: Any) -> Session:
    given = {"total_batches": 3, "total_users": 25_000, "fields": (Field.EMAIL, Field.PHONE, Field.FIRST_NAME), **changes}
    return Session(9007199254740991, operation, AUDIENCE, pull_date="2026-03-01", **given)


def batch(sequence: int = 1, **columns: list[Any]) -> Batch:
    given = columns or {"email": [EMAIL, None], "phone": [None, PHONE], "first_name": [FIRST, None]}
    return Batch("b", sequence, pl.DataFrame(given))


def accounts_of(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "audience_id": "120",
        "session_id": "1",
        "num_received": 2,
        "num_invalid_entries": 0,
        "invalid_entry_samples": [],
        **body,
    }


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
    assert (state.size, state.status) == (size, "Normal")


# the error table


def error(
    code: int, subcode: int | None = None, *, transient: bool = False, status: int = 400, **headers: str
) -> GuestlistError:
    body = {"error": {"code": code, "message": "m", "is_transient": transient, "fbtrace_id": "trace"}}
    if subcode:
        body["error"]["error_subcode"] = subcode
    found = meta().judge(CALL, Reply(status, body, headers)).error
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("code", "subcode", "kind"),
    [
        (1, None, TransientError), (2, None, TransientError), (1, 99, BatchRefused),
        (4, None, RateLimitedError), (17, 2446079, RateLimitedError), (32, None, RateLimitedError),
        (341, None, RateLimitedError), (613, 1487742, RateLimitedError), (613, 5044001, RateLimitedError),
        (613, None, RateLimitedError), (80000, None, RateLimitedError), (80003, None, RateLimitedError),
        (80004, None, RateLimitedError), (80014, None, RateLimitedError), (368, None, AuthError),
        (190, None, AuthError), (190, 460, AuthError), (190, 463, AuthError), (190, 467, AuthError),
        (102, None, AuthError), (104, None, AuthError), (10, None, AuthError), (200, None, AuthError),
        (294, None, AuthError), (270, None, AuthError), (200, 1870034, AuthError), (200, 1870090, AuthError),
        (200, 1870050, AuthError), (200, 1870092, AuthError), (200, 1870047, RejectedError), (100, None, RejectedError),
        (100, 33, ConfigError), (100, 1713230, RejectedError), (100, 1713228, RejectedError),
        (100, 1713231, RejectedError), (105, None, RejectedError), (194, None, RejectedError), (2635, None, ConfigError),
        (2654, None, AuthError), (2654, 1713092, AuthError), (2656, None, RejectedError),
        (2650, 1870145, TransientError), (2650, 1870147, TransientError), (2650, 1870158, TransientError),
        (2650, 1870159, TransientError), (2650, 1870148, TransientError), (2650, 1870144, RejectedError),
    ],
)  # fmt: skip
def test_every_documented_code_has_its_class(code: int, subcode: int | None, kind: type[GuestlistError]) -> None:
    found = error(code, subcode)
    assert type(found) is kind
    assert found.code == (f"{code}/{subcode}" if subcode else str(code))
    assert found.request_id == "trace"
    assert (found.help_url or "").startswith("https://")


def test_any_error_that_says_it_passes_is_tried_again_whatever_its_code() -> None:
    assert type(error(99999, transient=True)) is TransientError
    assert type(error(99999)) is RejectedError


def test_terms_link_to_the_page_where_they_are_accepted() -> None:
    assert "customaudiences/tos" in str(error(200, 1870034))


@pytest.mark.parametrize("status", [200, 400, 500])
def test_an_error_in_an_answer_of_any_status_is_an_error(status: int) -> None:
    assert isinstance(error(190, status=status), AuthError)


# waits and pauses


def usage(percent: float, minutes: float = 0, name: str = "x-business-use-case-usage") -> dict[str, str]:
    calm = {
        "type": "ads_management",
        "call_count": 1,
        "total_cputime": 1,
        "total_time": 1,
        "estimated_time_to_regain_access": 0,
    }
    busy = {**calm, "type": "custom_audience", "total_time": percent, "estimated_time_to_regain_access": minutes}
    return {name: json.dumps({"11": [calm], "77": [calm, busy]})}


@pytest.mark.parametrize(("percent", "pause"), [(0, 0), (74, 0), (75, 2), (80, 12), (89, 30), (90, 60), (100, 60)])
def test_the_fullest_of_all_quotas_says_how_much_to_slow_down(percent: int, pause: float) -> None:
    assert meta().judge(CALL, Reply(200, {}, usage(percent))).pause == pause


@pytest.mark.parametrize(
    "headers",
    [
        {"x-app-usage": '{"call_count": 95, "total_time": 1, "total_cputime": 1}'},
        {"x-ad-account-usage": '{"acc_id_util_pct": 93.5, "reset_time_duration": 10}'},
    ],
)
def test_the_other_usage_headers_count_as_well(headers: dict[str, str]) -> None:
    assert meta().judge(CALL, Reply(200, {}, headers)).pause == 60


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", "7", "null", '{"77": "x"}', '{"77": [7]}', '{"77": [{"call_count": "x"}]}']
)
def test_a_broken_usage_header_is_no_reason_to_wait(text: str) -> None:
    assert meta().judge(CALL, Reply(200, {}, {"x-business-use-case-usage": text})).pause == 0


def test_the_time_to_regain_access_is_in_minutes() -> None:
    assert error(80003, **usage(100, 5)).retry_after == 300
    assert error(80003).retry_after == 60
    assert error(17, 2446079).retry_after == 300


def test_the_driver_slows_down_before_the_hourly_quota_is_used_up(world: World) -> None:
    world.admin("POST", "clock", {"now": "2026-03-01T00:05:00Z"})
    ready = world.workspace(DOOR).ready(world.segment(DOOR, world.name("quota"), people(range(3))), "c")
    audience = ready.driver.run(ready.destination.ensure(ready.spec))  # two calls
    world.settings("meta", calls_per_hour=20)
    for _ in range(18):
        ready.driver.run(ready.destination.describe(audience))
    assert world.sleeps == [2, 12, 22, 60, 60]  # after the fifteenth call, the sixteenth and so on
    assert {line["status"] for line in world.log(DOOR)} == {200}


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
