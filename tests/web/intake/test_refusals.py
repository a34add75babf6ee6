"""What is not taken, and is told so before it counts: nothing of it stays in the lake, and nothing is entered."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from guestlist.runtime.ledger import open_ledger
from web.intake.rig import Desk, csv_of

pytestmark = pytest.mark.slow
GOOD = csv_of(range(3))
HEAD = GOOD.split(b"\n")[0]


def workbook(sheet: str, **more: bytes) -> bytes:
    """As little of a workbook as there can be."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", sheet)
        for name, content in more.items():
            book.writestr(name.replace("__", "/"), content)
    return target.getvalue()


def table(**columns: list[str]) -> bytes:
    target = io.BytesIO()
    parquet.write_table(pa.table(columns), target)
    return target.getvalue()


FORMULAS = [b"=1+1", b'"=HYPERLINK(1)"', b"@SUM(1)", b"+cmd|' /C calc'!A0", b"-2+3+cmd|' /C calc'!A0"]
REFUSED = {
    "empty": ("p.csv", b"", 422, "the file is empty"),
    "a header alone": ("p.csv", HEAD, 422, "no rows below its header"),
    "a header and empty lines": ("p.tsv", b"\xef\xbb\xbf" + HEAD + b"\r\n\n  \n", 422, "no rows below its header"),
    "a header alone, packed": ("p.csv.gz", gzip.compress(HEAD + b"\n"), 422, "no rows below its header"),
    "a header alone in UTF-16": ("p.csv", HEAD.decode().encode("utf-16"), 422, "no rows below its header"),
    "no format": ("people.pdf", GOOD, 422, "tells no format"),
    "a workbook that hides formulas": ("p.xlsb", GOOD, 422, "tells no format"),
    "no mapped column": ("p.csv", b"mail,tel\na@b.com,1\n", 422, "has no column 'email'"),
    "no header": ("p.csv", b"ann@example.com,+1 650 555 1212\nbob@example.com,\n", 422, "its first row holds values"),
    "too large": ("p.csv", GOOD + b"x" * 3_000_000, 413, "larger than the 3000000 bytes"),
    "no gzip": ("p.csv.gz", GOOD, 422, "no whole gzip file"),
    "half a gzip": ("p.csv.gz", gzip.compress(GOOD)[:-9], 422, "was cut off"),
    "a bomb": ("p.csv.gz", gzip.compress(HEAD + b"\n" + b"a" * (80 << 20)), 422, "grows more than 100-fold"),
    "no parquet": ("p.parquet", b"PAR1 or not", 422, "not a whole Parquet file"),
    "parquet without columns": ("p.parquet", table(mail=["a"]), 422, "has no column"),
    "no workbook": ("p.xlsx", b"PK or not", 422, "not a readable Excel workbook"),
    "a workbook that is a bomb": ("p.xlsx", workbook(" " * (80 << 20)), 422, "grows more than 100-fold"),
    "a workbook with formulas": ("p.xlsx", workbook('<row><c r="A1"><f>1+1</f></c></row>'), 422, "holds formulas"),
    "a workbook with a program": ("p.xlsx", workbook("", **{"xl__vbaProject.bin": b"x"}), 422, "holds a program"),
    "a workbook with links": ("p.xlsx", workbook("", **{"xl__externalLinks__e.xml": b"x"}), 422, "links to other files"),
    **{
        f"a formula {n}": ("p.csv", GOOD + b"x," + cell + b"\n", 422, "line 5: a cell is a formula")
        for n, cell in enumerate(FORMULAS)
    },
    "a formula, packed": ("p.csv.gz", gzip.compress(GOOD + b"x,=1\n"), 422, "line 5: a cell is a formula"),
    "a formula in UTF-16": ("p.csv", (GOOD + b"x,=1\n").decode().encode("utf-16"), 422, "line 5: a cell is a formula"),
}


@pytest.mark.parametrize(("filename", "content", "status", "told"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_is_not_taken(desk: Desk, filename: str, content: bytes, status: int, told: str) -> None:
    answer = desk.create("VIPs", content, filename)
    assert (answer.status_code, told in answer.json()["detail"]) == (status, True), answer.text
    assert "example.com" not in answer.text
    assert desk.kept() == []
    assert desk.ask("GET", "/audiences").json()["audiences"] == []


WISHES = {
    "an unknown field": ({"nmae": "x"}, "nmae"),
    "an unknown destination": ({"destinations": "tiktok_main"}, "tiktok_main"),
    "no JSON": ({"columns": "{"}, "columns"),
    "an unknown identifier": ({"columns": '{"shoe_size": "x"}'}, "shoe_size"),
    "an identifier that the intake does not take": ({"columns": '{"mobile_ad_id": "id"}'}, "mobile_ad_id"),
    "what a platform cannot match": ({"columns": '{"first_name": "first"}'}, "finds nobody by"),
    "an unknown mode": ({"mode": "upsert"}, "mode"),
    "a name of nothing": ({"name": ""}, "name"),
}


@pytest.mark.parametrize(("fields", "told"), WISHES.values(), ids=WISHES)
def test_a_wish_that_cannot_be(desk: Desk, fields: dict[str, str], told: str) -> None:
    answer = desk.create(fields.pop("name", "VIPs"), GOOD, **fields)
    assert (answer.status_code, told in answer.json()["detail"]) == (422, True), answer.text
    assert desk.kept() == []


def test_requests_that_are_none(desk: Desk) -> None:
    assert desk.ask("POST", "/audiences", content=b"name=VIPs").status_code == 415
    assert desk.ask("POST", "/audiences", content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    assert desk.ask("POST", "/audiences", json=[1]).status_code == 422
    assert desk.ask("POST", "/audiences", json={"name": "x" * 300_000}).status_code == 413
    broken = b"--b\r\nContent-Disposition: form-data; name=file; filename=p.csv\r\n\r\n" + GOOD
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    assert desk.ask("POST", "/audiences", content=broken, headers=form).status_code == 400
    assert desk.ask("POST", "/audiences", data={"name": "x"}, files={"other": ("p.csv", GOOD)}).status_code == 422
    assert desk.kept() == []


def test_names_are_told_apart(desk: Desk) -> None:
    first = desk.create("VIPs", GOOD)
    assert desk.create("VIPs", GOOD).status_code == 409
    assert len(desk.kept()) == 1
    assert desk.ask("GET", "/audiences/aud_0000000000000000").status_code == 404
    assert first.json()["intake"] == "partners"


def test_what_may_be_pushed_is_taken(desk: Desk) -> None:
    bom, tabs = b"\xef\xbb\xbf" + GOOD, csv_of(range(3), "\t")
    for number, (name, content) in enumerate(
        [("p.csv", bom), ("p.TSV", tabs), ("p.csv.gz", gzip.compress(GOOD)), ("p.csv", GOOD.decode().encode("utf-16"))]
    ):
        assert desk.create(f"VIPs {number}", content, name).status_code == 201
    mapped = desk.create("mapped", b"Mail\nann@example.com\n", columns='{"email": "Mail"}')
    assert mapped.status_code == 201, mapped.text
    phones = b"Mail,note\nann@example.com,+1 (650) 555-1212 =) -5 @ann a|b!\n"
    assert desk.create("no formula", phones, columns='{"email": "Mail"}').status_code == 201


def test_a_full_disk_takes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch, small_disk: Path) -> None:
    monkeypatch.setenv("GUESTLIST_LAKE", str(small_disk / "lake"))
    answer = desk.create("VIPs", csv_of(range(25_000)))
    assert answer.status_code == 507, answer.text
    assert "nothing of it counts" in answer.json()["detail"]
    assert [path for path in small_disk.rglob("*") if path.is_file()] == []
    assert desk.ask("GET", "/audiences").json()["audiences"] == []


def test_a_ledger_without_room_enters_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch, small_disk: Path) -> None:
    there = f"sqlite:///{small_disk / 'ledger.db'}"
    monkeypatch.setenv("GUESTLIST_LEDGER", there)
    desk.ledger = open_ledger(there)
    desk.ask("GET", "/audiences")
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(bytes(2 << 20))
    answer = desk.create("VIPs", GOOD)
    assert (answer.status_code, "nothing of it counts" in answer.json()["detail"]) == (503, True), answer.text
    assert desk.kept() == []
    filler.unlink()
    assert desk.ask("GET", "/audiences").json()["audiences"] == []
    assert desk.create("VIPs", GOOD).status_code == 201


def test_without_a_vault_nobody_pushes(desk: Desk) -> None:
    (desk.folder / "vault.key").unlink()
    answer = desk.create("VIPs", GOOD)
    assert (answer.status_code, "vault" in answer.json()["detail"]) == (503, True)
    assert str(desk.folder) not in answer.text
