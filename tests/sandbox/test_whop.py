"""Whop's sandbox: the published contract, files and their storage, audiences built in the background, keys that replay."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sandbox.openapi import OpenApi
from sandbox.rig import Rig, digest

OPENAPI = OpenApi("whop")
KEY = {"authorization": "Bearer sandbox-whop-key"}
DATED = {**KEY, "api-version-date": "2026-10-15-1"}
PEOPLE = "Email,Phone,Name\njane@example.com,+16577770000,Jane\njoe@example.com,,\n"
CONTENT = PEOPLE.encode()
MAPPING = {"email": "Email", "phone": "Phone"}


def call(rig: Rig, method: str, path: str, body: Any = None, headers: Any = None, **query: Any) -> httpx.Response:
    return rig.http.request(method, f"/whop/api/v1/{path}", json=body, params=query, headers=headers or DATED)


def put(address: str, content: Any = CONTENT, **headers: str) -> httpx.Response:
    return httpx.put(address, content=content, headers={"content-type": "text/csv", **headers})


def record(rig: Rig, **more: Any) -> dict[str, Any]:
    reply = call(rig, "POST", "files", {"filename": "people.csv", **more})
    assert reply.status_code == 201, reply.text
    return reply.json()


def file_of(rig: Rig, content: str = PEOPLE) -> str:
    made = record(rig)
    assert put(made["upload_url"], content.encode()).status_code == 200
    rig.advance(2)
    return str(made["id"])


def build(rig: Rig, content: str = PEOPLE, headers: Any = None, **more: Any) -> httpx.Response:
    body = {"account_id": "biz_1", "name": "Lapsed", "column_mapping": MAPPING, **more}
    body.setdefault("file_id", file_of(rig, content))
    reply = call(rig, "POST", "audiences", body, headers or KEY)
    if reply.status_code in (201, 401) and "api-version-date" not in (headers or KEY):
        OPENAPI.check_answer("POST", "/audiences", reply.status_code, reply.json())
    return reply


def read(rig: Rig, audience: str, headers: Any = None) -> dict[str, Any]:
    [found] = call(rig, "GET", "audiences", headers=headers or KEY, account_id="biz_1", audience_id=audience).json()["data"]
    return found


def error_of(reply: httpx.Response) -> tuple[int, str]:
    error = reply.json()["error"]
    assert isinstance(error["message"], str)
    return reply.status_code, error["type"]


# audiences


def test_an_audience_goes_through_its_states_and_holds_digests(rig: Rig) -> None:
    made = build(rig)
    assert (made.status_code, made.json()["status"]) == (201, "pending")
    audience = made.json()["id"]
    states = []
    for _ in range(5):
        rig.advance(70)
        found = read(rig, audience)
        states.append((found["status"], found["total_rows"], found["processed_rows"], found["matched_rows"]))
    assert states == [
        ("processing", 2, 0, 0),
        ("processing", 2, 0, 0),
        ("syncing", 2, 1, 0),
        ("syncing", 2, 1, 0),
        ("ready", 2, 2, 2),
    ]
    assert rig.keys("whop", audience) == {
        "email": sorted([digest("jane@example.com"), digest("joe@example.com")]),
        "phone": [digest("+16577770000")],
    }
    assert (found["progress_percent"], found["error_message"]) == (100, None)


def test_the_dated_form_has_texts_for_numbers_and_tells_more(rig: Rig) -> None:
    audience = build(rig).json()["id"]
    rig.advance(400)
    undated, dated = read(rig, audience), read(rig, audience, DATED)
    assert isinstance(undated["created_at"], float)
    assert dated["created_at"].endswith("Z")
    assert set(dated) > set(undated)
    assert dated["match_rates"][0] == {"platform": "meta", "status": "available", "lower_bound": 60, "upper_bound": 70}


def test_people_are_added_once_the_audience_is_through(rig: Rig) -> None:
    audience = build(rig).json()["id"]
    more = file_of(rig, "Email,Phone\nzoe@example.com,\njoe@example.com,\n")
    early = call(rig, "POST", f"audiences/{audience}/add_people", {"file_id": more})
    assert error_of(early) == (409, "conflict")
    rig.advance(400)
    late = call(rig, "POST", f"audiences/{audience}/add_people", {"file_id": more})
    assert (late.status_code, late.json()["status"]) == (200, "pending")
    rig.advance(400)
    assert (read(rig, audience)["total_rows"], len(rig.keys("whop", audience)["email"])) == (4, 3)
    assert [line["rows"] for line in rig.log("whop") if line["operation"] in ("replace", "add")] == [2, 0, 2]


@pytest.mark.parametrize(
    ("content", "status", "matched"),
    [
        (PEOPLE + "no-email,,\n", "partial", 2),
        (PEOPLE + ",,Nobody\n", "partial", 2),
        (PEOPLE + "x@example.com,12,\n", "partial", 2),
        (PEOPLE + digest("hashed@example.com") + ",,\n", "partial", 2),
        ("Email,Phone\n,\n", "failed", 0),
        ("Email,Phone\n", "failed", 0),
        ("Mail,Phone\njane@example.com,\n", "failed", 0),
        ('Email,Phone\n"jane@example.com,\n', "failed", 0),
    ],
)
def test_rows_that_cannot_be_used_are_told_later(rig: Rig, content: str, status: str, matched: int) -> None:
    audience = build(rig, content).json()["id"]
    rig.advance(400)
    found = read(rig, audience)
    assert (found["status"], found["matched_rows"]) == (status, matched)
    assert found["error_message"]


def test_country_and_value_have_their_forms(rig: Rig) -> None:
    mapping = {**MAPPING, "country": "C", "ltv": "V"}
    rows = "Email,Phone,C,V\na@example.com,,US,$44.50\nb@example.com,,usa,1\nc@example.com,,,-1\nd@example.com,,,\n"
    audience = build(rig, rows, column_mapping=mapping).json()["id"]
    rig.advance(400)
    assert read(rig, audience)["matched_rows"] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"account_id": None},
        {"account_id": "acct_1"},
        {"name": ""},
        {"name": 7},
        {"column_mapping": None},
        {"column_mapping": {}},
        {"column_mapping": {"first_name": "Name"}},
        {"column_mapping": {"email": 7}},
        {"column_mapping": {"Email": "email"}},
        {"file_id": None},
        {"file_id": "file_other"},
    ],
)
def test_a_build_that_lacks_something_is_refused(rig: Rig, wrong: dict[str, Any]) -> None:
    assert error_of(build(rig, **wrong)) == (400, "bad_request")


def test_a_file_that_is_not_ready_builds_nothing(rig: Rig) -> None:
    rig.settings("whop", file_seconds=60)
    made = record(rig)
    assert error_of(build(rig, file_id=made["id"])) == (409, "conflict")
    put(made["upload_url"])
    assert error_of(build(rig, file_id=made["id"])) == (409, "conflict")
    rig.advance(60)
    assert build(rig, file_id=made["id"]).status_code == 201


def test_the_list_has_pages_the_newest_first(rig: Rig) -> None:
    ids = [build(rig, name=f"n{number}").json()["id"] for number in range(5)]
    build(rig, account_id="biz_2")
    names, cursor = [], None
    while True:
        query = {"after": cursor} if cursor else {}
        body = call(rig, "GET", "audiences", account_id="biz_1", first=2, **query).json()
        names += [audience["name"] for audience in body["data"]]
        cursor = body["page_info"]["end_cursor"]
        if not body["page_info"]["has_next_page"]:
            break
    assert names == ["n4", "n3", "n2", "n1", "n0"]
    assert call(rig, "GET", "audiences", account_id="biz_1", audience_type="lookalike").json()["data"] == []
    for wrong in ({}, {"account_id": "biz_1", "first": 0}, {"account_id": "biz_1", "after": "x"}):
        assert error_of(call(rig, "GET", "audiences", **wrong)) == (400, "bad_request")
    assert call(rig, "DELETE", f"audiences/{ids[0]}").json() == {"success": True}
    assert error_of(call(rig, "DELETE", f"audiences/{ids[0]}")) == (404, "not_found")
    assert call(rig, "PATCH", f"audiences/{ids[1]}", {"name": "Other"}).json()["name"] == "Other"
    assert call(rig, "PATCH", f"audiences/{ids[1]}", {"name": " "}).json()["name"] == "Other"


# files


def test_a_file_is_pending_then_processing_then_ready(rig: Rig) -> None:
    rig.settings("whop", file_seconds=60)
    made = record(rig)
    assert (made["upload_status"], made["visibility"], made["size"]) == ("pending", "private", None)
    assert put(made["upload_url"]).content == b""
    assert call(rig, "GET", f"files/{made['id']}").json()["upload_status"] == "processing"
    rig.advance(60)
    ready = call(rig, "GET", f"files/{made['id']}").json()
    assert (ready["upload_status"], ready["size"]) == ("ready", len(PEOPLE))
    reader = {**DATED, "authorization": "Bearer sandbox-whop-reader"}
    assert error_of(call(rig, "GET", f"files/{made['id']}", headers=reader)) == (404, "not_found")


def test_the_storage_refuses_what_the_address_was_not_signed_for(rig: Rig) -> None:
    address = record(rig)["upload_url"]
    assert put(address, **KEY).status_code == 400
    assert put(address, **{"content-type": "text/plain"}).status_code == 403
    assert put(address.replace("Signature=", "Signature=0")).status_code == 403
    rig.advance(3601)
    assert put(address).status_code == 403


def test_a_file_in_parts_is_put_together_by_their_etags(rig: Rig) -> None:
    rig.settings("whop", file_seconds=60)
    rig.settings("whop", multipart_chunk_size=20)
    content = CONTENT
    made = record(rig, multipart=True, byte_size=len(content))
    places = made["multipart_upload_urls"]
    assert [place["part_number"] for place in places] == [1, 2, 3, 4]
    tags = []
    for number, place in enumerate(places):
        sent = httpx.put(place["url"], content=content[number * 20 : number * 20 + 20])
        tags.append({"part_number": number + 1, "etag": sent.headers["etag"]})
    path, upload = f"files/{made['id']}/complete", made["multipart_upload_id"]
    for wrong in (
        {"multipart_upload_id": upload, "multipart_parts": tags[:-1]},
        {"multipart_upload_id": upload, "multipart_parts": tags[::-1]},
        {"multipart_upload_id": upload, "multipart_parts": [{**tag, "etag": tag["etag"].strip('"')} for tag in tags]},
    ):
        assert call(rig, "POST", path, wrong).status_code == 400
    assert call(rig, "POST", path, {"multipart_upload_id": "other", "multipart_parts": tags}).status_code == 409
    good = {"multipart_upload_id": upload, "multipart_parts": tags}
    assert call(rig, "POST", path, good).json()["upload_status"] == "processing"
    assert call(rig, "POST", path, good).status_code == 409
    rig.advance(60)
    audience = build(rig, file_id=made["id"]).json()["id"]
    rig.advance(400)
    assert read(rig, audience)["matched_rows"] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"filename": ""},
        {"byte_size": "7"},
        {"visibility": "secret"},
        {"multipart": True},
        {"multipart": True, "byte_size": 5_242_880},
        {"multipart": True, "byte_size": 60_000_000_000},
        {"byte_size": 5_000_000_001},
    ],
)
def test_a_file_that_cannot_be_is_refused(rig: Rig, wrong: dict[str, Any]) -> None:
    assert error_of(call(rig, "POST", "files", {"filename": "x.csv", **wrong})) == (400, "bad_request")


def test_files_need_a_dated_version(rig: Rig) -> None:
    for version in ({}, {"api-version-date": "2026-08-20"}, {"api-version-date": "newest"}):
        reply = call(rig, "POST", "files", {"filename": "x.csv"}, {**KEY, **version})
        assert error_of(reply) == (400, "bad_request")


# credentials, keys that replay, scripted trouble


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"x": "y"}, (401, "unauthorized")),
        ({"authorization": "Bearer other"}, (401, "unauthorized")),
        ({"authorization": "OAuth sandbox-whop-key"}, (401, "unauthorized")),
        ({"authorization": "Bearer sandbox-whop-reader"}, (403, "forbidden")),
    ],
)
def test_only_a_key_with_the_scope_may_build(rig: Rig, headers: dict[str, str], told: tuple[int, str]) -> None:
    assert error_of(build(rig, headers=headers)) == told


def test_the_same_request_with_the_same_key_acts_once_for_a_day(rig: Rig) -> None:
    file, key = file_of(rig), {**KEY, "idempotency-key": "one"}
    first, again = build(rig, headers=key, file_id=file), build(rig, headers=key, file_id=file)
    assert (first.content, first.status_code) == (again.content, again.status_code)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    other = build(rig, headers=key, file_id=file, name="Other")
    assert (other.status_code, other.json()["error"]["code"]) == (400, "idempotency_key_mismatch")
    assert error_of(build(rig, headers={**KEY, "idempotency-key": "x" * 256}, file_id=file)) == (400, "bad_request")
    assert len(rig.admin("GET", "books/whop")) == 1
    rig.advance(86_401)
    assert "idempotent-replayed" not in build(rig, headers=key).headers


def test_a_refusal_is_replayed_too(rig: Rig) -> None:
    made, key = record(rig), {**KEY, "idempotency-key": "two"}
    assert build(rig, headers=key, file_id=made["id"]).status_code == 409
    put(made["upload_url"])
    rig.advance(2)
    again = build(rig, headers=key, file_id=made["id"])
    assert (again.status_code, again.headers["idempotent-replayed"]) == (409, "true")


@pytest.mark.parametrize("code", ["400", "401", "402", "403", "404", "409", "422", "429", "500", "503"])
def test_every_error_that_a_script_may_name_has_the_form_of_the_contract(rig: Rig, code: str) -> None:
    rig.fault("whop", {"error": code}, "audiences")
    reply = call(rig, "GET", "audiences", account_id="biz_1")
    assert reply.status_code == int(code)
    OPENAPI.check_answer("POST", "/audiences", 401, reply.json())
    assert rig.http.post("/admin/faults/whop", json={"faults": [{"action": {"error": "418"}}]}).status_code == 400


def test_too_many_requests_wait_for_the_next_minute(rig: Rig) -> None:
    rig.settings("whop", requests_per_minute=1)
    call(rig, "GET", "audiences", account_id="biz_1")
    reply = call(rig, "GET", "audiences", account_id="biz_1")
    assert (*error_of(reply), 0 < int(reply.headers["retry-after"]) <= 60) == (429, "too_many_requests", True)


@pytest.mark.parametrize(
    ("action", "status", "matched"),
    [
        ({"fail_job": True}, "failed", 0),
        ({"fail_job": "partial", "count": 1}, "partial", 1),
        ({"reject_rows": [1]}, "partial", 1),
    ],
)
def test_builds_fail_as_scripted(rig: Rig, action: dict[str, Any], status: str, matched: int) -> None:
    file = file_of(rig)
    rig.fault("whop", action, "audiences$")
    audience = build(rig, file_id=file).json()["id"]
    rig.advance(400)
    found = read(rig, audience)
    assert (found["status"], found["matched_rows"]) == (status, matched)
    assert len(rig.keys("whop", audience).get("email", [])) == matched


def test_there_is_nothing_else(rig: Rig) -> None:
    assert error_of(call(rig, "GET", "people")) == (404, "not_found")
    assert error_of(call(rig, "GET", "files/file_none")) == (404, "not_found")
    assert error_of(call(rig, "POST", "audiences/adaud_none/add_people", {"file_id": "x"})) == (404, "not_found")
    body = rig.http.post("/whop/api/v1/audiences", content=b"{", headers={**KEY, "content-type": "application/json"})
    assert error_of(body) == (400, "bad_request")
