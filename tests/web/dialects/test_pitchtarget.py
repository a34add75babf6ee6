"""PitchTarget's page, and what becomes of the hashes."""

from __future__ import annotations

from typing import Any

import pytest
from contract.rig import Door, digest
from destinations.test_commbox import DOOR as COMMBOX
from destinations.test_meta import DOOR as META
from web.dialects.rig import Station

EMAILS = [digest(f"person{number}@example.com") for number in range(3)]
FORM = {"fb_ad_account_id": "2", "name": "Spending users", "user_type": "email_hash"}


def send(station: Station, key: str, path: str = "", method: str = "POST", lines: list[str] | None = None, **form: str) -> Any:
    files = {"file": ("users.txt", "\n".join(EMAILS if lines is None else lines).encode(), "text/plain")}
    address = f"/guestlist/dialects/pitchtarget/custom_audiences{path}"
    headers = {"authorization": f"OAuth {key}"}
    if method in ("GET", "DELETE"):
        return station.http.request(method, address, headers=headers)
    return station.http.request(method, address, data={**FORM, **form}, files=files, headers=headers)


@pytest.mark.slow
def test_users_are_added_read_and_taken_off(station: Station) -> None:
    intake = station.intake(META)
    key = station.key(intake)
    made = send(station, key)
    assert made.status_code == 201
    assert made.headers["x-request-id"]
    number = made.json()["fb_custom_audience"]["id"]
    station.settle()
    assert send(station, key, f"/{number}", "PUT", [digest("late@example.com")]).status_code == 200
    station.settle()
    [audience] = station.audiences(intake)
    assert station.held(audience, "meta") == {"email": {*EMAILS, digest("late@example.com")}}
    view = send(station, key, f"/{number}", "GET").json()["fb_custom_audience"]
    assert view["fb_id"] == station.state(audience).destinations[0].platform_id
    assert send(station, key, f"/{number}", "DELETE").status_code == 204
    station.settle()
    assert not any(station.held(audience, "meta").values())
    assert send(station, key, f"/{number}", "GET").json() == {"error": "not found"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("user_type", "lines", "kind"),
    [
        ("phone_hash", [digest("4915112345678")], "phone"),
        ("mobile_advertiser_id", ["5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b25"], "mobile_ad_id"),
        ("custom_audience_third_party_id", ["c1"], "external_id"),
        ("custom_audience_third_party_id", [digest("c1")], "external_id"),
    ],
)
def test_every_type_of_user_is_delivered(station: Station, user_type: str, lines: list[str], kind: str) -> None:
    intake = station.intake(META, identifiers={"phone": "p", "mobile_ad_id": "m", "external_id": "x"})
    assert send(station, station.key(intake), lines=lines, user_type=user_type).status_code == 201
    station.settle()
    [audience] = station.audiences(intake)
    assert station.state(audience).status == "ready"
    assert len(station.held(audience, "meta")[kind]) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [{"name": " "}, {"user_type": "fbid"}, {"fb_ad_account_id": ""}, {"lines": []}, {"lines": ["jane@example.com"]}],
)
def test_what_is_refused_is_told_as_rails_does(station: Station, wrong: Any) -> None:
    intake = station.intake(META)
    answer = send(station, station.key(intake), **wrong)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["base"])
    assert "jane" not in answer.text
    assert not station.audiences(intake)


@pytest.mark.slow
def test_who_may_not_push(station: Station) -> None:
    one, other = station.intake(META), station.intake(META)
    for key, status in (("glk_unknown", 401), (station.key(one, other), 403)):
        assert send(station, key).status_code == status
    bearer = station.http.post(
        "/guestlist/dialects/pitchtarget/custom_audiences", headers={"authorization": f"Bearer {station.key(one)}"}
    )
    assert (bearer.status_code, bearer.json()) == (401, {"error": "unauthorized"})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("door", "user_type", "line"),
    [(COMMBOX, "phone_hash", "4915112345678"), (META, "mobile_advertiser_id", "5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b25")],
)
def test_hashes_of_what_a_platform_takes_in_plain_text_alone(station: Station, door: Door, user_type: str, line: str) -> None:
    intake = station.intake(door, identifiers={"phone": "phone", "mobile_ad_id": "m"})
    refused = send(station, station.key(intake), lines=[digest(line)], user_type=user_type)
    assert "nobody can be found" in refused.json()["errors"]["base"][0]
