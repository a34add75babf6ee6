"""TikTok Ads by segment streaming: the exact forms on the wire, names that are cut, and the limits of a request."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from contract.rig import Door, Wish, World, digest, expected_keys, people, person
from destinations.talk import Script, ask
from destinations.tiktok import (
    ADVERTISER,
    AUDIENCE,
    EMAIL,
    FIELDS,
    MOBILE,
    PHONE,
    SPEC,
    batch,
    listed,
    ok,
    page,
    refusal,
    session,
    tiktok,
    told,
)

from guestlist.destinations import destination_class
from guestlist.model.audiences import AudienceRef, AudienceSpec
from guestlist.model.conversation import Call, Repeat, Reply
from guestlist.model.delivery import Batch
from guestlist.model.errors import BatchRefused, ConfigError, OutcomeUnknown, ProtocolError, TransientError
from guestlist.model.vocabulary import Field, Operation
from guestlist.pipeline.audience import wire_rows
from guestlist.pipeline.batching import cut

EXTRA = {
    "advertiser_id": ADVERTISER,
    "access_token": "sandbox-token",
    "endpoint": "{http}/tiktok_ads/open_api/v1.3",
}
STREAMING = Door(
    id="tiktok_ads-streaming",
    platform="tiktok_ads",
    door="tiktok_ads",
    book="tiktok_ads",
    paths={
        "create": r"/segment/audience/$",
        "find": r"/custom_audience/list/$",
        "add": r"/segment/mapping/$",
        "remove": r"/segment/mapping/$",
    },
    busy=({"status": 429, "headers": {"retry-after": "7"}}, 7),
    down={"error": "50000"},
    denied={"error": "40105"},
    extra=EXTRA,
    secrets=("access_token",),
    refuses_rows=False,
    phone_prefix="+",
    longest_name=70,
)
FILES = Door(
    id="tiktok_ads-file",
    platform="tiktok_ads",
    door="tiktok_ads",
    book="tiktok_ads",
    paths={
        "create": r"/custom_audience/create/$",
        "find": r"/custom_audience/list/$",
        "add": r"/file/upload/$",
        "replace": r"/custom_audience/update/$",
        "ask": r"/custom_audience/get/$",
    },
    busy=({"status": 429, "headers": {"retry-after": "7"}}, 7),
    down={"error": "50000"},
    denied={"error": "40105"},
    extra=EXTRA,
    secrets=("access_token",),
    options={"api": "file"},
    late_failure={"fail_job": True},
    fails_at="create",
    handle={"calculate_type": "MULTIPLE_TYPES"},
    settings={"cover_num": 5000, "replace_hours": 0},
    refuses_rows=False,
    phone_prefix="+",
)
DOORS = (STREAMING, FILES)


# the forms on the wire


def test_ids_stand_in_the_order_of_the_schema_and_a_missing_one_is_an_empty_object() -> None:
    call = ask(tiktok().send(session(), {}, batch()))
    assert (call.carrier, call.method, call.path, call.rows, call.repeat) == (
        "http",
        "POST",
        "segment/mapping/",
        2,
        Repeat.SAFE,
    )
    assert call.body == {
        "advertiser_ids": [ADVERTISER],
        "action": "add",
        "id_schema": ["EMAIL_SHA256", "PHONE_SHA256"],
        "batch_data": [[{"id": EMAIL, "audience_ids": ["9"]}, {}], [{}, {"id": PHONE, "audience_ids": ["9"]}]],
    }


def test_the_order_is_that_of_the_session_whatever_the_columns_are() -> None:
    columns = {"phone": [PHONE], "email": [EMAIL]}
    body = ask(tiktok().send(session(), {}, batch(**columns))).body
    assert [slot["id"] for slot in body["batch_data"][0]] == [EMAIL, PHONE]


def test_a_removal_deletes_the_mappings() -> None:
    call = ask(tiktok().send(session(Operation.REMOVE), {}, batch()))
    assert (call.method, call.body["action"]) == ("POST", "delete")


@pytest.mark.parametrize(("kind", "wire"), [("idfa", "IDFA_SHA256"), ("aaid", "AAID_SHA256")])
def test_the_segment_says_which_advertising_ids_it_has(kind: str, wire: str) -> None:
    destination = tiktok(mobile_ids=kind)
    body = ask(destination.send(session(fields=(Field.MOBILE_AD_ID,)), {}, batch(mobile_ad_id=[MOBILE]))).body
    assert (body["id_schema"], body["batch_data"][0][0]["id"]) == ([wire], MOBILE)


def test_phones_are_hashed_with_their_plus_or_without() -> None:
    recipes = {form: tiktok(phones=form).capabilities.key(Field.PHONE) for form in ("plus", "digits")}
    assert {form: key.recipe for form, key in recipes.items() if key} == {
        "plus": "phone.e164_plus.v1",
        "digits": "phone.e164_digits.v1",
    }


def test_a_person_with_two_emails_is_two_rows_and_no_row_is_without_an_id() -> None:
    schema = {"member": pl.String, "email": pl.List(pl.String), "phone": pl.List(pl.String)}
    frame = pl.DataFrame({"member": ["m"], "email": [["a", "b"]], "phone": [["1"]]}, schema=schema)
    rows = wire_rows(frame, tiktok().capabilities).drop("member")
    data = ask(tiktok().send(session(), {}, Batch("b", 1, rows))).body["batch_data"]
    assert [[slot.get("id") for slot in row] for row in data] == [["a", "1"], ["b", None]]


@pytest.mark.parametrize("rows_per_request", [1000, 10_000])
def test_a_request_stays_below_a_megabyte(rows_per_request: int) -> None:
    destination = tiktok(rows_per_request=rows_per_request)
    fields = (*FIELDS, Field.MOBILE_AD_ID)
    rows = pl.DataFrame({name.value: [digest(f"{name}{number}") for number in range(12_000)] for name in fields})
    audience = AudienceRef("9" * 19, "VIPs", "u")
    for offset, length in cut(rows, destination.capabilities):
        part = Batch("b", 1, rows.slice(offset, length))
        body = ask(destination.send(session(audience=audience, fields=fields), {}, part)).body
        assert len(body["batch_data"]) <= rows_per_request
        assert len(json.dumps(body)) < 1_000_000


def test_the_token_goes_in_its_own_header_and_the_advertisers_id_may_be_a_number() -> None:
    cls = destination_class("tiktok_ads").Settings
    settings = cls(advertiser_id=7012345678901234567, access_token="t")  # type: ignore[call-arg]
    assert (settings.advertiser_id, settings.headers("")) == (ADVERTISER, {"Access-Token": "t"})  # type: ignore[attr-defined]
    assert cls.home == "https://business-api.tiktok.com/open_api/v1.3"
    with pytest.raises(ValueError, match="advertiser_id"):
        cls(advertiser_id="act_7", access_token="t")  # type: ignore[call-arg]


# finding and making audiences


def test_an_audience_is_made_when_there_is_none() -> None:
    script = Script(tiktok().ensure(SPEC), page(), ok({"audience_id": "9"}))
    find, create = script.calls
    assert (find.method, find.path) == ("GET", "dmp/custom_audience/list/")
    assert find.query == {"advertiser_id": ADVERTISER, "page": 1, "page_size": 100}
    assert (create.method, create.path, create.repeat) == ("POST", "segment/audience/", Repeat.LOOKUP)
    assert create.body == {"advertiser_id": ADVERTISER, "action": "create", "custom_audience_name": "VIPs"}
    assert script.result == AudienceRef("9", "VIPs", f"https://ads.tiktok.com/i18n/audience/list?aadvid={ADVERTISER}")


def test_an_audience_is_found_by_name_among_its_own_kind_over_all_pages() -> None:
    others = [
        listed("1", kind="Customer File Audience"),
        listed("2", is_creator=False),
        listed("3", name="Others"),
        listed("4", kind="Lookalike Audience"),
    ]
    script = Script(tiktok().ensure(SPEC), page(*others, total=2), page(listed("5"), listed("6"), total=2))
    assert [call.query["page"] for call in script.calls] == [1, 2]
    assert script.result.id == "5"


def test_a_full_page_is_followed_by_another_whatever_is_told_of_their_number() -> None:
    script = Script(tiktok().ensure(SPEC), page(*[listed(str(number), "Other") for number in range(100)]), page(listed("700")))
    assert script.result.id == "700"


def test_the_audience_that_is_known_wins_over_others_of_its_name() -> None:
    spec = AudienceSpec("VIPs", "", "r", (Field.EMAIL,), known=AudienceRef("7", "VIPs", "u"))
    assert Script(tiktok().ensure(spec), page(listed("5"), listed("7", name="Renamed"))).result.id == "7"


def test_a_long_name_is_cut_as_tiktok_cuts_it_and_found_again() -> None:
    spec = AudienceSpec("ü" * 71, "", "r", (Field.EMAIL,))
    cut_name = "ü" * 67 + "..."
    script = Script(tiktok().ensure(spec), page(), ok({"audience_id": "9"}))
    assert script.calls[1].body["custom_audience_name"] == cut_name
    assert Script(tiktok().ensure(spec), page(listed("9", name=cut_name))).result == script.result


def test_a_creation_whose_answer_was_lost_is_looked_up() -> None:
    found = Script(tiktok().ensure(SPEC), page(), OutcomeUnknown("x"), page(listed("9")))
    assert found.result.id == "9"
    assert type(Script(tiktok().ensure(SPEC), page(), OutcomeUnknown("x"), page()).error) is TransientError


@pytest.mark.parametrize("data", [None, [], {}, {"list": None}, {"list": "unexpected"}, {"list": ["9"]}])
def test_audiences_that_cannot_be_read_are_not_taken_for_none(data: Any) -> None:
    script = Script(tiktok().ensure(SPEC), Reply(200, {"code": 0, "data": data}))
    assert (len(script.calls), type(script.error)) == (1, ProtocolError)


def test_what_a_check_can_know() -> None:
    there = Script(tiktok().check(SPEC), page(listed())).result
    not_yet = Script(tiktok().check(SPEC), page()).result
    assert [finding.ok for finding in (*there, *not_yet)] == [True] * 4
    assert (there[1].what, not_yet[1].what) == ("audience 'VIPs' is there", "audience 'VIPs' will be made by the first run")


@pytest.mark.parametrize(
    ("details", "size", "status", "trouble"),
    [
        ({}, "5000", "valid", ""),
        ({"is_valid": False, "cover_num": 0}, None, "not valid yet", ""),
        ({"is_valid": False, "cover_num": None, "error_msg": "canary@example.com"}, None, "failed", "failed to work it out"),
        ({"is_expiring": True}, "5000", "valid", "within 60 days"),
    ],
)
def test_size_and_status_in_words_of_our_own(details: dict[str, Any], size: str | None, status: str, trouble: str) -> None:
    script = Script(tiktok().describe(AUDIENCE), told(**details))
    assert script.calls[0].query == {"advertiser_id": ADVERTISER, "custom_audience_ids": '["9"]'}
    assert (script.result.size, script.result.status, script.result.match_rate) == (size, status, None)
    assert trouble in (script.result.trouble or "")
    assert "canary" not in repr(script.result)


def test_an_audience_that_is_gone_is_told() -> None:
    for answer in (ok({"list": []}), ConfigError("no", code="40007")):
        assert Script(tiktok().describe(AUDIENCE), answer).result.there is False
    other = ConfigError("no", code="40009")
    assert Script(tiktok().describe(AUDIENCE), other).error is other


# delivery


def test_a_request_with_too_many_ids_is_split(world: World) -> None:
    rows = people(range(9))
    segment = world.segment(STREAMING, world.name("split"), rows)
    world.settings(STREAMING, rows_per_request=4)
    assert world.run(STREAMING, segment).state == "sealed"
    assert [line["rows"] for line in world.log(STREAMING) if line["rows"]] == [4, 2, 3]
    assert world.held(STREAMING, world.audience(STREAMING, segment)) == expected_keys(rows, STREAMING)


def test_a_partial_success_is_cut_down_to_the_row_that_is_not_wholly_taken() -> None:
    partly = tiktok().judge(Call("http", "POST", "segment/mapping/", rows=2), ok(code=20001)).error
    assert isinstance(partly, BatchRefused)
    script = Script(tiktok().send(session(), {}, batch()), partly, partly, ok())
    assert [call.rows for call in script.calls] == [2, 1, 1]
    assert (script.result.accepted, script.result.rejected) == (1, {0: "20001"})


def test_refused_throttling_is_waited_out_as_the_vendor_says(world: World) -> None:
    segment = world.segment(STREAMING, world.name("throttled"), people(range(3)))
    world.fault(STREAMING, {"error": "40100"}, "add", times=2)
    assert world.run(STREAMING, segment).state == "sealed"
    assert world.sleeps == [1, 2]


def test_a_suspended_endpoint_is_left_for_five_minutes() -> None:
    destination = tiktok()
    call = Call("http", "POST", "segment/mapping/", rows=1)
    waits = [error.retry_after for _ in range(4) if (error := destination.judge(call, refusal(40100)).error)]
    assert waits == [1, 2, 300, 300]
    assert destination.judge(call, ok()).error is None
    again = destination.judge(call, refusal(40016)).error
    assert again is not None
    assert again.retry_after == 1


def test_advertising_ids_are_delivered_hashed(world: World) -> None:
    ids = ["AEBE52E7-03EE-455A-B3C4-E57283966239", "aebe52e7-03ee-455a-b3c4-e57283966240"]
    rows = [person(number, zip=value) for number, value in enumerate(ids)]
    segment = world.segment(STREAMING, world.name("ids"), rows, Wish(more={"identifiers": {"mobile_ad_id": "zip"}}))
    assert world.run(STREAMING, segment).state == "sealed"
    held = world.held(STREAMING, world.audience(STREAMING, segment))
    assert held == {"mobile_ad_id": {digest(value.lower()) for value in ids}}
