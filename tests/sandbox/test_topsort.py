"""Topsort's sandbox: the published contract, the bucket's strictness, and audiences that come in their own time."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sandbox.openapi import OpenApi
from sandbox.rig import Rig, digest

OPENAPI = OpenApi("topsort")
PATH = "/public/v1/offsite-ads/audiences/user-list"
KEY = {"authorization": "Bearer sandbox-tsc-key"}
EMAIL, PHONE, NAME, DEVICE = (digest(text) for text in ("jane@example.com", "+16577770000", "jane", "5f3a2b18"))
GOOD = (f"hashed_email,hashed_phone,hashed_first_name,hashed_mobile_device_id\n{EMAIL},{PHONE},{NAME},\n,,,{DEVICE}\n").encode()


def job(rig: Rig, headers: dict[str, str] | None = None, query: Any = None, **body: Any) -> httpx.Response:
    sent = {"name": "Lapsed", "dsp": ["google_ads", "meta"], **body}
    reply = rig.http.post("/topsort" + PATH, json=sent, params=query, headers=KEY if headers is None else headers)
    if reply.status_code in (201, 422):
        OPENAPI.check_answer("POST", PATH, reply.status_code, reply.json())
    return reply


def put(address: str, content: Any = GOOD, **headers: str) -> httpx.Response:
    return httpx.put(address, content=content, headers={"content-type": "text/csv", **headers})


def listed(rig: Rig, **query: Any) -> list[dict[str, Any]]:
    reply = rig.http.get("/topsort/public/v1/offsite-ads/audiences", params=query, headers=KEY)
    assert reply.status_code == 200, reply.text
    return reply.json()["audiences"]


def test_an_audience_comes_in_its_own_time_and_reaches_one_ad_platform_after_the_other(rig: Rig) -> None:
    made = job(rig)
    assert made.status_code == 201
    rig.advance(3000)
    assert listed(rig) == []
    answer = put(made.json()["url"])
    assert answer.status_code == 200
    assert answer.content == b""
    rig.advance(599)
    assert listed(rig) == []
    synced = []
    for _ in range(4):
        rig.advance(200)
        synced.append([audience["syncedDsps"] for audience in listed(rig)])
    assert synced == [[[]], [["google_ads"]], [["google_ads"]], [["google_ads", "meta"]]]
    [audience] = listed(rig)
    assert audience["name"] == "Lapsed"
    held = {"email": [EMAIL], "phone": [PHONE], "mobile_ad_id": [DEVICE]}
    assert rig.keys("topsort", audience["id"]) == held
    assert [(line["operation"], line["rows"]) for line in rig.log("topsort") if line["rows"]] == [("replace", 2)]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"name": ""}, ["body", "name"]),
        ({"name": None}, ["body", "name"]),
        ({"name": 7}, ["body", "name"]),
        ({"name": "x" * 65}, ["body", "name"]),
        ({"description": ""}, ["body", "description"]),
        ({"description": "x" * 401}, ["body", "description"]),
        ({"dsp": []}, ["body", "dsp"]),
        ({"dsp": "meta"}, ["body", "dsp"]),
        ({"dsp": ["meta", "pinterest"]}, ["body", "dsp", 1]),
    ],
)
def test_a_job_that_the_contract_refuses_is_refused_in_its_form(rig: Rig, body: dict[str, Any], place: list[Any]) -> None:
    reply = job(rig, **body)
    assert (reply.status_code, reply.json()["detail"][0]["loc"]) == (422, place)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"', b'{"name": "x"}', b'{"dsp": ["meta"]}'])
def test_a_body_that_is_no_job_is_refused(rig: Rig, content: bytes) -> None:
    reply = rig.http.post("/topsort" + PATH, content=content, headers={**KEY, "content-type": "application/json"})
    assert reply.status_code == 422
    OPENAPI.check_answer("POST", PATH, 422, reply.json())


def test_what_may_be_left_out_or_null_is_taken(rig: Rig) -> None:
    assert job(rig, description=None).status_code == 201
    assert job(rig, description="x" * 400, name="x" * 64).status_code == 201


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"authorization": "Basic x"}, 403),
        ({"authorization": "Bearer sandbox-tse-key"}, 403),
        ({"authorization": "Bearer other"}, 401),
    ],
)
def test_only_a_key_of_the_right_kind_is_taken(rig: Rig, headers: dict[str, str], status: int) -> None:
    assert job(rig, headers).status_code == status
    assert rig.http.get("/topsort/public/v1/offsite-ads/audiences", headers=headers).status_code == status


# the bucket


def test_the_storage_refuses_what_the_address_was_not_signed_for(rig: Rig) -> None:
    address = job(rig).json()["url"]
    assert "SignatureDoesNotMatch" in put(address, **{"content-type": "text/csv; charset=utf-8"}).text
    assert "SignatureDoesNotMatch" in put(address, **{"content-type": "application/json"}).text
    assert "Only one auth mechanism" in put(address, **KEY).text
    assert "AccessDenied" in put(address.replace("Signature=", "Signature=0")).text
    assert put(address, content=iter([b"x"])).status_code == 411
    rig.advance(3601)
    late = put(address)
    assert (late.status_code, "expired" in late.text, late.headers["content-type"]) == (403, True, "application/xml")
    assert listed(rig) == []


def test_the_same_file_again_builds_one_audience(rig: Rig) -> None:
    address = job(rig).json()["url"]
    assert put(address).status_code == put(address).status_code == 200
    rig.advance(1200)
    assert len(listed(rig)) == 1


@pytest.mark.parametrize(
    "content",
    [
        "",
        "hashed_email\n",
        "email\n" + EMAIL + "\n",
        "hashed_email\njane@example.com\n",
        "hashed_email\n" + EMAIL.upper() + "\n",
        f'hashed_email\n"{EMAIL},{EMAIL}"\n',
        f"hashed_email\n{EMAIL},{PHONE}\n",
        f"\ufeffhashed_email\n{EMAIL}\n",
        f"hashed_email,hashed_phone\n{EMAIL},\n,\n",
    ],
)
def test_a_file_that_is_not_what_the_page_asks_for_builds_nothing(rig: Rig, content: str) -> None:
    assert put(job(rig).json()["url"], content.encode()).status_code == 200
    rig.advance(10_000)
    assert listed(rig) == []


# the list


def test_the_list_has_pages_and_filters(rig: Rig) -> None:
    rig.settings("topsort", page_size=2)
    for number, vendor in enumerate((None, "a", "b", "a", None)):
        put(job(rig, query={"vendor_id": vendor} if vendor else None, name=f"n{number}", dsp=["meta"]).json()["url"])
    rig.advance(1200)
    pages = []
    cursor = None
    while True:
        query = {"next_page": cursor} if cursor else {}
        body = rig.http.get("/topsort/public/v1/offsite-ads/audiences", params=query, headers=KEY).json()
        pages.append([audience["name"] for audience in body["audiences"]])
        assert body["hasMore"] is (body["nextPage"] is not None)
        if not (cursor := body["nextPage"]):
            break
    assert pages == [["n0", "n1"], ["n2", "n3"], ["n4"]]
    rig.settings("topsort", page_size=50)
    assert [audience["name"] for audience in listed(rig, vendor_id="a")] == ["n0", "n1", "n3", "n4"]
    assert listed(rig, dsp="google_ads") == []
    assert len(listed(rig, dsp="meta")) == 5
    for wrong in ({"dsp": "pinterest"}, {"next_page": "x"}):
        reply = rig.http.get("/topsort/public/v1/offsite-ads/audiences", params=wrong, headers=KEY)
        assert reply.status_code == 422


# scripted trouble


@pytest.mark.parametrize("code", ["400", "401", "403", "404", "409", "422", "429", "500", "503"])
def test_every_error_that_a_script_may_name_has_the_form_of_the_contract(rig: Rig, code: str) -> None:
    rig.fault("topsort", {"error": code})
    reply = job(rig)
    assert reply.status_code == int(code)
    OPENAPI.check_answer("POST", PATH, 422, reply.json())


def test_an_error_that_nobody_documents_cannot_be_scripted(rig: Rig) -> None:
    faults = {"faults": [{"action": {"error": "418"}}]}
    assert rig.http.post("/admin/faults/topsort", json=faults).status_code == 400


def test_a_job_that_fails_says_nothing(rig: Rig) -> None:
    rig.fault("topsort", {"fail_job": True}, "user-list")
    assert put(job(rig).json()["url"]).status_code == 200
    rig.advance(10_000)
    assert listed(rig) == []
