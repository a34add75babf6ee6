"""CommBox: keys, files of every kind, whole replacement, and digests in the place of numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from sandbox.rig import Rig, digest
from sources.test_excel import write_workbook

NUMBERS = ("442079832100", "4915112345678")
CSV = b"phone1\n442079832100\n4915112345678\n"


def ask(rig: Rig, method: str, path: str, key: str = "sandbox-key", **more: Any) -> httpx.Response:
    return rig.http.request(method, f"/commbox/{path}", headers={"authorization": f"Bearer {key}"}, **more)


def file(content: bytes = CSV, name: str = "audience.csv") -> dict[str, Any]:
    return {"audience_file": (name, content, "text/csv")}


def create(rig: Rig, name: str = "VIPs", content: bytes = CSV, filename: str = "audience.csv") -> httpx.Response:
    return ask(rig, "POST", "audiences", data={"name": name}, files=file(content, filename))


def made(rig: Rig, **more: Any) -> str:
    reply = create(rig, **more)
    assert reply.status_code == 201, reply.text
    return reply.json()["data"]["id"]


def test_a_file_makes_an_audience(rig: Rig) -> None:
    reply = create(rig)
    body = reply.json()
    assert (reply.status_code, body["status"], body["description"]) == (201, 201, "Audience created")
    assert set(body) == {"status", "description", "response_time", "data"}
    assert body["data"]["id"].isdigit()
    assert rig.keys("commbox", body["data"]["id"]) == {"phone": sorted(map(digest, NUMBERS))}


def test_a_file_takes_the_place_of_all_that_was_there(rig: Rig) -> None:
    audience = made(rig)
    reply = ask(rig, "PUT", f"Audiences/{audience}", files=file(b"phone1,name\r\n4915112345679,Zoe\r\n"))
    assert (reply.status_code, reply.json()["data"]) == (200, {"id": audience})
    assert rig.keys("commbox", audience) == {"phone": [digest("4915112345679")]}


def test_the_path_of_a_replacement_has_a_capital_as_documented(rig: Rig) -> None:
    assert ask(rig, "PUT", f"audiences/{made(rig)}", files=file()).status_code == 404


def test_a_creation_that_comes_twice_makes_two(rig: Rig) -> None:
    first, second = made(rig), made(rig)
    listed = ask(rig, "GET", "audiences").json()
    assert listed["status"] == "200"
    assert [(one["id"], one["name"], one["type"], one["user_count"]) for one in listed["data"]] == [
        (first, "VIPs", "Static", 2), (second, "VIPs", "Static", 2),
    ]  # fmt: skip


def test_excel_is_taken_too(rig: Rig, tmp_path: Path) -> None:
    write_workbook(tmp_path / "book.xlsx", S=[["name", "phone1"], ["a", "442079832100"], ["b", 4915112345678]])
    audience = made(rig, content=(tmp_path / "book.xlsx").read_bytes(), filename="book.xlsx")
    assert rig.keys("commbox", audience) == {"phone": sorted(map(digest, NUMBERS))}
    write_workbook(tmp_path / "other.xlsx", S=[["phone"], ["442079832100"]])
    assert create(rig, content=(tmp_path / "other.xlsx").read_bytes(), filename="book.xlsx").status_code == 400


@pytest.mark.parametrize(
    ("content", "filename"),
    [
        (CSV, "audience.txt"),
        (CSV, "audience.xlsx"),
        (b"", "a.csv"),
        (b"phone\n442079832100\n", "a.csv"),
        (b"Phone1\n442079832100\n", "a.csv"),
        (b"phone1\n+442079832100\n", "a.csv"),
        (b"phone1\n00442079832100\n", "a.csv"),
        (b"phone1\n442079832100.0\n", "a.csv"),
        (b"phone1\n44 20 7983 2100\n", "a.csv"),
        (b'phone1\n"442079832100\n', "a.csv"),
        (b"name,phone1\nZoe\n", "a.csv"),
        (b"phone1\n\xff\xfe\n", "a.csv"),
    ],
)
def test_files_of_another_form_are_refused_whole(rig: Rig, content: bytes, filename: str) -> None:
    audience = made(rig)
    reply = create(rig, content=content, filename=filename)
    assert (reply.status_code, reply.json()["status"], reply.json()["description"]) == (400, 400, "Bad Request")
    assert ask(rig, "PUT", f"Audiences/{audience}", files=file(content, filename)).status_code == 400
    assert len(rig.admin("GET", "books/commbox")) == 1
    assert rig.keys("commbox", audience) == {"phone": sorted(map(digest, NUMBERS))}


@pytest.mark.parametrize(
    "form",
    [
        {"files": file()},
        {"data": {"name": ""}, "files": file()},
        {"data": {"name": "VIPs"}},
        {"data": {"name": "VIPs", "audience_file": CSV.decode()}},
        {"json": {"name": "VIPs", "audience_file": "https://example.com/audience.csv"}},
    ],
)
def test_forms_that_lack_something_are_refused(rig: Rig, form: dict[str, Any]) -> None:
    assert ask(rig, "POST", "audiences", **form).status_code == 400


def test_a_replacement_takes_a_file_and_nothing_else(rig: Rig) -> None:
    audience = made(rig)
    assert ask(rig, "PUT", f"Audiences/{audience}", data={"name": "New"}, files=file()).status_code == 400
    assert ask(rig, "PUT", f"Audiences/{audience}").status_code == 400
    assert ask(rig, "PUT", "Audiences/1", files=file()).status_code == 404


def test_a_dynamic_audience_takes_no_file(rig: Rig) -> None:
    audience = made(rig)
    rig.settings("commbox", dynamic_audiences=["VIPs"])
    [listed] = ask(rig, "GET", "audiences").json()["data"]
    assert (listed["type"], "user_count" in listed) == ("Dynamic", False)
    assert ask(rig, "PUT", f"Audiences/{audience}", files=file()).status_code == 400


def test_keys(rig: Rig) -> None:
    assert rig.http.get("/commbox/audiences").status_code == 401
    assert ask(rig, "GET", "audiences", key="stolen").json()["description"] == "Unauthorized"
    rig.fault("commbox", {"expire_token": True})
    assert [ask(rig, "GET", "audiences").status_code for _ in range(2)] == [401, 200]


def test_throttling(rig: Rig) -> None:
    rig.settings("commbox", requests_per_minute=1)
    replies = [ask(rig, "GET", "audiences").status_code for _ in range(3)]
    assert 429 in replies


@pytest.mark.parametrize("path", ["", "audiences/1", "Audiences"])
def test_what_is_not_there(rig: Rig, path: str) -> None:
    assert ask(rig, "GET", path).json()["status"] == 404


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_faults_have_the_names_of_statuses(rig: Rig, status: int) -> None:
    rig.fault("commbox", {"error": str(status)})
    reply = ask(rig, "GET", "audiences")
    assert (reply.status_code, reply.json()["status"]) == (status, status)
    fault = {"match": {}, "action": {"error": "418"}}
    assert rig.http.post("/admin/faults/commbox", json={"faults": [fault]}).status_code == 400


def test_no_number_reaches_the_disk(rig: Rig) -> None:
    made(rig)
    kept = b"".join(path.read_bytes() for path in Path(rig.sandbox.state_dir).iterdir())
    assert not any(number.encode() in kept for number in NUMBERS)


def test_the_log_has_operations_and_rows(rig: Rig) -> None:
    audience = made(rig)
    ask(rig, "PUT", f"Audiences/{audience}", files=file())
    ask(rig, "GET", "audiences")
    assert [(line["operation"], line["rows"]) for line in rig.log("commbox")] == [("add", 2), ("replace", 2), ("read", 0)]
