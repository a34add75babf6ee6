"""CommBox's page, line by line, and what becomes of the numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from contract.rig import digest
from destinations.test_meta import DOOR as META
from sources.test_excel import write_workbook
from web.dialects.rig import Station

PHONES = {"phone": "phone"}
CSV = b"phone1\n442079832100\n4915112345678\n"
HELD = {"phone": {digest("442079832100"), digest("4915112345678")}}


def post(station: Station, key: str, file: bytes = CSV, name: str = "NE_USA-above50", filename: str = "audience.csv") -> Any:
    return station.http.post(
        "/guestlist/dialects/commbox/audiences",
        data={"name": name} if name else {},
        files={"audience_file": (filename, file)},
        headers={"authorization": f"Bearer {key}"} if key else {},
    )


def envelope(answer: Any, status: int) -> dict[str, Any]:
    body = answer.json()
    assert (answer.status_code, body["status"]) == (status, status)
    assert body["description"]
    assert body["response_time"].endswith("Z")
    return dict(body)


@pytest.mark.slow
def test_an_audience_is_made_and_replaced(station: Station) -> None:
    intake = station.intake(META, identifiers=PHONES)
    key = station.key(intake)
    body = envelope(post(station, key), 201)
    assert body["description"] == "Audience created"
    assert body["data"]["id"].isdigit()
    station.settle()
    [audience] = station.audiences(intake)
    assert (audience.name, station.state(audience).status) == ("NE_USA-above50", "ready")
    assert station.held(audience, "meta") == HELD
    again = station.http.put(
        f"/guestlist/dialects/commbox/Audiences/{body['data']['id']}",
        files={"audience_file": ("a.csv", b"phone1\n442079832100\n")},
        headers={"authorization": f"Bearer {key}"},
    )
    assert envelope(again, 200)["data"] == body["data"]
    station.settle()
    assert station.held(audience, "meta") == {"phone": {digest("442079832100")}}


@pytest.mark.slow
def test_the_same_name_again_is_another_audience_and_a_workbook_is_as_good(station: Station, tmp_path: Path) -> None:
    intake = station.intake(META, identifiers=PHONES)
    key = station.key(intake)
    write_workbook(tmp_path / "book.xlsx", S=[["name", "phone1"], ["a", "442079832100"], ["b", 4915112345678]])
    ids = {envelope(post(station, key), 201)["data"]["id"] for _ in range(2)}
    ids.add(envelope(post(station, key, (tmp_path / "book.xlsx").read_bytes(), filename="a.xlsx"), 201)["data"]["id"])
    station.settle()
    found = station.audiences(intake)
    assert len(ids) == 3
    assert [one.name for one in found] == ["NE_USA-above50", "NE_USA-above50 (2)", "NE_USA-above50 (3)"]
    assert all(station.held(one, "meta") == HELD for one in found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"file": b""}, {"file": b"phone\n442079832100\n"}, {"filename": "a.pdf"}, {"filename": "a.xlsx"}],
)
def test_what_the_page_calls_a_bad_request(station: Station, wrong: dict[str, Any]) -> None:
    intake = station.intake(META, identifiers=PHONES)
    before = set(station.world.folder.glob("lake/_uploads/*/*"))
    answer = post(station, station.key(intake), **wrong)
    assert envelope(answer, 400)["description"] == "Bad Request"
    assert "4420" not in str(answer.headers)
    assert not station.audiences(intake)
    assert set(station.world.folder.glob("lake/_uploads/*/*")) == before


@pytest.mark.slow
def test_a_form_that_is_broken_off_leaves_nothing(station: Station) -> None:
    intake = station.intake(META, identifiers=PHONES)
    before = set(station.world.folder.glob("lake/_uploads/*/*"))
    head = b'--x\r\ncontent-disposition: form-data; name="name"\r\n\r\nn\r\n--x\r\ncontent-disposition: form-data; '
    answer = station.http.post(
        "/guestlist/dialects/commbox/audiences",
        content=head + b'name="audience_file"; filename="a.csv"\r\n\r\n' + CSV,
        headers={"authorization": f"Bearer {station.key(intake)}", "content-type": "multipart/form-data; boundary=x"},
    )
    assert envelope(answer, 400)
    assert "broken off" in answer.headers["guestlist-reason"]
    assert set(station.world.folder.glob("lake/_uploads/*/*")) == before
    assert not station.audiences(intake)


@pytest.mark.slow
def test_who_may_not_push(station: Station) -> None:
    one, other = station.intake(META, identifiers=PHONES), station.intake(META, identifiers=PHONES)
    for key in ("", "glk_unknown", station.key(one, days=-1), station.key(one, other)):
        assert envelope(post(station, key), 401)["description"] == "Unauthorized"
