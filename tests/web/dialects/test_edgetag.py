"""EdgeTag's page: batches of a session in any order, repeated or late, two sessions at once, waiting for the providers."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from contract.rig import digest
from destinations.test_commbox import DOOR as COMMBOX
from destinations.test_meta import DOOR as META
from web.dialects.rig import Station

from guestlist.runtime import clock
from guestlist.runtime.intake import work
from guestlist.runtime.ledger import intake as books

FIELDS = {"email": "email", "phone": "phone", "external_id": "id", "first_name": "first", "country": "country"}


def users(numbers: Sequence[int]) -> list[dict[str, Any]]:
    return [{"email": f"person{number}@example.com", "edgeTagId": f"c{number}"} for number in numbers]


def emails(numbers: Sequence[int]) -> set[str]:
    return {digest(f"person{number}@example.com") for number in numbers}


def batch(session: int, sequence: int, batches: int, total: int) -> dict[str, Any]:
    return {"sessionId": session, "sequence": sequence, "totalBatches": batches, "totalUsers": total, "pullDate": "2026-11-22"}


def send(station: Station, key: str, header: Any, people: Any, query: str = "", **form: Any) -> httpx.Response:
    parts = {"name": "High-Value Customers Q1", "batch": header, "users": people, **form}
    texts = {name: part if isinstance(part, str) else json.dumps(part) for name, part in parts.items() if part is not None}
    files = {name: (None, text) for name, text in texts.items()}
    headers = {"x-api-key": key} if key else {}
    return station.http.post(f"/guestlist/dialects/edgetag/audience{query}", files=files, headers=headers)


def kept(station: Station) -> set[Path]:
    """The files of uploads in the lake."""
    return {path for path in Path(station.workspace.config.lake).glob("_uploads/*/*") if path.is_file()}


def success(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json()) == (200, {"success": True})


@pytest.mark.slow
def test_batches_in_any_order_repeated_and_late_are_one_upload(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    intake = station.intake(META, identifiers=FIELDS)
    key = station.key(intake)
    assert success(send(station, key, batch(7, 3, 3, 6), users([4, 5])))
    assert success(send(station, key, batch(7, 1, 3, 6), users([0, 1])))
    assert success(send(station, key, batch(7, 3, 3, 6), users([4, 5])))
    assert station.settle() == 0
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=1))
    assert success(send(station, key, batch(7, 2, 3, 6), users([2, 3])))
    station.settle()
    [audience] = station.audiences(intake)
    assert (audience.name, station.state(audience).total_rows) == ("blotout_High-Value Customers Q1", 6)
    assert station.held(audience, "meta")["email"] == emails(range(6))


@pytest.mark.slow
def test_a_session_that_stays_incomplete_is_given_up_after_a_day(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    intake = station.intake(META, identifiers=FIELDS)
    key = station.key(intake, days=9)
    assert success(send(station, key, batch(7, 1, 2, 2), users([0])))
    later = clock.now() + timedelta(hours=25)
    for module in (clock, books):
        monkeypatch.setattr(module, "now", lambda: later)
    assert work.sweep(station.workspace) == 1
    [audience] = station.audiences(intake)
    assert (station.state(audience).status, station.state(audience).matched_rows) == ("failed", 0)
    assert not list(station.world.folder.glob(f"lake/_uploads/{station.state(audience).upload_id}/*"))
    late = send(station, key, batch(7, 2, 2, 2), users([1]))
    assert (late.status_code, "new sessionId" in late.json()["errors"][0]) == (400, True)
    assert success(send(station, key, batch(8, 1, 1, 1), users([0])))
    station.settle()
    assert station.held(audience, "meta")["email"] == emails([0])


@pytest.mark.slow
def test_the_same_session_twice_is_as_good_as_once_and_two_at_once_are_two(station: Station) -> None:
    intake = station.intake(META, identifiers=FIELDS)
    key = station.key(intake)
    sent = [
        (batch(session, sequence, 4, 20), users(range(100 * session + 5 * sequence, 100 * session + 5 * sequence + 5)))
        for session in (1, 2)
        for sequence in range(4)
    ]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: send(station, key, *one, "?disablePrefix=true"), [*sent, *sent]))
    assert all(map(success, answers))
    station.settle()
    station.settle()
    [audience] = station.audiences(intake)
    assert audience.name == "High-Value Customers Q1"
    assert [upload.outcome for upload in station.workspace.ledger.uploads(audience.id)] == ["ready", "ready"]
    assert station.held(audience, "meta")["email"] == emails([*range(100, 120), *range(200, 220)])


@pytest.mark.slow
def test_sync_waits_and_tells_what_the_providers_say(station: Station) -> None:
    intake = station.intake(META, identifiers=FIELDS)
    key = station.key(intake)
    assert success(send(station, key, batch(1, 0, 2, 2), users([0]), "?sync=true"))
    assert success(send(station, key, batch(1, 1, 2, 2), users([1]), "?sync=true"))
    [audience] = station.audiences(intake)
    assert station.held(audience, "meta")["email"] == emails([0, 1])
    station.world.fault(META, META.denied, times=50)
    failed = send(station, key, batch(2, 1, 1, 1), users([2]), "?sync=true")
    assert (failed.status_code, failed.json()["success"]) == (400, False)
    assert failed.json()["errors"][0].startswith("meta: ")
    assert "person2" not in failed.text
    assert success(send(station, key, batch(3, 1, 1, 1), users([3])))


@pytest.mark.slow
def test_a_guard_that_stops_a_session_ends_the_wait(station: Station) -> None:
    station.approved_by = None
    intake = station.intake(META, identifiers=FIELDS, guards={"min_members": 5})
    answer = send(station, station.key(intake), batch(1, 1, 1, 1), users([1]), "?sync=true")
    assert (answer.status_code, answer.json()["success"]) == (400, False)
    assert answer.json()["errors"]


@pytest.mark.slow
def test_where_a_destination_takes_whole_audiences_a_session_is_the_audience(station: Station) -> None:
    intake = station.intake(COMMBOX, identifiers={"phone": "phone"})
    key = station.key(intake)
    for session, number in ((1, "+442079832100"), (2, "+4915112345678")):
        assert success(send(station, key, batch(session, 1, 1, 1), [{"phone": number}], "?sync=true"))
    [audience] = station.audiences(intake)
    assert station.held(audience, "commbox") == {"phone": {digest("4915112345678")}}


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        {"name": None},
        {"type": "other"},
        {"header": None},
        {"header": "{"},
        {"header": {"sessionId": 1}},
        {"header": batch(1, 1, 1, 2)},
        {"header": batch(1, 3, 2, 2)},
        {"people": users([1, 2])},
        {"header": {**batch(1, 1, 1, 1), "pullDate": "22/11/2026"}},
        {"people": None},
        {"people": [{"email": ["jane@example.com"]}]},
        {"people": [{"email": "=cmd('jane@example.com')"}]},
    ],
)
def test_payloads_that_are_not_as_the_page_has_them(station: Station, wrong: dict[str, Any]) -> None:
    intake = station.intake(META, identifiers=FIELDS)
    given = {"header": batch(1, 1, 1, 1), "people": users([1]), **wrong}
    answer = send(station, station.key(intake), given.pop("header"), given.pop("people"), **given)
    assert (answer.status_code, answer.json()["success"], len(answer.json()["errors"])) == (400, False, 1)
    assert "jane" not in answer.text
    assert station.settle() == 0
    assert station.audiences(intake) == [], "a session is entered by a batch that is kept"


@pytest.mark.slow
def test_refusals_that_are_plain_text(station: Station) -> None:
    key = station.key(station.intake(META, identifiers=FIELDS))
    assert send(station, key, batch(1, 1, 1, 1), []).text == "The segment has no users"
    answer = station.http.post("/guestlist/dialects/edgetag/audience", json={}, headers={"x-api-key": key})
    assert (answer.status_code, answer.text) == (400, "Malformed request body, must be form data")


@pytest.mark.slow
def test_a_batch_that_contradicts_its_session_is_refused(station: Station) -> None:
    intake = station.intake(META, identifiers=FIELDS)
    key = station.key(intake)
    assert success(send(station, key, batch(1, 1, 2, 2), users([1])))
    for header, people in (
        (batch(1, 2, 3, 3), users([2])),
        (batch(1, 1, 2, 2), users([9])),
        (batch(1, 2, 2, 2), users([2, 3])),
    ):
        assert send(station, key, header, people).status_code == 400
    [upload] = station.workspace.ledger.uploads(station.audiences(intake)[0].id)
    assert len(list(station.world.folder.glob(f"lake/_uploads/{upload.id}/*"))) == 1, "what was refused is not kept"
    assert success(send(station, key, batch(1, 2, 2, 2), users([2])))
    station.settle()
    assert send(station, key, batch(1, 0, 2, 2), users([3])).status_code == 400
    [audience] = station.audiences(intake)
    assert station.held(audience, "meta")["email"] == emails([1, 2])
    [upload] = station.workspace.ledger.uploads(audience.id)
    assert [piece.sequence for piece in station.workspace.ledger.pieces(upload.id)] == [1, 2]


@pytest.mark.slow
def test_a_deployment_may_send_its_key_in_three_ways(station: Station) -> None:
    one, other = station.intake(META, identifiers=FIELDS), station.intake(META, identifiers=FIELDS)
    key = station.key(one)
    basic = base64.b64encode(f"edgetag:{key}".encode()).decode()
    parts = {"name": (None, "n"), "batch": (None, json.dumps(batch(1, 1, 1, 1))), "users": (None, json.dumps(users([1])))}
    for number, headers in enumerate(
        ({"authorization": f"Bearer {key}"}, {"authorization": f"Basic {basic}"}, {"x-api-key": key})
    ):
        parts["batch"] = (None, json.dumps(batch(number, 1, 1, 1)))
        assert success(station.http.post("/guestlist/dialects/edgetag/audience", files=parts, headers=headers))
    for wrong, status in (("", 401), ("glk_unknown", 401), (station.key(one, other), 403)):
        answer = send(station, wrong, batch(1, 1, 1, 1), users([1]))
        assert (answer.status_code, answer.json()["success"]) == (status, False)


FORMULA = [{"email": "=cmd('jane@example.com')"}]


def uploads(station: Station, intake: str) -> list[Any]:
    """All sessions of the intake's one audience, the oldest first."""
    [audience] = station.audiences(intake)
    return list(reversed(station.workspace.ledger.uploads(audience.id)))


@pytest.mark.slow
def test_a_refused_batch_can_be_sent_again_and_begins_no_session(station: Station) -> None:
    intake = station.intake(META, identifiers=FIELDS)
    key, before = station.key(intake), kept(station)
    assert send(station, key, batch(1, 1, 2, 2), FORMULA).status_code == 400
    assert (station.audiences(intake), kept(station)) == ([], before)
    assert success(send(station, key, batch(1, 1, 2, 2), users([1])))
    refused = send(station, key, batch(1, 2, 2, 2), FORMULA, "?sync=true")
    assert (refused.status_code, "formula" in refused.json()["errors"][0]) == (400, True)
    [audience] = station.audiences(intake)
    status, told = station.state(audience).status, station.state(audience).message or ""
    assert (status, told.startswith("batch 2 was refused: "), "formula" in told) == ("pending", True, True)
    assert "jane" not in told
    assert success(send(station, key, batch(1, 2, 2, 2), users([2]), "?sync=true"))
    assert (station.state(audience).status, station.state(audience).message) == ("ready", None)
    assert station.held(audience, "meta")["email"] == emails([1, 2])


@pytest.mark.slow
def test_what_is_told_of_a_refused_batch_is_told_until_that_one_has_come(station: Station) -> None:
    intake = station.intake(META, identifiers=FIELDS)
    key = station.key(intake)
    assert success(send(station, key, batch(1, 1, 4, 4), users([1])))
    assert send(station, key, batch(1, 3, 4, 4), FORMULA).status_code == 400
    assert send(station, key, batch(1, 1, 4, 4), users([9])).status_code == 400, "its place is taken: nothing is missing for it"
    assert success(send(station, key, batch(1, 2, 4, 4), users([2])))
    [session] = uploads(station, intake)
    assert session.told.startswith("batch 3 was refused: ")
    assert success(send(station, key, batch(1, 3, 4, 4), users([3])))
    [session] = uploads(station, intake)
    assert (session.state, session.told) == ("waiting", None)


@pytest.mark.slow
def test_a_session_whose_refused_batch_never_comes_again_ends_with_the_reason(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = station.intake(META, identifiers=FIELDS)
    key = station.key(intake, days=9)
    assert success(send(station, key, batch(1, 1, 2, 2), users([1])))
    assert send(station, key, batch(1, 2, 2, 2), FORMULA).status_code == 400
    assert success(send(station, key, batch(2, 1, 1, 1), users([3]), "?sync=true")), "it holds up no other"
    later = clock.now() + timedelta(hours=25)
    for module in (clock, books):
        monkeypatch.setattr(module, "now", lambda: later)
    assert work.sweep(station.workspace)
    first, second = uploads(station, intake)
    assert (first.state, first.outcome, second.outcome) == ("expired", "failed", "ready")
    assert first.told.startswith("batch 2 was refused: ")
    assert "formula" in first.told
    assert not {path for path in kept(station) if path.parent.name in (first.id, second.id)}
    late = send(station, key, batch(1, 2, 2, 2), users([2]))
    assert (late.status_code, "new sessionId" in late.json()["errors"][0]) == (400, True)


@pytest.mark.slow
def test_first_batches_at_once_leave_no_file_that_nobody_needs(station: Station) -> None:
    intake = station.intake(META, identifiers=FIELDS)
    key, before = station.key(intake), kept(station)
    sent = [(batch(1, sequence, 6, 6), users([sequence])) for sequence in range(6)]
    with ThreadPoolExecutor(12) as pool:
        assert all(map(success, pool.map(lambda one: send(station, key, *one), [*sent, *sent])))
    [session] = uploads(station, intake)
    assert {Path(piece.path).parent.name for piece in station.workspace.ledger.pieces(session.id)} == {session.id}
    while station.settle():
        pass
    assert (uploads(station, intake)[0].outcome, kept(station)) == ("ready", before)
