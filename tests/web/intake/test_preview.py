"""A look at a file before it is sent: columns guessed and mapped, masked rows, what could be matched; and nothing is kept."""

from __future__ import annotations

from typing import Any

import pytest

from web.intake.rig import Desk, csv_of

pytestmark = pytest.mark.slow
MESSY = b"E-Mail,Mobile,Country Code,note\nann.lee@example.com,(650) 555-1212,US,x\nnobody,,,y\n"


def look(desk: Desk, content: bytes, filename: str = "p.csv", **fields: str) -> tuple[int, dict[str, Any]]:
    answer = desk.ask("POST", "/audiences/preview", data=fields, files={"file": (filename, content)})
    return answer.status_code, answer.json()


def test_columns_are_guessed_and_rows_are_masked(desk: Desk) -> None:
    status, found = look(desk, MESSY)
    assert status == 200, found
    assert found["columns"] == ["E-Mail", "Mobile", "Country Code", "note"]
    assert {name: one["columns"] for name, one in found["mapping"].items()} == {
        "email": ["E-Mail"], "phone": ["Mobile"], "country": ["Country Code"],
    }  # fmt: skip
    assert found["mapping"]["phone"]["region"] == "Country Code"
    [meta, _] = found["platforms"]
    assert (meta["label"], meta["people"], found["looked_at"]) == ("meta_main", 1, 2)
    assert "ann.lee" not in str(found)
    assert "555" not in str(found)
    assert desk.kept() == []


def test_what_is_asked_for_is_looked_at(desk: Desk) -> None:
    _, found = look(desk, MESSY, columns='{"email": "E-Mail"}', destinations="meta_main")
    assert list(found["mapping"]) == ["email"]
    assert [one["label"] for one in found["platforms"]] == ["meta_main"]
    _, found = look(desk, csv_of(range(9))[:-20], cut="true")
    assert found["looked_at"] == 8


def test_what_cannot_be_looked_at(desk: Desk) -> None:
    assert look(desk, b"", cut="true")[0] == 422
    assert look(desk, MESSY, "p.pdf")[0] == 422
    assert look(desk, b"not one", "p.xlsx")[0] == 422
    assert look(desk, MESSY, columns='{"email": "mail"}')[0] == 422
    assert look(desk, b"x" * (17 << 20))[0] == 413


def test_what_is_wrong_with_a_file_or_a_form_is_said(desk: Desk) -> None:
    status, found = look(desk, b"email,phone\n")
    assert (status, found["detail"]) == (422, "the upload gave no rows; an empty source never empties an audience")
    cut_off = b"--b\r\nContent-Disposition: form-data; name=file; filename=p.csv\r\n\r\nemail\na@example.com\n"
    for content, kind, status in ((cut_off, "multipart/form-data; boundary=b", 400), (b"{}", "application/json", 415)):
        answer = desk.ask("POST", "/audiences/preview", content=content, headers={"Content-Type": kind})
        assert answer.status_code == status, answer.text
