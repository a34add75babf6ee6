"""Topsort's page and its OpenAPI: jobs, the file's address, and ad platforms that are destinations."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest
from contract.rig import digest
from destinations.test_meta import DOOR as META
from destinations.test_tiktok_ads import STREAMING as TIKTOK
from sandbox.openapi import OpenApi
from web.dialects.rig import Station

from guestlist.runtime import clock

OPENAPI = OpenApi("topsort")
PATH = "/public/v1/offsite-ads/audiences/user-list"
EMAILS = [digest(f"person{number}@example.com") for number in range(3)]
CSV = "hashed_email,hashed_first_name\n" + "".join(f"{email},\n" for email in EMAILS)
IDENTIFIERS = {"email": "e", "phone": "p", "mobile_ad_id": "m"}


def job(station: Station, key: str, query: str = "", **body: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    sent = {"name": "My user list audience", "dsp": ["meta"], **body}
    answer = station.http.post(f"/guestlist/dialects/topsort{PATH}{query}", json=sent, headers=headers)
    if answer.status_code in (201, 422):
        OPENAPI.check_answer("POST", PATH, answer.status_code, answer.json())
    return answer


def put(address: str, content: str = CSV, kind: str = "text/csv") -> httpx.Response:
    return httpx.put(address, content=content.encode(), headers={"content-type": kind}, timeout=30)


@pytest.mark.slow
def test_a_job_reaches_the_ad_platforms_that_it_names(station: Station) -> None:
    intake = station.intake(META, TIKTOK, identifiers=IDENTIFIERS)
    key = station.key(intake)
    made = job(station, key, "?vendor_id=vendor_123", description="Lapsed")
    assert made.status_code == 201
    assert uuid.UUID(made.json()["jobId"])
    assert station.settle() == 0
    answer = put(made.json()["url"])
    assert (answer.status_code, answer.content) == (200, b"")
    both = job(station, key, dsp=["meta", "tiktok_ads"])
    assert put(both.json()["url"]).status_code == 200
    station.settle()
    one, two = station.audiences(intake)
    assert [found.name for found in (one, two)] == ["My user list audience", "My user list audience (2)"]
    assert (one.details["vendor"], one.destinations, two.destinations) == ("vendor_123", ["meta"], ["meta", "tiktok_ads"])
    assert station.held(one, "meta") == station.held(two, "meta") == station.held(two, "tiktok_ads") == {"email": set(EMAILS)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"name": ""}, ["body", "name"]),
        ({"name": 7}, ["body", "name"]),
        ({"description": ""}, ["body", "description"]),
        ({"dsp": []}, ["body", "dsp"]),
        ({"dsp": "meta"}, ["body", "dsp"]),
        ({"dsp": ["meta", "pinterest"]}, ["body", "dsp", 1]),
        ({"dsp": ["meta", "snapchat_ads"]}, ["body", "dsp", 1]),
    ],
)
def test_a_job_that_the_page_refuses(station: Station, body: dict[str, Any], place: list[Any]) -> None:
    answer = job(station, station.key(station.intake(META, identifiers=IDENTIFIERS)), **body)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, place)
    assert set(answer.json()["detail"][0]) == {"loc", "msg", "type"}


@pytest.mark.slow
def test_an_address_takes_one_file_within_its_hour(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    intake = station.intake(META, identifiers=IDENTIFIERS)
    key = station.key(intake)
    address = job(station, key).json()["url"]
    for wrong in (
        put(address, kind="application/json"),
        put(address, "email\nx\n"),
        put(address, ""),
        put(f"{address[:-9]}AAAAAAAAA"),
    ):
        assert wrong.status_code in (400, 403)
        assert (wrong.headers["content-type"], "<Error><Code>" in wrong.text) == ("application/xml", True)
    assert station.settle() == 0
    assert [put(address).status_code, put(address).status_code] == [200, 200]
    assert put(address, f"hashed_email\n{digest('other@example.com')}\n").status_code == 409
    station.settle()
    [audience] = station.audiences(intake)
    assert station.held(audience, "meta") == {"email": set(EMAILS)}
    late = job(station, key).json()["url"]
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=61))
    assert "<Code>AccessDenied</Code>" in put(late).text


@pytest.mark.slow
def test_who_may_not_push(station: Station) -> None:
    one, other = station.intake(META, identifiers=IDENTIFIERS), station.intake(META, identifiers=IDENTIFIERS)
    for key, status in (("", 401), ("glk_unknown", 401), (station.key(one, other), 403)):
        answer = job(station, key)
        assert (answer.status_code, list(answer.json())) == (status, ["detail"])
