"""EdgeTag's emulator: what its page documents, as plain requests."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from sandbox.rig import Rig, digest

ADA = {"email": "ada@example.com", "phone": "+4915112345678", "firstName": "Ada", "country": "DE"}
HEADER = {"sessionId": 7, "sequence": 1, "totalBatches": 1, "totalUsers": 1, "pullDate": "2026-03-01"}


def post(rig: Rig, query: dict[str, Any] | None = None, **parts: Any) -> httpx.Response:
    """A request that is right but for what is given; a part that is None is left out."""
    given = {"name": "VIPs", "batch": HEADER, "users": [ADA], **parts}
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items() if value is not None}
    form = {name: (None, text) for name, text in texts.items()}
    return rig.http.post("/edgetag/audience", params=query or {}, files=form)


def batch(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**HEADER, **changes}.items() if value is not ...}


def test_users_are_kept_as_digests_under_the_prefixed_name(rig: Rig) -> None:
    reply = post(rig)
    assert (reply.status_code, reply.json()) == (200, {"success": True})
    assert rig.keys("edgetag", "blotout_VIPs") == {"email": [digest("ada@example.com")], "phone": [digest("+4915112345678")]}
    [line] = rig.log("edgetag")
    assert (line["operation"], line["rows"], line["status"]) == ("add", 1, 200)
    files = [file for file in rig.sandbox.state_dir.rglob("*") if file.is_file()]
    assert files
    assert not any(b"ada@example.com" in file.read_bytes() for file in files)


def test_the_prefix_is_left_out_when_it_is_disabled(rig: Rig) -> None:
    assert post(rig, {"disablePrefix": "true"}).status_code == 200
    assert [book["name"] for book in rig.admin("GET", "books/edgetag")] == ["VIPs"]


@pytest.mark.parametrize("kind", [None, "custom", "primary"])
def test_both_kinds_of_audience(rig: Rig, kind: str | None) -> None:
    assert post(rig, type=kind).status_code == 200
    assert [book["kind"] for book in rig.admin("GET", "books/edgetag")] == [kind or "custom"]


@pytest.mark.parametrize("content", [{}, {"json": {"name": "VIPs"}}, {"data": {"name": "VIPs"}}])
def test_what_is_no_multipart_form_is_refused_in_words(rig: Rig, content: dict[str, Any]) -> None:
    reply = rig.http.post("/edgetag/audience", **content)
    assert reply.status_code == 400
    assert reply.text.startswith("Malformed request body, must be form data")
    assert rig.admin("GET", "books/edgetag") == []


def test_a_segment_without_users_is_refused_in_words(rig: Rig) -> None:
    reply = post(rig, users=[])
    assert (reply.status_code, reply.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert "no users" in reply.text


@pytest.mark.parametrize(
    "parts",
    [
        {"name": None},
        {"name": ""},
        {"type": "lookalike"},
        {"batch": None},
        {"batch": "not json"},
        {"batch": [1]},
        {"users": None},
        {"users": "not json"},
        {"users": ADA},
        {"users": ["ada@example.com"]},
        {"other": "x"},
        {"batch": batch(sessionId="7")},
        {"batch": batch(sessionId=True)},
        {"batch": batch(sessionId=2**53)},
        {"batch": batch(sessionId=...)},
        {"batch": batch(sequence=...)},
        {"batch": batch(sequence=2)},
        {"batch": batch(sequence=-1)},
        {"batch": batch(totalBatches=0)},
        {"batch": batch(totalBatches=...)},
        {"batch": batch(totalUsers=...)},
        {"batch": batch(totalUsers=2)},
        {"batch": batch(totalUsers=0)},
        {"batch": batch(pullDate="01.03.2026")},
        {"batch": batch(pullDate="2026-02-30")},
        {"batch": batch(pullDate=None)},
        {"batch": batch(last=True)},
        {"users": [{"email": None}]},
        {"users": [{"email": ["ada@example.com"]}]},
        {"users": [{"phone": 4915112345678}]},
        {"users": [{"e-mail": "ada@example.com"}]},
        {"users": [{"purchase": 1}]},
        {"users": [{"purchase": {"currency": 1}}]},
        {"users": [{"purchase": {"profit": "1"}}]},
        {"users": [{"purchase": {"total7Days": True}}]},
        {"users": [{"purchase": {"total": 1}}]},
    ],
    ids=str,
)
def test_a_payload_that_is_corrupted_is_refused_in_json(rig: Rig, parts: dict[str, Any]) -> None:
    reply = post(rig, **parts)
    assert reply.status_code == 400
    assert reply.json()["success"] is False
    assert reply.json()["errors"]
    assert rig.admin("GET", "books/edgetag") == []


@pytest.mark.parametrize("query", [{"sync": "1"}, {"disablePrefix": "True"}, {"prefix": "x"}])
def test_query_parameters_are_booleans_in_json_s_words(rig: Rig, query: dict[str, str]) -> None:
    assert post(rig, query).json()["success"] is False


def test_optional_parts_of_batch_and_user(rig: Rig) -> None:
    purchase = {"currency": "EUR", "profit": 1.5, "total7Days": 2}
    names = {"edgeTagId": "tag-1", "lastName": "L", "postalCode": "80331"}
    assert post(rig, batch=batch(pullDate=...), users=[{**names, "purchase": purchase}]).status_code == 200
    assert rig.keys("edgetag", "blotout_VIPs") == {"external_id": [digest("tag-1")]}


@pytest.mark.parametrize("first", [0, 1])
def test_batches_count_from_nought_or_one_and_may_come_again(rig: Rig, first: int) -> None:
    for number in (0, 0, 1):
        header = batch(sequence=first + number, totalBatches=2, totalUsers=2)
        assert post(rig, batch=header, users=[{"email": f"{number}@example.com"}]).status_code == 200
    assert len(rig.keys("edgetag", "blotout_VIPs")["email"]) == 2


@pytest.mark.parametrize(
    "second",
    [
        {"name": "Others"},
        {"type": "primary"},
        {"batch": batch(sequence=2, totalBatches=3, totalUsers=3)},
        {"batch": batch(sequence=2, totalBatches=2, totalUsers=4)},
        {"batch": batch(sequence=2, totalBatches=2, totalUsers=3), "users": [ADA]},
        {"batch": batch(sequence=2, totalBatches=2, totalUsers=3), "users": [ADA, ADA, ADA]},
    ],
    ids=str,
)
def test_batches_of_a_session_do_not_contradict_each_other(rig: Rig, second: dict[str, Any]) -> None:
    assert post(rig, batch=batch(totalBatches=2, totalUsers=3)).status_code == 200
    right = {"batch": batch(sequence=2, totalBatches=2, totalUsers=3), "users": [ADA, ADA]}
    assert post(rig, **{**right, **second}).status_code == 400
    assert post(rig, **right).status_code == 200


def test_providers_that_fail_are_told_with_sync_only(rig: Rig) -> None:
    rig.settings("edgetag", failing_providers=["tiktok"])
    told = post(rig, {"sync": "true"})
    assert (told.status_code, told.json()["success"], len(told.json()["errors"])) == (400, False, 1)
    assert post(rig).json() == {"success": True}
    assert rig.keys("edgetag", "blotout_VIPs") == {}
    rig.settings("edgetag", failing_providers=[])
    assert post(rig, {"sync": "true"}).json() == {"success": True}
    assert len(rig.keys("edgetag", "blotout_VIPs")) == 2


def test_a_batch_above_what_is_recommended(rig: Rig) -> None:
    rig.settings("edgetag", largest_batch=1)
    assert post(rig, batch=batch(totalUsers=2), users=[ADA, ADA]).status_code == 413


@pytest.mark.parametrize(("name", "json_error"), [("form", False), ("payload", True), ("no_users", False), ("provider", True)])
def test_the_documented_refusals_as_faults(rig: Rig, name: str, json_error: bool) -> None:
    rig.fault("edgetag", {"error": name})
    reply = post(rig)
    assert reply.status_code == 400
    assert reply.headers["content-type"].startswith("application/json" if json_error else "text/plain")
    with pytest.raises(AssertionError, match="provider"):  # the admin API lists those that there are
        rig.fault("edgetag", {"error": "unheard of"})


def test_there_is_nothing_to_read_or_delete(rig: Rig) -> None:
    assert rig.http.get("/edgetag/audience").status_code == 404
    assert rig.http.delete("/edgetag/audience").status_code == 404
