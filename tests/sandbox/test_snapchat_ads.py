"""Snapchat: tokens, segments, users with their schemas, states that take their time, and everything that is refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sandbox.rig import Rig, digest

ACCOUNT = "8adc3db7-8148-4fbf-999c-8d2266369d74"
SEGMENTS = f"adaccounts/{ACCOUNT}/segments"
CLIENT = {"grant_type": "refresh_token", "client_id": "sandbox-client", "client_secret": "sandbox-secret"}
TOKEN = "/snapchat_ads/login/oauth2/access_token"
NEW = {"ad_account_id": ACCOUNT, "name": "Lapsed", "source_type": "FIRST_PARTY", "retention_in_days": 9999}


class Snap:
    """A client that is signed in."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.token = rig.http.post(TOKEN, data={**CLIENT, "refresh_token": "sandbox-refresh"}).json()["access_token"]

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}"}
        return self.rig.http.request(method, f"/snapchat_ads/v1/{path}", json=body, headers=headers, **more)

    def segment(self, **more: Any) -> dict[str, Any]:
        reply = self.ask("POST", SEGMENTS, {"segments": [{**NEW, **more}]})
        assert reply.status_code == 200, reply.text
        [element] = reply.json()["segments"]
        assert element["sub_request_status"] == "SUCCESS", element
        return element["segment"]

    def read(self, segment: str) -> dict[str, Any]:
        return self.ask("GET", f"segments/{segment}").json()["segments"][0]["segment"]

    def users(self, method: str, segment: str, data: Any, schema: Any = ("EMAIL_SHA256",), **more: Any) -> httpx.Response:
        body = {"users": [{"schema": list(schema), "data": data, **more}]}
        return self.ask(method, f"segments/{segment}/users", body)


@pytest.fixture
def snap(rig: Rig) -> Snap:
    return Snap(rig)


def wrapped(*values: str) -> list[list[str]]:
    return [[digest(value)] for value in values]


# tokens


def test_a_token_for_a_refresh_token(rig: Rig) -> None:
    answer = rig.http.post(TOKEN, data={**CLIENT, "refresh_token": "sandbox-refresh"}).json()
    assert (answer["expires_in"], answer["refresh_token"]) == (3600, "sandbox-refresh")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"refresh_token": "wrong"}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_wrong_credentials_are_refused(rig: Rig, form: dict[str, str], status: int, error: str) -> None:
    reply = rig.http.post(TOKEN, data={**CLIENT, "refresh_token": "sandbox-refresh", **form})
    assert (reply.status_code, reply.json()["error"]) == (status, error)


def test_a_token_request_is_a_form(rig: Rig) -> None:
    assert rig.http.post(TOKEN, json={**CLIENT, "refresh_token": "sandbox-refresh"}).status_code == 400


def test_a_revoked_grant(rig: Rig) -> None:
    rig.settings("snapchat_ads", grant_revoked=True)
    reply = rig.http.post(TOKEN, data={**CLIENT, "refresh_token": "sandbox-refresh"})
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_grant")


def test_refresh_tokens_that_are_good_once(rig: Rig) -> None:
    rig.settings("snapchat_ads", rotate_refresh_tokens=True)
    form = {**CLIENT, "refresh_token": "sandbox-refresh"}
    renewed = rig.http.post(TOKEN, data=form).json()["refresh_token"]
    assert rig.http.post(TOKEN, data=form).json()["error"] == "invalid_grant"
    assert rig.http.post(TOKEN, data={**form, "refresh_token": renewed}).status_code == 200


def test_missing_unknown_foreign_and_expired_tokens(rig: Rig, snap: Snap) -> None:
    for headers in ({}, {"authorization": "Bearer nonsense"}, rig.bearer):
        assert rig.http.get(f"/snapchat_ads/v1/{SEGMENTS}", headers=headers).status_code == 401
    rig.fault("snapchat_ads", {"expire_token": True})
    assert [snap.ask("GET", SEGMENTS).status_code for _ in range(2)] == [401, 401]


def test_a_failure_is_an_envelope(snap: Snap) -> None:
    snap.rig.settings("snapchat_ads", has_role=False)
    reply = snap.ask("GET", SEGMENTS)
    body = reply.json()
    assert (reply.status_code, body["request_status"], body["error_code"]) == (403, "ERROR", "E3002")
    assert set(body) == {"request_status", "request_id", "debug_message", "display_message", "error_code"}


def test_too_many_requests_have_no_header_that_says_how_long(snap: Snap) -> None:
    snap.rig.settings("snapchat_ads", requests_per_second_per_token=2, rate_is_average_of_seconds=1)
    replies = [snap.ask("GET", SEGMENTS) for _ in range(6)]
    late = [reply for reply in replies if reply.status_code == 429]
    assert late
    assert "retry-after" not in late[0].headers


# segments


def test_a_new_segment_has_states(snap: Snap) -> None:
    made = snap.segment(description="d")
    assert (made["status"], made["upload_status"], made["targetable_status"]) == ("PENDING", "NO_UPLOAD", "NOT_READY")
    assert (made["retention_in_days"], made["description"]) == (9999, "d")
    assert isinstance(made["id"], str)
    snap.rig.advance(60)
    assert snap.read(made["id"])["status"] == "ACTIVE"


@pytest.mark.parametrize(
    "wrong",
    [
        {"ad_account_id": "another"},
        {"name": ""},
        {"name": "x" * 376},
        {"source_type": None},
        {"source_type": "CRM"},
        {"retention_in_days": None},
        {"retention_in_days": 0},
        {"retention_in_days": 10_000},
        {"retention_in_days": "9999"},
        {"description": 7},
    ],
)
def test_a_segment_that_may_not_be_fails_with_status_200(snap: Snap, wrong: dict[str, Any]) -> None:
    reply = snap.ask("POST", SEGMENTS, {"segments": [{**NEW, **wrong}]})
    assert (reply.status_code, reply.json()["segments"][0]["sub_request_status"]) == (200, "ERROR")
    assert snap.rig.admin("GET", "books/snapchat_ads") == []


@pytest.mark.parametrize("body", [None, [], {}, {"segments": {}}, {"segments": []}, {"segments": ["x"]}])
def test_a_body_of_another_form_is_refused(snap: Snap, body: Any) -> None:
    reply = snap.ask("POST", SEGMENTS, body)
    assert (reply.status_code, reply.json()["error_code"]) == (400, "E1001")


def test_a_creation_that_comes_twice_makes_two(snap: Snap) -> None:
    assert snap.segment()["id"] != snap.segment()["id"]
    listed = snap.ask("GET", SEGMENTS).json()
    assert [element["segment"]["name"] for element in listed["segments"]] == ["Lapsed", "Lapsed"]
    assert (listed["request_status"], listed["segments"][0]["sub_request_status"]) == ("success", "success")


def test_pages_are_followed_by_their_link(snap: Snap) -> None:
    made = [snap.segment(name=f"n{number}")["id"] for number in range(51)]
    first = snap.ask("GET", SEGMENTS, params={"limit": 50}).json()
    rest = snap.rig.http.get(first["paging"]["next_link"], headers={"authorization": f"Bearer {snap.token}"}).json()
    assert "paging" not in rest
    assert [element["segment"]["id"] for element in (*first["segments"], *rest["segments"])] == made


@pytest.mark.parametrize("limit", [49, 1001, "x"])
def test_a_page_has_50_to_1000_segments(snap: Snap, limit: Any) -> None:
    assert snap.ask("GET", SEGMENTS, params={"limit": limit}).status_code == 400


def test_name_and_description_change_and_nothing_else_does(snap: Snap) -> None:
    made = snap.segment()
    changed = snap.ask("PUT", SEGMENTS, {"segments": [{"id": made["id"], "name": "New", "description": "d"}]})
    assert changed.json()["segments"][0]["segment"]["name"] == "New"
    reply = snap.ask("PUT", SEGMENTS, {"segments": [{"id": made["id"], "retention_in_days": 7}]})
    assert (reply.status_code, reply.json()["error_code"]) == (400, "E2023")
    assert snap.ask("PUT", SEGMENTS, {"segments": [{"id": "1", "name": "New"}]}).status_code == 404
    too_long = snap.ask("PUT", SEGMENTS, {"segments": [{"id": made["id"], "name": "x" * 376}]})
    assert too_long.json()["segments"][0]["sub_request_status"] == "ERROR"


def test_a_segment_that_is_deleted_is_gone(snap: Snap) -> None:
    made = snap.segment()
    snap.users("POST", made["id"], wrapped("a"))
    assert snap.ask("DELETE", f"segments/{made['id']}").json()["segments"][0]["segment"] == {"id": made["id"]}
    assert snap.ask("GET", f"segments/{made['id']}").status_code == 404
    snap.rig.advance(86_400)  # what was under way for it finds it gone
    assert snap.rig.admin("GET", "books/snapchat_ads") == []


def test_what_is_not_there(snap: Snap) -> None:
    for path in ("segments/1", "segments/1/users/2", "adaccounts/nobody/segments"):
        assert snap.ask("GET", path).status_code == 404
    assert snap.users("POST", "1", wrapped("a")).status_code == 404


# users


def test_users_come_and_go_when_they_were_processed(snap: Snap) -> None:
    segment = snap.segment()["id"]
    reply = snap.users("POST", segment, wrapped("a", "b", "b"))
    assert reply.json()["users"] == [{"sub_request_status": "SUCCESS", "user": {"number_uploaded_users": 3}}]
    assert snap.read(segment)["upload_status"] == "PROCESSING"
    assert snap.rig.keys("snapchat_ads", segment) == {}
    snap.rig.advance(1800)
    assert snap.read(segment)["upload_status"] == "COMPLETE"
    assert snap.rig.keys("snapchat_ads", segment) == {"email": sorted([digest("a"), digest("b")])}
    snap.users("DELETE", segment, wrapped("b", "nobody"), id=segment)
    snap.rig.advance(1800)
    assert snap.rig.keys("snapchat_ads", segment) == {"email": [digest("a")]}


@pytest.mark.parametrize(
    ("schema", "kind"), [("EMAIL_SHA256", "email"), ("PHONE_SHA256", "phone"), ("MOBILE_AD_ID_SHA256", "mobile_ad_id")]
)
def test_one_segment_takes_every_schema(snap: Snap, schema: str, kind: str) -> None:
    segment = snap.segment()["id"]
    snap.users("POST", segment, wrapped("a"), [schema])
    snap.rig.advance(1800)
    assert snap.rig.keys("snapchat_ads", segment) == {kind: [digest("a")]}


def test_targeting_needs_enough_matched_users(snap: Snap) -> None:
    segment = snap.segment()["id"]
    snap.users("POST", segment, wrapped(*map(str, range(10))))
    assert snap.read(segment)["targetable_status"] == "NOT_READY"
    snap.rig.advance(1800)
    seen = snap.read(segment)
    assert (seen["targetable_status"], seen["approximate_number_users"]) == ("TOO_FEW_USERS", 6)
    snap.rig.settings("snapchat_ads", users_for_targeting=6)
    assert snap.read(segment)["targetable_status"] == "READY"


def test_everybody_is_removed_at_once(snap: Snap) -> None:
    segment = snap.segment()["id"]
    snap.users("POST", segment, wrapped("a", "b"))
    assert snap.ask("DELETE", f"segments/{segment}/all_users").json()["segments"][0]["segment"]["id"] == segment
    snap.users("POST", segment, wrapped("c"))
    snap.rig.advance(1800)
    assert snap.rig.keys("snapchat_ads", segment) == {"email": [digest("c")]}


def test_members_lapse_on_their_own_day(snap: Snap) -> None:
    segment = snap.segment(retention_in_days=2)["id"]
    snap.users("POST", segment, wrapped("a", "b"))
    snap.rig.advance(86_400)
    snap.users("POST", segment, wrapped("b"))
    snap.rig.advance(86_400 + 1800)
    assert snap.rig.keys("snapchat_ads", segment) == {"email": [digest("b")]}


@pytest.mark.parametrize(
    "element",
    [
        {},
        {"schema": "EMAIL_SHA256", "data": wrapped("a")},
        {"schema": [], "data": wrapped("a")},
        {"schema": ["EMAIL_SHA256", "PHONE_SHA256"], "data": [[digest("a"), digest("1")]]},
        {"schema": ["EMAIL"], "data": wrapped("a")},
        {"schema": ["EMAIL_SHA256"]},
        {"schema": ["EMAIL_SHA256"], "data": []},
        {"schema": ["EMAIL_SHA256"], "data": [digest("a")]},
        {"schema": ["EMAIL_SHA256"], "data": [[digest("a"), digest("b")]]},
        {"schema": ["EMAIL_SHA256"], "data": [[7]]},
        {"schema": ["EMAIL_SHA256"], "data": wrapped("a"), "id": "another"},
    ],
)
def test_users_of_another_form_are_refused(snap: Snap, element: dict[str, Any]) -> None:
    segment = snap.segment()["id"]
    for method in ("POST", "DELETE"):
        assert snap.ask(method, f"segments/{segment}/users", {"users": [element]}).status_code == 400


def test_a_removal_without_a_body_removes_nobody(snap: Snap) -> None:
    segment = snap.segment()["id"]
    assert snap.ask("DELETE", f"segments/{segment}/users").status_code == 400


@pytest.mark.parametrize("bad", ["person@example.com", digest("a").upper(), "", "0" * 63])
def test_one_identifier_that_is_no_hash_fails_the_whole_element(snap: Snap, bad: str) -> None:
    segment = snap.segment()["id"]
    reply = snap.users("POST", segment, [*wrapped("a"), [bad]])
    assert (reply.status_code, reply.json()["users"][0]["sub_request_status"]) == (200, "ERROR")
    snap.rig.advance(1800)
    assert snap.rig.keys("snapchat_ads", segment) == {}


def test_rows_that_a_fault_refuses_fail_the_whole_element(snap: Snap) -> None:
    segment = snap.segment()["id"]
    snap.rig.fault("snapchat_ads", {"reject_rows": [1]}, "/users$", times=2)
    assert snap.users("POST", segment, wrapped("a", "b")).json()["users"][0]["sub_request_status"] == "ERROR"
    assert snap.users("POST", segment, wrapped("a")).json()["users"][0]["sub_request_status"] == "SUCCESS"


def test_a_request_has_a_most_of_identifiers(snap: Snap) -> None:
    segment = snap.segment()["id"]
    assert snap.users("POST", segment, [[digest("a")]] * 100_001).status_code == 400
    assert snap.users("POST", segment, [[digest("a")]] * 100_000).status_code == 200


def test_the_log_has_operations_and_rows(snap: Snap) -> None:
    segment = snap.segment()["id"]
    snap.users("POST", segment, wrapped("a", "b"))
    snap.users("DELETE", segment, wrapped("b"))
    log = [(line["operation"], line["rows"]) for line in snap.rig.log("snapchat_ads")]
    assert log == [("token", 0), ("create", 0), ("add", 2), ("remove", 1)]


@pytest.mark.parametrize(
    ("name", "status"), [("400", 400), ("401", 401), ("E3002", 403), ("404", 404), ("429", 429), ("500", 500), ("users", 200)]
)
def test_faults_have_names(snap: Snap, name: str, status: int) -> None:
    segment = snap.segment()["id"]
    snap.rig.fault("snapchat_ads", {"error": name}, "/users$")
    reply = snap.users("POST", segment, wrapped("a"))
    assert (reply.status_code, "ERROR" in reply.text) == (status, True)


def test_a_fault_of_no_name_is_refused(rig: Rig) -> None:
    fault = {"match": {}, "action": {"error": "418"}}
    assert rig.http.post("/admin/faults/snapchat_ads", json={"faults": [fault]}).status_code == 400
