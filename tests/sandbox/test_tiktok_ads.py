"""TikTok: credentials and throttling, streaming's rows, customer files and their floor, as the documentation has them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx
import pytest
from sandbox.rig import Rig, digest

SIGNED = "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69"
SIGNED_PHONE = "a6e82c2f4091baff57a4f33d01efb65bfbeacbbfbcfaa9d0ff9f57d28d78fedb"
ROOT = "/tiktok_ads/open_api/v1.3"
ADVERTISER = "7012345678901234567"
TOKEN = {"Access-Token": "sandbox-token"}
LIST, GET = "dmp/custom_audience/list/", "dmp/custom_audience/get/"
EMAIL, PHONE, MOBILE = digest("a@example.com"), digest("+4915112345678"), digest("5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b25")
OTHER = "7099999999999999999"


def call(rig: Rig, method: str, path: str, body: Any = None, query: Any = None, headers: Any = None) -> httpx.Response:
    return rig.http.request(method, f"{ROOT}/{path}", json=body, params=query, headers=TOKEN if headers is None else headers)


def code(reply: httpx.Response) -> int:
    assert reply.status_code == 200, reply.text
    assert set(reply.json()) == {"code", "message", "request_id", "data"}
    assert reply.headers["x-tt-logid"] == reply.json()["request_id"]
    return reply.json()["code"]


def data(reply: httpx.Response) -> Any:
    assert code(reply) == 0, reply.text
    return reply.json()["data"]


def ask(rig: Rig, path: str, advertiser: str = ADVERTISER, **query: Any) -> httpx.Response:
    return call(rig, "GET", path, query={"advertiser_id": advertiser, **query})


def tell(rig: Rig, path: str, **body: Any) -> httpx.Response:
    return call(rig, "POST", path, {"advertiser_id": ADVERTISER, **body})


def streamed(rig: Rig, name: str = "VIPs", advertiser: str = ADVERTISER) -> str:
    return data(tell(rig, "segment/audience/", custom_audience_name=name, advertiser_id=advertiser))["audience_id"]


def slot(value: str, *audiences: str) -> dict[str, Any]:
    return {"id": value, "audience_ids": list(audiences)}


def map_users(rig: Rig, schema: Any, rows: Any, **more: Any) -> httpx.Response:
    body = {"advertiser_ids": [ADVERTISER], "id_schema": schema, "batch_data": rows, **more}
    return call(rig, "POST", "segment/mapping/", body)


def upload(rig: Rig, content: str | bytes, kind: str = "EMAIL_SHA256", name: str = "a.csv", **fields: str) -> httpx.Response:
    sent = content.encode() if isinstance(content, str) else content
    signature = hashlib.md5(sent, usedforsecurity=False).hexdigest()
    form = {"advertiser_id": ADVERTISER, "calculate_type": kind, "file_signature": signature, **fields}
    return rig.http.post(f"{ROOT}/dmp/custom_audience/file/upload/", data=form, files={"file": (name, sent)}, headers=TOKEN)


def emails(*numbers: int) -> str:
    return "".join(f"{digest(number)}\n" for number in numbers)


def path_of(rig: Rig, *numbers: int) -> str:
    return data(upload(rig, emails(*numbers)))["file_path"]


def make(rig: Rig, *numbers: int, **more: Any) -> httpx.Response:
    body = {"custom_audience_name": "VIPs", "calculate_type": "EMAIL_SHA256", "file_paths": [path_of(rig, *numbers)], **more}
    return tell(rig, "dmp/custom_audience/create/", **body)


def made(rig: Rig, *numbers: int, **more: Any) -> str:
    audience = data(make(rig, *numbers, **more))["custom_audience_id"]
    rig.advance(3600)
    return audience


def change(rig: Rig, audience: str, **more: Any) -> httpx.Response:
    return tell(rig, "dmp/custom_audience/update/", custom_audience_id=audience, **more)


def details(rig: Rig, audience: str) -> dict[str, Any]:
    [found] = data(ask(rig, GET, custom_audience_ids=json.dumps([audience])))["list"]
    return found


def held(rig: Rig, audience: str) -> dict[str, list[str]]:
    return rig.keys("tiktok_ads", audience)


@pytest.fixture
def small(rig: Rig) -> Rig:
    """With a floor that a handful of people reach."""
    rig.settings("tiktok_ads", minimum_matched=3, match_rate=1.0)
    return rig


# every call


def test_the_token_goes_in_its_header_and_nowhere_else(rig: Rig) -> None:
    query = {"advertiser_id": ADVERTISER}
    assert code(call(rig, "GET", LIST, query=query, headers={})) == 40104
    assert code(call(rig, "GET", LIST, query={**query, "Access-Token": "sandbox-token"}, headers={})) == 40104
    assert code(call(rig, "GET", LIST, query=query, headers={"authorization": "Bearer sandbox-token"})) == 40104
    assert code(call(rig, "GET", LIST, query=query, headers={"Access-Token": "stolen"})) == 40105
    assert code(ask(rig, LIST)) == 0
    rig.settings("tiktok_ads", token_valid=False)
    assert code(ask(rig, LIST)) == 40102


@pytest.mark.parametrize(("method", "path"), [("GET", LIST[:-1]), ("GET", "segment/mapping/"), ("DELETE", LIST), ("GET", "x/")])
def test_a_path_without_its_slash_or_with_another_verb_is_not_found(rig: Rig, method: str, path: str) -> None:
    reply = call(rig, method, path)
    assert (reply.status_code, reply.text) == (404, "404 page not found")


def test_advertisers_are_strings_of_digits_that_the_token_reaches(rig: Rig) -> None:
    assert code(ask(rig, LIST, "")) == code(ask(rig, LIST, "act_7")) == 40002
    assert code(tell(rig, "segment/audience/", custom_audience_name="n", advertiser_id=int(ADVERTISER))) == 40002
    rig.settings("tiktok_ads", advertisers=[OTHER])
    assert code(ask(rig, LIST)) == 40001
    assert code(ask(rig, LIST, OTHER)) == 0


def test_unknown_names_in_a_body_are_refused(rig: Rig) -> None:
    assert code(tell(rig, "segment/audience/", custom_audience_name="n", caculate_type="x")) == 40002
    assert code(rig.http.post(f"{ROOT}/segment/audience/", content=b"{", headers=TOKEN)) == 40002
    assert code(call(rig, "POST", "segment/audience/", [])) == 40002


def test_throttling_by_second(rig: Rig) -> None:
    rig.settings("tiktok_ads", calls_per_second=1)
    assert 40100 in [code(ask(rig, LIST)) for _ in range(5)]
    rig.advance(1)
    assert code(ask(rig, LIST)) == 0


@pytest.mark.parametrize(("setting", "rests"), [("calls_per_minute", 300), ("calls_per_day", 86_400)])
def test_throttling_by_minute_with_five_minutes_rest_and_by_day(rig: Rig, setting: str, rests: int) -> None:
    rig.admin("POST", "clock", {"now": "2030-01-01T00:00:00Z"})
    rig.settings("tiktok_ads", **{setting: 2})
    assert [code(ask(rig, LIST)) for _ in range(3)] == [0, 0, 40100]
    assert code(ask(rig, GET, custom_audience_ids='["1"]')) == 40007  # each endpoint has its own
    rig.advance(rests - 10)
    assert code(ask(rig, LIST)) == 40100
    rig.advance(20)
    assert code(ask(rig, LIST)) == 0


# finding audiences


def test_pages_and_the_two_names_of_a_type(rig: Rig) -> None:
    ids = [streamed(rig, f"Audience {number}") for number in range(12)]
    first = data(ask(rig, LIST))
    assert first["page_info"] == {"page": 1, "page_size": 10, "total_number": 12, "total_page": 2}
    second = data(ask(rig, LIST, page=2))["list"]
    assert [item["audience_id"] for item in first["list"] + second] == ids
    assert (second[0]["audience_type"], "type" in second[0]) == ("Partner", False)
    shown = details(rig, ids[0])["audience_details"]
    assert (shown["type"], "audience_type" in shown) == ("Partner", False)
    assert len(data(ask(rig, LIST, custom_audience_ids=json.dumps(ids[:3])))["list"]) == 3
    assert data(ask(rig, LIST, OTHER))["list"] == []


@pytest.mark.parametrize(
    "query", [{"page_size": 101}, {"page_size": 0}, {"page": 0}, {"page": "x"}, {"custom_audience_ids": "1"}]
)
def test_bad_pages(rig: Rig, query: dict[str, Any]) -> None:
    assert code(ask(rig, LIST, **query)) == 40002


@pytest.mark.parametrize("ids", ["", "[]", "[1]", '"1"', json.dumps(["1"] * 101)])
def test_arrays_in_a_query_are_json_of_strings(rig: Rig, ids: str) -> None:
    assert code(ask(rig, GET, custom_audience_ids=ids)) == 40002


def test_an_audience_of_nobody_and_of_another_advertiser(rig: Rig) -> None:
    other = streamed(rig, advertiser=OTHER)
    assert code(ask(rig, GET, custom_audience_ids='["1"]')) == 40007
    assert code(ask(rig, GET, custom_audience_ids=json.dumps([other]))) == 40007
    assert code(tell(rig, "dmp/custom_audience/delete/", custom_audience_ids=[other])) == 40007
    assert code(tell(rig, "dmp/custom_audience/delete/", custom_audience_ids=[])) == 40002
    mine = streamed(rig)
    assert code(tell(rig, "dmp/custom_audience/delete/", custom_audience_ids=[mine])) == 0
    assert code(ask(rig, GET, custom_audience_ids=json.dumps([mine]))) == 40007


# streaming


def test_names_are_not_unique_and_long_ones_are_cut(rig: Rig) -> None:
    assert streamed(rig) != streamed(rig)
    streamed(rig, "ü" * 70)
    streamed(rig, "ü" * 71)
    names = [book["name"] for book in rig.admin("GET", "books/tiktok_ads")]
    assert names[2:] == ["ü" * 70, "ü" * 67 + "..."]


@pytest.mark.parametrize("body", [{}, {"custom_audience_name": ""}, {"custom_audience_name": 7}, {"action": "rename"}])
def test_bad_streaming_audiences(rig: Rig, body: dict[str, Any]) -> None:
    assert code(tell(rig, "segment/audience/", **body)) == 40002


def test_an_account_holds_400_and_streaming_may_need_the_allow_list(rig: Rig) -> None:
    audience = streamed(rig)
    rig.settings("tiktok_ads", audiences_per_account=1)
    assert code(tell(rig, "segment/audience/", custom_audience_name="n")) == 40002
    assert code(tell(rig, "segment/audience/", action="delete", delete_audience_id=audience)) == 0
    rig.settings("tiktok_ads", streaming_allowed=False)
    assert code(tell(rig, "segment/audience/", custom_audience_name="n")) == 40118


def test_slots_are_read_by_position_and_mapped_or_unmapped(rig: Rig) -> None:
    one, two = streamed(rig), streamed(rig, "Others")
    rows = [[slot(EMAIL, one), {}], [{}, slot(PHONE, one, two)]]
    reply = map_users(rig, ["email_sha256", "PHONE_SHA256"], rows)
    assert data(reply) == {}
    assert held(rig, one) == {"email": [EMAIL], "phone": [PHONE]}
    assert held(rig, two) == {"phone": [PHONE]}
    assert code(map_users(rig, ["PHONE_SHA256"], [[slot(PHONE, one)]], action="delete")) == 0
    assert code(map_users(rig, ["AAID_SHA256"], [[slot(MOBILE, one)]])) == 0
    assert held(rig, one) == {"email": [EMAIL], "mobile_ad_id": [MOBILE]}
    lines = [(line["operation"], line["rows"]) for line in rig.log("tiktok_ads") if line["rows"]]
    assert lines == [("add", 2), ("remove", 1), ("add", 1)]


@pytest.mark.parametrize("schema", [None, [], "EMAIL_SHA256", ["GAID_SHA256"], ["EMAIL_SHA256", "email_sha256"], [1]])
def test_bad_schemas(rig: Rig, schema: Any) -> None:
    assert code(map_users(rig, schema, [[slot(EMAIL, streamed(rig))]])) == 40002


@pytest.mark.parametrize(
    "row",
    [
        [{}],
        [],
        {},
        [None],
        [{"id": EMAIL}],
        [{"id": EMAIL, "audience_ids": []}],
        [{"id": EMAIL, "audience_ids": [9]}],
        [{"id": EMAIL, "audience_ids": "9"}],
        [{"id": EMAIL, "audience_ids": ["9"], "email": "x"}],
        [{"id": EMAIL.upper(), "audience_ids": ["9"]}],
        [{"id": "a@example.com", "audience_ids": ["9"]}],
        [{"id": None, "audience_ids": ["9"]}],
        [{"id": EMAIL, "audience_ids": ["9"]}, {}],
    ],
)
def test_one_bad_row_refuses_the_whole_request(rig: Rig, row: Any) -> None:
    audience = streamed(rig)
    assert code(map_users(rig, ["EMAIL_SHA256"], [[slot(EMAIL, audience)], row])) == 40002
    assert held(rig, audience) == {}


def test_limits_of_a_request(rig: Rig) -> None:
    row = [slot(EMAIL, streamed(rig))]
    assert code(map_users(rig, ["EMAIL_SHA256"], [row] * 1000)) == 0
    assert code(map_users(rig, ["EMAIL_SHA256"], [row] * 1001)) == 40011
    rig.settings("tiktok_ads", bytes_per_request=1000)
    assert code(map_users(rig, ["EMAIL_SHA256"], [row] * 10)) == 40011


def test_audiences_that_a_mapping_cannot_have(small: Rig) -> None:
    file, others = made(small, 1, 2, 3), streamed(small, advertiser=OTHER)
    assert code(map_users(small, ["EMAIL_SHA256"], [[slot(EMAIL, file)]])) == 40002
    assert code(map_users(small, ["EMAIL_SHA256"], [[slot(EMAIL, others)]])) == 40007
    both = {"advertiser_ids": [ADVERTISER, OTHER]}
    assert code(map_users(small, ["EMAIL_SHA256"], [[slot(EMAIL, others)]], **both)) == 0
    assert code(map_users(small, ["EMAIL_SHA256"], [[slot(EMAIL, others)]], advertiser_ids=[])) == 40002
    assert code(map_users(small, ["EMAIL_SHA256"], [[slot(EMAIL, others)]], action="replace")) == 40002


def test_a_streaming_audience_shows_its_size_late(small: Rig) -> None:
    audience = streamed(small)
    assert code(map_users(small, ["EMAIL_SHA256"], [[slot(digest(number), audience)] for number in range(5)])) == 0
    early = details(small, audience)["audience_details"]
    small.advance(86_401)
    late = details(small, audience)["audience_details"]
    assert [(shown["cover_num"], shown["is_valid"]) for shown in (early, late)] == [(0, False), (5, True)]


# uploads


@pytest.mark.parametrize(
    ("content", "signature"),
    [
        (f"{SIGNED}\n", "4353fb26a834ccd5e1c089cdb39ee918"),
        (f"email_sha256,phone_sha256\n{SIGNED},{SIGNED_PHONE}\n", "fe816e45199e03d3418d06947bd336ae"),
    ],
)
def test_a_file_is_signed_by_the_md5_of_its_bytes(rig: Rig, content: str, signature: str) -> None:
    kind = "MULTIPLE_TYPES" if "," in content else "EMAIL_SHA256"
    assert len(data(upload(rig, content, kind, file_signature=signature))["file_path"]) == 16
    for wrong in ("", signature.upper(), "0" * 32):
        assert code(upload(rig, content, kind, file_signature=wrong)) == 40900


@pytest.mark.parametrize(
    ("content", "kind", "refusal"),
    [
        ("", "EMAIL_SHA256", 40906),
        (b"\xff\xfe", "EMAIL_SHA256", 40914),
        ("\ufeff" + emails(1), "EMAIL_SHA256", 40915),
        (emails(1).replace("\n", "\r\n"), "EMAIL_SHA256", 40915),
        (emails(1).upper(), "EMAIL_SHA256", 40915),
        (emails(1) + "\n" + emails(2), "EMAIL_SHA256", 40915),
        ("email_sha256\n" + emails(1), "EMAIL_SHA256", 40915),
        (emails(1), "EMAIL_MD5", 40909),
        (emails(1), "GAID_MD5", 40915),
        (emails(1), "MULTIPLE_TYPES", 40915),
        ("email_sha256\n", "MULTIPLE_TYPES", 40906),
        (f"email_sha256,phone_sha256\n{EMAIL}\n", "MULTIPLE_TYPES", 40915),
        ("email_sha256,phone_sha256\n,\n", "MULTIPLE_TYPES", 40915),
        (f"email_sha256,phone_sha256\n{EMAIL},+4915112345678\n", "MULTIPLE_TYPES", 40915),
        (f"{','.join(['email_sha256'] * 4)}\n{','.join([EMAIL] * 4)}\n", "MULTIPLE_TYPES", 40915),
    ],
)
def test_files_that_are_not_to_the_letter(rig: Rig, content: str | bytes, kind: str, refusal: int) -> None:
    assert code(upload(rig, content, kind)) == refusal


def test_names_sizes_and_parts_of_an_upload(rig: Rig) -> None:
    assert code(upload(rig, emails(1), name="a.txt")) == 0
    assert code(upload(rig, emails(1), name="a.zip")) == 40908
    assert code(upload(rig, emails(1), caculate_type="x")) == 40002
    rig.settings("tiktok_ads", bytes_per_file=64)
    assert code(upload(rig, emails(1))) == 40907


# file audiences


def test_an_audience_is_made_of_files_and_stands_later(small: Rig) -> None:
    audience = data(make(small, 1, 2, 3))["custom_audience_id"]
    early = details(small, audience)
    assert (early["audience_details"]["is_valid"], early["audience_details"]["cover_num"]) == (False, 0)
    assert early["audience_history"][0]["editor"] == "open_api"
    small.advance(3600)
    late = details(small, audience)["audience_details"]
    assert (late["is_valid"], late["cover_num"], late["error_msg"]) == (True, 3, "")
    assert (late["type"], late["calculate_type"]) == ("Customer File Audience", "EMAIL_SHA256")
    assert held(small, audience) == {"email": sorted(map(digest, (1, 2, 3)))}


def test_several_kinds_of_ids_in_one_file(small: Rig) -> None:
    uuid = "aebe52e7-03ee-455a-b3c4-e57283966239"
    lines = [f"{digest(number)},,{uuid}" for number in range(3)]
    path = data(upload(small, "\n".join(["EMAIL_sha256,phone_sha256,MAID", *lines]), "MULTIPLE_TYPES"))["file_path"]
    body = {"custom_audience_name": "n", "calculate_type": "MULTIPLE_TYPES", "file_paths": [path]}
    audience = data(tell(small, "dmp/custom_audience/create/", **body))["custom_audience_id"]
    small.advance(3600)
    assert held(small, audience) == {"email": sorted(map(digest, range(3))), "mobile_ad_id": [uuid]}


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"custom_audience_name": ""}, 40002),
        ({"custom_audience_name": "x" * 129}, 40002),
        ({"calculate_type": "MAID_SHA256"}, 40909),
        ({"calculate_type": "PHONE_SHA256"}, 40909),
        ({"calculate_type": []}, 40909),
        ({"file_paths": []}, 40002),
        ({"file_paths": ["0123456789abcdef"]}, 40905),
        ({"file_paths": ["x"] * 501}, 40002),
        ({"retention_in_days": 0}, 40002),
        ({"retention_in_days": 366}, 40002),
        ({"audience_sub_type": "OTHER"}, 40002),
    ],
)
def test_bad_file_audiences(rig: Rig, more: dict[str, Any], refusal: int) -> None:
    assert code(make(rig, 1, **more)) == refusal
    assert rig.admin("GET", "books/tiktok_ads") == []


def test_a_file_belongs_to_the_advertiser_who_uploaded_it(rig: Rig) -> None:
    path = data(upload(rig, emails(1), advertiser_id=OTHER))["file_path"]
    assert code(make(rig, 1, file_paths=[path])) == 40905


def test_fewer_than_a_thousand_matched_people_make_no_audience(rig: Rig) -> None:
    audience = made(rig, *range(1500))  # two of three match
    shown = details(rig, audience)["audience_details"]
    assert (shown["is_valid"], shown["cover_num"], bool(shown["error_msg"])) == (False, 0, True)
    assert held(rig, audience) == {}
    assert code(change(rig, audience, file_paths=[path_of(rig, *range(1600))])) == 40002  # not editable
    assert details(rig, made(rig, *range(1600)))["audience_details"]["is_valid"]


def test_append_remove_and_replace(small: Rig) -> None:
    audience = made(small, 1, 2, 3, 4)
    for action, numbers, left in (
        ("APPEND", (4, 5), {1, 2, 3, 4, 5}),
        ("REMOVE", (1, 9), {2, 3, 4, 5}),
        ("REPLACE", (6, 7, 8), {6, 7, 8}),
    ):
        assert code(change(small, audience, action=action, file_paths=[path_of(small, *numbers)])) == 0
        assert not details(small, audience)["audience_details"]["is_valid"]
        small.advance(3600)
        assert held(small, audience) == {"email": sorted(map(digest, left))}
    assert [line["operation"] for line in small.log("tiktok_ads") if line["path"].endswith("/update/")] == [
        "add",
        "remove",
        "replace",
    ]


def test_a_forgotten_action_is_a_replace(small: Rig) -> None:
    audience = made(small, 1, 2, 3)
    assert code(change(small, audience, file_paths=[path_of(small, 4, 5, 6)])) == 0
    small.advance(3600)
    assert held(small, audience) == {"email": sorted(map(digest, (4, 5, 6)))}


def test_a_change_that_would_leave_too_few_fails_as_a_whole(small: Rig) -> None:
    audience = made(small, 1, 2, 3)
    assert code(change(small, audience, action="REMOVE", file_paths=[path_of(small, 1)])) == 0
    small.advance(3600)
    shown = details(small, audience)["audience_details"]
    assert (bool(shown["error_msg"]), shown["cover_num"]) == (True, 3)
    assert held(small, audience) == {"email": sorted(map(digest, (1, 2, 3)))}


def test_one_change_at_a_time_and_one_replace_a_day(small: Rig) -> None:
    audience = made(small, 1, 2, 3)
    paths = [path_of(small, 1, 2, 3, 4)]
    assert code(change(small, audience, action="REPLACE", file_paths=paths)) == 0
    busy = change(small, audience, action="APPEND", file_paths=paths)
    assert (code(busy), "processing" in busy.json()["message"]) == (40002, True)
    small.advance(3600)
    again = change(small, audience, action="REPLACE", file_paths=paths)
    assert (code(again), "unfinished replace" in again.json()["message"]) == (40002, True)
    assert code(change(small, audience, action="APPEND", file_paths=paths)) == 0
    small.advance(86_400)
    assert code(change(small, audience, action="REPLACE", file_paths=paths)) == 0


def test_renames_kinds_and_empty_updates(small: Rig) -> None:
    audience, other = made(small, 1, 2, 3), streamed(small)
    assert code(change(small, audience, custom_audience_name="Renamed")) == 0
    assert details(small, audience)["audience_details"]["name"] == "Renamed"
    assert code(change(small, audience)) == 40002
    assert code(change(small, audience, action="UPSERT", file_paths=[path_of(small, 1)])) == 40002
    assert code(change(small, audience, action=[], file_paths=[path_of(small, 1)])) == 40002
    assert code(change(small, other, file_paths=[path_of(small, 1)])) == 40002
    assert code(change(small, audience, audience_sub_type="NORMAL", custom_audience_name="n")) == 40002
    assert code(change(small, audience, audience_sub_type="REACH_FREQUENCY", custom_audience_name="Ignored")) == 0
    shown = details(small, audience)["audience_details"]
    assert (shown["name"], shown["audience_sub_type"]) == ("Renamed", "REACH_FREQUENCY")


def test_a_retention_ends_whatever_is_edited(small: Rig) -> None:
    kept, ending = made(small, 1, 2, 3), made(small, 1, 2, 3, retention_in_days=2)
    small.advance(86_400)
    assert code(change(small, ending, action="APPEND", file_paths=[path_of(small, 4)])) == 0
    small.advance(86_400)
    shown = [details(small, audience)["audience_details"] for audience in (kept, ending)]
    assert [view["is_valid"] for view in shown] == [True, False]
    assert [view["is_expiring"] for view in shown] == [False, True]


def test_scripted_failures_of_processing_and_of_rows(small: Rig) -> None:
    small.fault("tiktok_ads", {"fail_job": True, "reason": "no such luck"}, "/create/$")
    assert details(small, made(small, 1, 2, 3))["audience_details"]["error_msg"] == "no such luck"
    small.fault("tiktok_ads", {"fail_job": "partial", "count": 1}, "/create/$")
    part = made(small, 1, 2, 3, 4)
    assert (details(small, part)["audience_history"][0]["msg"], len(held(small, part)["email"])) == (
        "1 lines could not be parsed",
        3,
    )
    small.fault("tiktok_ads", {"reject_rows": [0]}, "/upload/$")
    assert code(upload(small, emails(1))) == 40915
    small.fault("tiktok_ads", {"reject_rows": [0]}, "/mapping/$")
    assert code(map_users(small, ["EMAIL_SHA256"], [[slot(EMAIL, streamed(small))]])) == 40002
    small.fault("tiktok_ads", {"error": "40002/unfinished_replace"}, "/list/$")
    assert code(ask(small, LIST)) == 40002
