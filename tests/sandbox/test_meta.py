"""Meta: credentials, audiences, the schema's rules, sessions, limits."""

from __future__ import annotations

import hmac
import json
from typing import Any

import pytest
from sandbox.rig import Rig, digest

EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
MADID = "aebe52e7-03ee-455a-b3c4-e57283966239"


def code(reply: Any) -> tuple[int, int | None]:
    error = reply.json()["error"]
    return error["code"], error.get("error_subcode")


def add(rig: Rig, audience: str, schema: list[str], data: list[list[Any]], **form: Any) -> Any:
    reply = rig.meta("POST", f"{audience}/users", payload={"schema": schema, "is_raw": True, "data": data}, **form)
    assert reply.status_code == 200, reply.text
    return reply.json()


def proof(token: str, secret: str) -> str:
    return hmac.new(secret.encode(), token.encode(), "sha256").hexdigest()


def test_tokens_and_proofs(rig: Rig) -> None:
    assert code(rig.http.get("/meta/v26.0/act_77")) == (104, None)
    assert code(rig.meta("GET", "act_77", token="stolen")) == (190, None)
    assert rig.meta("GET", "act_77", query={"appsecret_proof": proof("sandbox-token", "sandbox-app-secret")}).status_code == 200
    assert code(rig.meta("GET", "act_77", query={"appsecret_proof": proof("sandbox-token", "guess")})) == (100, None)
    rig.settings("meta", require_appsecret_proof=True)
    assert code(rig.meta("GET", "act_77")) == (100, None)
    rig.settings("meta", require_appsecret_proof=False, token_valid=False)
    assert code(rig.meta("GET", "act_77")) == (190, 463)


def test_unknown_objects_versions_and_fields(rig: Rig) -> None:
    assert code(rig.meta("GET", "999")) == (100, 33)
    assert code(rig.meta("GET", "act_nobody")) == (100, 33)
    assert code(rig.http.get("/meta/v19.0/act_77")) == (2635, None)
    assert code(rig.meta("GET", "act_77/nothing/here")) == (2500, None)
    assert code(rig.meta("GET", "act_77", query={"fields": "shoe_size"})) == (100, None)


def test_preflight_tells_terms(rig: Rig) -> None:
    wanted = {"fields": "tos_accepted,account_status"}
    assert rig.meta("GET", "act_77", query=wanted).json()["tos_accepted"]["custom_audience_tos"] == 1
    rig.settings("meta", terms_accepted=False)
    assert "custom_audience_tos" not in rig.meta("GET", "act_77", query=wanted).json()["tos_accepted"]


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"name": "  ", "subtype": "CUSTOM"},
        {"name": "n"},
        {"name": "n", "subtype": "WEBSITE"},
        {"name": "n", "subtype": "CUSTOM", "customer_file_source": "FOUND_IT"},
        {"name": "n", "subtype": "CUSTOM", "retention_days": "181"},
        {"name": "n", "subtype": "CUSTOM", "is_value_based": "perhaps"},
        {"name": "n", "subtype": "CUSTOM", "audience_labels": ["FRIENDS"]},
    ],
)
def test_bad_audiences_are_refused(rig: Rig, form: dict[str, Any]) -> None:
    assert code(rig.meta("POST", "act_77/customaudiences", **form)) == (100, None)
    assert rig.admin("GET", "books/meta") == []


@pytest.mark.parametrize(
    ("setting", "subcode"),
    [("terms_accepted", 1870034), ("linked_to_business", 1870050), ("business_terms_accepted", 1870092)],
)
def test_terms_stop_creating_and_uploading(rig: Rig, setting: str, subcode: int) -> None:
    audience = rig.meta_audience()
    rig.settings("meta", **{setting: False})
    payload = {"schema": ["EMAIL"], "data": [[digest("a")]]}
    assert code(rig.meta("POST", "act_77/customaudiences", name="n", subtype="CUSTOM")) == (200, subcode)
    assert code(rig.meta("POST", f"{audience}/users", payload=payload)) == (200, subcode)


def test_an_account_holds_500_audiences(rig: Rig) -> None:
    rig.settings("meta", audiences_per_account=1)
    rig.meta_audience()
    assert code(rig.meta("POST", "act_77/customaudiences", name="two", subtype="CUSTOM")) == (2654, None)
    assert rig.meta("POST", "act_78/customaudiences", name="two", subtype="CUSTOM").status_code == 200


def test_a_name_that_hints_at_health_is_flagged(rig: Rig) -> None:
    audience = rig.meta("POST", "act_77/customaudiences", name="Diabetes buyers", subtype="CUSTOM").json()["id"]
    status = rig.meta("GET", audience, query={"fields": "operation_status"}).json()["operation_status"]["code"]
    payload = {"schema": ["EMAIL"], "data": [[digest("a")]]}
    assert status == 471
    assert code(rig.meta("POST", f"{audience}/users", payload=payload)) == (100, 1713230)
    assert code(rig.meta("POST", audience, name="Innocent")) == (100, 1713228)


def test_keys_of_rows(rig: Rig) -> None:
    audience = rig.meta_audience()
    schema = ["EMAIL", "PHONE", "MADID", "EXTERN_ID", "FN", "LN", "ZIP", "COUNTRY"]
    rows = [
        [digest("a"), digest("1"), "", "", digest("fn"), digest("ln"), "", ""],
        ["", "", MADID, "AbC-1", "", "", "", ""],
        ["", "", "", "", digest("fn"), digest("ln"), digest("zip"), digest("us")],
    ]
    counts = add(rig, audience, schema, rows)
    assert (counts["num_received"], counts["num_invalid_entries"]) == (3, 0)
    assert rig.keys("meta", audience) == {
        "email": [digest("a")],
        "phone": [digest("1")],
        "mobile_ad_id": [MADID],
        "external_id": ["AbC-1"],
        "profile": ["|".join([digest("fn"), digest("ln"), "", "", "", digest("zip"), digest("us"), "", "", "", ""])],
    }


def test_removing_takes_exactly_the_given_keys(rig: Rig) -> None:
    audience = rig.meta_audience()
    add(rig, audience, ["EMAIL", "PHONE"], [[digest("a"), digest("1")], [digest("b"), digest("2")]])
    payload = {"schema": ["EMAIL", "PHONE"], "data": [[digest("a"), ""], [digest("gone"), digest("2")]]}
    reply = rig.meta("POST", f"{audience}/users", method="DELETE", payload=payload)
    assert reply.json()["num_received"] == 2
    assert rig.keys("meta", audience) == {"email": [digest("b")], "phone": [digest("1")]}


def test_removing_from_all_audiences_of_the_account(rig: Rig) -> None:
    first, second = rig.meta_audience(), rig.meta_audience()
    other = rig.meta("POST", "act_78/customaudiences", name="n", subtype="CUSTOM").json()["id"]
    for audience in (first, second, other):
        add(rig, audience, ["EMAIL"], [[digest("a")], [digest("b")]])
    payload = {"schema": ["EMAIL"], "data": [[digest("a")]]}
    assert rig.meta("POST", "act_77/usersofanyaudience", method="DELETE", payload=payload).status_code == 200
    assert [len(rig.keys("meta", audience)["email"]) for audience in (first, second, other)] == [1, 1, 2]


@pytest.mark.parametrize(
    ("schema", "row"),
    [
        (["EMAIL"], ["person@example.com"]),
        (["EMAIL"], [digest("a").upper()]),
        (["EMAIL"], [digest("a")[:-1]]),
        (["EMAIL"], [EMPTY_HASH]),
        (["EMAIL"], [""]),
        (["EMAIL"], [None]),
        (["EMAIL"], [5]),
        (["MADID"], [digest(MADID)]),
        (["MADID"], [MADID.upper()]),
        (["MADID"], ["00000000-0000-0000-0000-000000000000"]),
        (["EXTERN_ID"], [" 7"]),
        (["ZIP", "COUNTRY", "GEN"], [digest("1"), digest("us"), digest("f")]),
        (["EMAIL", "COUNTRY"], [digest("a"), "us"]),
    ],
)
def test_malformed_rows_are_counted_and_left_out_whole(rig: Rig, schema: list[str], row: list[Any]) -> None:
    audience = rig.meta_audience()
    good = [digest("good") if name not in ("MADID", "EXTERN_ID") else MADID for name in schema]
    counts = add(rig, audience, ["EMAIL", *schema] if "EMAIL" not in schema else schema, _widen(schema, [good, row]))
    assert counts["num_invalid_entries"] == 1
    assert counts["invalid_entry_samples"] == [_widen(schema, [row])[0]]
    assert sum(map(len, rig.keys("meta", audience).values())) >= 1
    assert digest("a") not in rig.keys("meta", audience).get("email", [])


def _widen(schema: list[str], rows: list[list[Any]]) -> list[list[Any]]:
    return rows if "EMAIL" in schema else [[digest("keeper") if row is rows[0] and len(rows) > 1 else "", *row] for row in rows]


@pytest.mark.parametrize(
    "payload",
    [
        "not json",
        [],
        {"data": [["x"]]},
        {"schema": ["EMAIL"]},
        {"schema": ["EMAIL"], "data": []},
        {"schema": ["EMAIL"], "data": [[digest("a"), digest("b")]]},
        {"schema": ["EMAIL"], "data": [digest("a")]},
        {"schema": ["EMAIL", "EMAIL"], "data": [["", ""]]},
        {"schema": ["SHOE"], "data": [["x"]]},
        {"schema": "SHOE_SHA256", "data": ["x"]},
        {"schema": ["UID"], "data": [["1"]], "app_ids": ["1"]},
        {"schema": ["EMAIL"], "data": [["x"]], "is_raw": "yes"},
        {"schema": ["EMAIL"], "data": [["x"]], "hurry": True},
        {"schema": ["EMAIL", "DATA_PROCESSING_OPTIONS_COUNTRY"], "data": [["x", 1]]},
        {"schema": ["EMAIL", "LOOKALIKE_VALUE"], "data": [[digest("a"), 1]]},
    ],
)
def test_bad_payloads_are_refused_whole(rig: Rig, payload: Any) -> None:
    audience = rig.meta_audience()
    assert code(rig.meta("POST", f"{audience}/users", payload=payload)) == (100, None)
    assert rig.keys("meta", audience) == {}


def test_the_string_schema_takes_a_flat_list(rig: Rig) -> None:
    audience = rig.meta_audience()
    reply = rig.meta("POST", f"{audience}/users", payload={"schema": "EMAIL_SHA256", "data": [digest("a"), digest("b")]})
    assert reply.json()["num_received"] == 2
    assert rig.keys("meta", audience) == {"email": sorted([digest("a"), digest("b")])}


def test_a_json_body_is_taken_too(rig: Rig) -> None:
    audience = rig.meta_audience()
    body = {"payload": {"schema": ["EMAIL"], "data": [[digest("a")]]}, "session": {"session_id": 1, "batch_seq": 1}}
    reply = rig.http.post(f"/meta/v26.0/{audience}/users", params={"access_token": "sandbox-token"}, json=body)
    assert reply.json()["session_id"] == "1"


def test_ten_thousand_rows_go_and_one_more_does_not(rig: Rig) -> None:
    audience = rig.meta_audience()
    data = [[digest(number)] for number in range(10_000)]
    assert add(rig, audience, ["EMAIL"], data)["num_received"] == 10_000
    payload = {"schema": ["EMAIL"], "data": [*data, [digest("more")]]}
    reply = rig.meta("POST", f"{audience}/users", payload=payload)
    assert (code(reply), reply.status_code) == ((1, 99), 500)


def test_removing_300_rows_in_the_url_is_too_long(rig: Rig) -> None:
    audience = rig.meta_audience()
    for rows, status in ((250, 200), (300, 414)):
        payload = json.dumps({"schema": ["EMAIL"], "data": [[digest(number)] for number in range(rows)]}, separators=(",", ":"))
        assert rig.meta("DELETE", f"{audience}/users", query={"payload": payload}).status_code == status


def test_value_based_audiences_keep_values(rig: Rig) -> None:
    audience = rig.meta_audience(is_value_based="1")
    schema = ["EMAIL", "LOOKALIKE_VALUE"]
    rows = [[digest("a"), 44.5], [digest("b"), -1], [digest("c"), "12"], [digest("d"), ""]]
    assert add(rig, audience, schema, rows)["num_invalid_entries"] == 2
    assert rig.keys("meta", audience) == {"email": sorted([digest("a"), digest("d")])}


def test_limited_data_use_columns(rig: Rig) -> None:
    audience = rig.meta_audience()
    schema = ["EMAIL", "DATA_PROCESSING_OPTIONS", "DATA_PROCESSING_OPTIONS_COUNTRY", "DATA_PROCESSING_OPTIONS_STATE"]
    rows = [[digest("a"), ["LDU"], 1, 1000], [digest("b"), [], "", ""], [digest("c"), ["NO"], 1, 1000]]
    assert add(rig, audience, schema, rows)["num_invalid_entries"] == 1


def test_received_counts_are_cumulative_in_a_session(rig: Rig) -> None:
    audience = rig.meta_audience()
    for seq, expected in ((1, 2), (2, 4)):
        session = {"session_id": 5, "batch_seq": seq, "last_batch_flag": seq == 2}
        rows = [[digest(seq)], ["bad"]]
        counts = add(rig, audience, ["EMAIL"], rows, session=session)
        assert (counts["num_received"], counts["num_invalid_entries"]) == (expected, 1)
    found = rig.meta("GET", f"{audience}/sessions", query={"session_id": "5"}).json()["data"]
    assert (found[0]["num_received"], found[0]["num_invalid_entries"], found[0]["stage"]) == (4, 2, "finished")


@pytest.mark.parametrize(
    "session",
    [
        {"session_id": 0, "batch_seq": 1},
        {"session_id": 2**63, "batch_seq": 1},
        {"session_id": "5", "batch_seq": 1},
        {"session_id": 5, "batch_seq": 0},
        {"session_id": 5},
        {"session_id": 5, "batch_seq": 1, "last_batch_flag": "yes"},
    ],
)
def test_bad_sessions_are_refused(rig: Rig, session: dict[str, Any]) -> None:
    audience = rig.meta_audience()
    payload = {"schema": ["EMAIL"], "data": [[digest("a")]]}
    assert code(rig.meta("POST", f"{audience}/users", payload=payload, session=session)) == (100, None)
    assert rig.keys("meta", audience) == {}


def test_a_session_keeps_its_schema_ends_with_its_last_batch_and_after_90_minutes(rig: Rig) -> None:
    audience = rig.meta_audience()
    payload = {"schema": ["EMAIL"], "data": [[digest("a")]]}

    def send(session: int, seq: int, *, last: bool = False, schema: str = "EMAIL") -> Any:
        sent = {**payload, "schema": [schema]}
        batch = {"session_id": session, "batch_seq": seq, "last_batch_flag": last}
        return rig.meta("POST", f"{audience}/users", payload=sent, session=batch)

    assert send(1, 1).status_code == 200
    assert code(send(1, 2, schema="PHONE")) == (100, None)
    assert send(1, 2, last=True).status_code == 200
    assert send(1, 2, last=True).status_code == 200, "a batch that was seen may be sent again"
    assert code(send(1, 3)) == (2650, 1870159)
    assert send(2, 1).status_code == 200
    rig.advance(90 * 60)
    assert code(send(2, 2)) == (2650, 1870158)


def test_statuses_of_a_new_audience(rig: Rig) -> None:
    audience = rig.meta_audience()

    def read() -> dict[str, Any]:
        fields = "operation_status,delivery_status,approximate_count_lower_bound,approximate_count_upper_bound"
        return rig.meta("GET", audience, query={"fields": fields}).json()

    assert read()["operation_status"]["code"] == 410
    add(rig, audience, ["EMAIL"], [[digest(number)] for number in range(1000)])
    assert read()["operation_status"]["code"] == 441
    rig.advance(600)
    assert (read()["operation_status"]["code"], read()["approximate_count_lower_bound"]) == (200, -1)
    rig.advance(86_400)
    assert (read()["approximate_count_lower_bound"], read()["approximate_count_upper_bound"]) == (600, 800)
    assert read()["delivery_status"]["code"] == 200
    add(rig, audience, ["EMAIL"], [["bad"], ["worse"], [digest("ok")]])
    assert read()["operation_status"]["code"] == 412


def test_external_ids_and_retention_lapse(rig: Rig) -> None:
    audience, short = rig.meta_audience(), rig.meta_audience(retention_days="30")
    for target in (audience, short):
        add(rig, target, ["EMAIL", "EXTERN_ID"], [[digest("a"), "7"]])
    rig.advance(31 * 86_400)
    assert rig.keys("meta", short) == {}
    assert set(rig.keys("meta", audience)) == {"email", "external_id"}
    rig.advance(60 * 86_400)
    assert set(rig.keys("meta", audience)) == {"email"}


def test_listing_pages_and_filters(rig: Rig) -> None:
    names = [f"list {number}" for number in range(5)]
    for name in names:
        rig.meta("POST", "act_77/customaudiences", name=name, subtype="CUSTOM")
    seen, query = [], {"fields": "id,name", "limit": "2"}
    while True:
        page = rig.meta("GET", "act_77/customaudiences", query=query).json()
        seen += [item["name"] for item in page["data"]]
        if "next" not in page["paging"]:
            break
        query["after"] = page["paging"]["cursors"]["after"]
    assert seen == names
    wanted = json.dumps([{"field": "name", "operator": "EQUAL", "value": "list 3"}])
    found = rig.meta("GET", "act_77/customaudiences", query={"fields": "name", "filtering": wanted}).json()["data"]
    assert [item["name"] for item in found] == ["list 3"]


def test_usage_headers_come_with_success_and_the_quota_ends_in_80003(rig: Rig) -> None:
    audience = rig.meta_audience()
    rig.settings("meta", calls_per_hour=4)
    headers = [rig.meta("GET", audience).headers for _ in range(3)]
    usage = [json.loads(found["x-business-use-case-usage"])["77"][0] for found in headers]
    assert [found["call_count"] for found in usage] == [50, 75, 100]
    assert usage[0]["type"] == "custom_audience"
    assert usage[0]["estimated_time_to_regain_access"] == 0
    refused = rig.meta("GET", audience)
    waiting = json.loads(refused.headers["x-business-use-case-usage"])["77"][0]["estimated_time_to_regain_access"]
    assert code(refused) == (80003, None)
    assert 1 <= waiting <= 60
    rig.advance(waiting * 60)
    assert rig.meta("GET", audience).status_code == 200


def test_the_score_of_a_development_app_is_20_writes(rig: Rig) -> None:
    rig.admin("POST", "clock", {"now": "2030-01-01T00:00:00Z"})
    audience = rig.meta_audience()
    rig.settings("meta", tier="development_access")
    payload = {"schema": ["EMAIL"], "data": [[digest("a")]]}
    codes = [rig.meta("POST", f"{audience}/users", payload=payload).status_code for _ in range(20)]
    assert codes == [200] * 19 + [400], "creating was the first of the 20 writes"
    assert code(rig.meta("GET", audience)) == (17, 2446079)
    rig.advance(301)
    assert rig.meta("GET", audience).status_code == 200


def test_scripted_errors_have_the_documented_envelope(rig: Rig) -> None:
    rig.fault("meta", {"error": "2650/1870145"})
    error = rig.meta("GET", "act_77").json()["error"]
    assert (error["code"], error["error_subcode"], error["is_transient"]) == (2650, 1870145, True)
    assert {"message", "type", "fbtrace_id", "error_user_title", "error_user_msg"} <= set(error)
    rig.fault("meta", {"error": "80003"})
    usage = json.loads(rig.meta("GET", "act_77").headers["x-business-use-case-usage"])
    assert next(iter(usage.values()))[0]["estimated_time_to_regain_access"] == 5


def test_scripted_invalid_rows(rig: Rig) -> None:
    audience = rig.meta_audience()
    rig.fault("meta", {"reject_rows": [1]}, path="/users$")
    assert add(rig, audience, ["EMAIL"], [[digest("a")], [digest("b")]])["num_invalid_entries"] == 1
    assert rig.keys("meta", audience) == {"email": [digest("a")]}


def test_a_removal_that_makes_the_audience_too_small_changes_nothing(rig: Rig) -> None:
    audience = rig.meta_audience()
    add(rig, audience, ["EMAIL"], [[digest("a")], [digest("b")]])
    rig.settings("meta", minimum_after_removal=2)
    payload = {"schema": ["EMAIL"], "data": [[digest("a")]]}
    assert code(rig.meta("POST", f"{audience}/users", method="DELETE", payload=payload)) == (200, 1870047)
    assert len(rig.keys("meta", audience)["email"]) == 2


def test_deleting_an_audience(rig: Rig) -> None:
    audience = rig.meta_audience()
    assert rig.meta("DELETE", audience).json() == {"success": True}
    assert code(rig.meta("GET", audience)) == (100, 33)
