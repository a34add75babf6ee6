"""What the five pages print, to the letter: envelopes, headers, types, defaults; and who asks too often, in each form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from contract.rig import digest
from destinations.test_meta import DOOR as META
from web.dialects.rig import Station
from web.dialects.test_edgetag import FIELDS, batch, send, success, users

from guestlist.web.intake import access

pytestmark = pytest.mark.slow
IDENTIFIERS = {**FIELDS, "mobile_ad_id": "m"}
CSV = b"phone1\n442079832100\n"
COMMBOX = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    429: "Too Many Requests \N{EN DASH} Rate limit exceeded",
    500: "Server Error",
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
JOB = "/guestlist/dialects/topsort/public/v1/offsite-ads/audiences/user-list"


def commbox(station: Station, key: str, content: bytes = CSV, filename: str = "audience.csv", **form: str) -> httpx.Response:
    return station.http.post(
        "/guestlist/dialects/commbox/audiences",
        data={"name": "NE_USA-above50", **form},
        files={"audience_file": (filename, content)},
        headers={"authorization": f"Bearer {key}"},
    )


def as_commbox_says(answer: httpx.Response, status: int) -> bool:
    body = answer.json()
    assert MOMENT.fullmatch(body.pop("response_time"))
    return (answer.status_code, body) == (status, {"status": status, "description": COMMBOX[status]})


def test_commbox_says_no_word_of_its_own(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    key = station.key(station.intake(META, identifiers={"phone": "phone"}))
    for wrong in ({"name": " "}, {"filename": "audience.parquet"}, {"filename": "audience.ndjson"}, {"content": b"phone\n1\n"}):
        answer = commbox(station, key, **wrong)  # type: ignore[arg-type]
        assert as_commbox_says(answer, 400), answer.text
        assert answer.headers["guestlist-reason"]
    assert "phone1" in answer.headers["guestlist-reason"]
    assert as_commbox_says(commbox(station, "glk_unknown"), 401)
    monkeypatch.setattr(station.workspace, "capabilities", lambda _intake: 1 / 0)
    assert as_commbox_says(commbox(station, key), 500)


def test_pitchtargets_answers_have_its_headers(station: Station) -> None:
    key = station.key(station.intake(META))
    made = station.http.post(
        "/guestlist/dialects/pitchtarget/custom_audiences",
        data={"fb_ad_account_id": "2", "name": "Spending users", "user_type": "email_hash"},
        files={"file": ("spending_users.csv", digest("a@example.com").encode(), "text/plain")},
        headers={"authorization": f"OAuth {key}"},
    )
    assert made.json()["fb_custom_audience"].pop("id") > 0
    assert made.json()["fb_custom_audience"]["opt_out_link"] is None
    assert re.fullmatch(r'"[0-9a-f]{32}"', made.headers["etag"])
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", made.headers["x-request-id"])
    for name, value in {
        "content-type": "application/json; charset=utf-8",
        "cache-control": "max-age=0, private, must-revalidate",
        "x-frame-options": "SAMEORIGIN",
        "x-xss-protection": "1; mode=block",
        "x-content-type-options": "nosniff",
    }.items():
        assert made.headers[name] == value


def test_whops_moments_are_unix_timestamps(station: Station) -> None:
    headers = {"authorization": f"Bearer {station.key(station.intake(META))}"}
    root = f"{station.url}/guestlist/dialects/whop"
    file = httpx.post(f"{root}/files", json={"filename": "p.csv"}, headers=headers).json()
    httpx.put(file["upload_url"], content=b"mail\na@example.com\n", headers=file["upload_headers"])
    body = {"account_id": "biz_1", "name": "n", "column_mapping": {"email": "mail"}, "file_id": file["id"]}
    made = httpx.post(f"{root}/audiences", json=body, headers=headers).json()
    assert [type(made[name]) for name in ("created_at", "updated_at", "total_rows")] == [int, int, int]
    odd = httpx.post(f"{root}/audiences", content=json.dumps({**body, "column_mapping": {"\ud800": 1}}), headers=headers)
    assert (odd.status_code, odd.json()["error"]["type"]) == (400, "bad_request")


@pytest.mark.parametrize(
    "header",
    [
        {"sequence": 4},
        {"sequence": 3, "also": 0},
        {"sessionId": "seven"},
        {"totalBatches": 0},
        {"totalUsers": 1.5},
        {"pullDate": "2026-11-22T00:00:00"},
        {"pullDate": 20261122},
        {"pullDate": "2026-13-01"},
    ],
    ids=str,
)
def test_headers_of_edgetags_batches_that_cannot_be(station: Station, header: dict[str, Any]) -> None:
    key = station.key(station.intake(META, identifiers=FIELDS))
    if (other := header.pop("also", None)) is not None:
        assert success(send(station, key, batch(7, other, 3, 3), users([0])))
    answer = send(station, key, {**batch(7, 1, 3, 3), **header}, users([1]))
    assert (answer.status_code, answer.json()["success"]) == (400, False), answer.text


def test_edgetags_users_as_programs_write_them(station: Station) -> None:
    key = station.key(station.intake(META, identifiers=FIELDS))
    empty = dict.fromkeys(("edgeTagId", "phone", "firstName", "lastName", "country", "postalCode", "purchase"))
    assert success(send(station, key, {**batch(7.0, 0, 2, 2), "pullDate": None}, [{**empty, "email": "a@example.com"}]))  # type: ignore[arg-type]
    spent = {"currency": "USD", "profit": 12, "total7Days": 80.5}
    assert success(send(station, key, batch(7, 1, 2, 2), [{"email": "b@example.com", "postalCode": 94016, "purchase": spent}]))
    for wrong in ("[" * 100_000, '[{"purchase": {"profit": NaN}}]', "{}", "null"):
        answer = send(station, key, batch(8, 1, 1, 1), wrong)
        assert (answer.status_code, answer.json()["success"]) == (400, False), answer.text


def test_a_verb_that_no_page_has(station: Station) -> None:
    answer = station.http.get("/guestlist/dialects/commbox/audiences")
    assert as_commbox_says(answer, 400), answer.text
    assert answer.headers["allow"] == "POST"
    answer = station.http.put("/guestlist/dialects/whop/audiences")
    assert (answer.status_code, answer.json()["error"]["type"]) == (405, "method_not_allowed")


def test_topsorts_parameters(station: Station) -> None:
    intake = station.intake(META, identifiers=IDENTIFIERS)
    headers = {"authorization": f"Bearer {station.key(intake)}"}
    body = {"name": " ", "description": None, "dsp": ["meta", "meta"], "more": 1}
    made = station.http.post(f"{JOB}?vendor_id=", json=body, headers=headers)
    assert (made.status_code, sorted(made.json())) == (201, ["jobId", "url"])
    assert station.audiences(intake)[0].destinations == ["meta"]
    for sent, place in ((b"{", ["body", 1]), (b"[]", ["body"]), (b"", ["body"])):
        told = station.http.post(JOB, content=sent, headers={**headers, "content-type": "application/json"})
        assert (told.status_code, told.json()["detail"][0]["loc"]) == (422, place), told.text


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each key has one request a minute."""
    monkeypatch.setenv("GUESTLIST_INTAKE_REQUESTS", "1")
    access._allowance.cache_clear()
    yield
    access._allowance.cache_clear()


def asked(station: Station, dialect: str, key: str) -> httpx.Response:
    """The dialect's own request, with nothing in it."""
    path = {"topsort": JOB.partition("topsort")[2], "pitchtarget": "/custom_audiences", "edgetag": "/audience"}
    scheme = "OAuth" if dialect == "pitchtarget" else "Bearer"
    address = f"/guestlist/dialects/{dialect}{path.get(dialect, '/audiences')}"
    return station.http.post(address, headers={"authorization": f"{scheme} {key}"})


@pytest.mark.usefixtures("hurried")
def test_who_asks_too_often_is_told_in_each_form(station: Station) -> None:
    intake = station.intake(META, identifiers=IDENTIFIERS)
    bodies = {}
    for dialect in ("topsort", "pitchtarget", "whop", "edgetag", "commbox"):
        key = station.key(intake)
        assert asked(station, dialect, key).status_code in (400, 422)
        answer = asked(station, dialect, key)
        assert (answer.status_code, 1 <= int(answer.headers["retry-after"]) <= 60) == (429, True), dialect
        assert asked(station, dialect, station.key(intake)).status_code != 429, "another key has its own"
        bodies[dialect] = answer
    told = bodies["topsort"].json()["detail"]
    assert told == "too many requests with this key: wait as long as Retry-After says"
    assert bodies["pitchtarget"].json() == {"error": "too many requests"}
    assert bodies["whop"].json() == {"error": {"type": "too_many_requests", "message": told}}
    assert bodies["edgetag"].json() == {"success": False, "errors": [told]}
    assert as_commbox_says(bodies["commbox"], 429)
