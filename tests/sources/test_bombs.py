"""Files that are small and want to fill the memory, or large and without an end of row: an error, and little memory."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from sources.bounds import read_apart
from sources.test_excel import NAMESPACE, write_workbook

pytestmark = pytest.mark.slow
MIB = 1 << 20
LITTLE = 300 * MIB
HEAD = b"id,name\n"


Parts = tuple[tuple[bytes, int], ...]
"""Blocks, and how often each is repeated."""


def plain(*parts: tuple[bytes, int]) -> Parts:
    return parts


def packed(*parts: tuple[bytes, int]) -> Parts:
    """As gzip, each block a member of its own."""
    return tuple((gzip.compress(block), times) for block, times in parts)


@pytest.mark.parametrize(
    ("name", "parts", "told"),
    [
        ("a.csv", plain((HEAD + b"1,", 1), (b"x" * MIB, 512), (b"\n", 1)), "DataError: file a.csv, line 2: the row is longer"),
        (
            "a.csv",
            plain((HEAD + b'1,"', 1), (b"x" * MIB, 512), (b'"\n', 1)),
            "DataError: file a.csv, line 2: the row is longer",
        ),
        ("a.csv", plain((HEAD + b'1,"', 1), (b"x" * 99 + b"\n", 3 * MIB), (b'"', 1)), "DataError: file a.csv, line 2: a quote"),
        ("a.csv", plain((b"x" * MIB, 512)), "DataError: file a.csv, line 1: the row with the names of the columns is longer"),
        ("a.csv.gz", packed((b"\0" * MIB, 1024)), "DataError: file a.csv.gz, line 1: the row with the names"),
        ("a.csv.gz", packed((HEAD, 1), (b"x" * MIB, 2048)), "DataError: file a.csv.gz, line 2: the row is longer"),
        ("a.csv.gz", packed((HEAD, 1), (b"\n" * MIB, 1024)), "DataError: file a.csv.gz grows more than 100-fold"),
        ("a.csv.gz", packed((HEAD, 1), (b"1,x\n" * MIB, 256)), "DataError: file a.csv.gz grows more than 100-fold"),
        ("a.ndjson.gz", packed((b"\0" * MIB, 1024)), "DataError: file a.ndjson.gz"),
        (
            "a.ndjson",
            plain((b'{"id": "', 1), (b"x" * MIB, 256), (b'"}\n', 1)),
            "DataError: file a.ndjson has a line of more than",
        ),
        (
            "a.ndjson",
            plain((b'{"id": ', 1), (b"[" * MIB, 30), (b"\n", 1)),
            "DataError: file a.ndjson, line 1: nested too deeply",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_never_ends_is_an_error_and_takes_little_memory(tmp_path: Path, name: str, parts: Parts, told: str) -> None:
    with (tmp_path / name).open("wb") as file:
        for block, times in parts:
            for _ in range(times):
                file.write(block)
    found = read_apart(tmp_path, ["id"], file=name)
    assert found["told"].startswith(told)
    assert found["grown"] < LITTLE
    assert "xxx" not in found["told"]


def test_one_long_value_behind_many_rows_is_an_error(tmp_path: Path) -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), pa.array(["x" * 4 * MIB]))
    parquet.write_table(pa.table({"id": column}), tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < MIB
    found = read_apart(tmp_path, ["id"], file="a.parquet")
    assert found["told"].startswith("DataError: file a.parquet: column 'id' holds a value of 4194304 bytes, more than 131072")
    assert found["grown"] < 2 * LITTLE


def test_long_values_behind_many_rows_are_read_in_small_pieces(tmp_path: Path) -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["x" * (100 << 10)]))
    parquet.write_table(pa.table({"id": column}), tmp_path / "a.parquet")
    found = read_apart(tmp_path, ["id"], file="a.parquet")
    assert (found["told"], found["rows"]) == ("", 100_000)
    assert found["grown"] < 3 * LITTLE, "as text they are 10 GB"


FIRST = b'<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c></row>'


def sheet(path: Path, parts: Iterator[bytes]) -> None:
    """A workbook whose sheet is these bytes."""
    write_workbook(path, S=[["id"]])
    with zipfile.ZipFile(path) as book:
        others = {name: book.read(name) for name in book.namelist() if name != "xl/s1.xml"}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in others.items():
            book.writestr(name, content)
        with book.open("xl/s1.xml", "w", force_zip64=True) as file:
            file.write(f"<worksheet {NAMESPACE}><sheetData>".encode() + FIRST)
            for part in parts:
                file.write(part)
            file.write(b"</sheetData></worksheet>")


@pytest.mark.parametrize(
    ("parts", "most_kib"),
    [
        ([b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'], 10),
        ([b'<row r="4294967295"><c r="A4294967295"><v>1</v></c></row>'], 10),
        ([b'<row r="2"><c r="ZZZZZZ2"><v>1</v></c></row>'], 10),
        ([b'<row r="2"><c r="A2" t="inlineStr"><is><t>', *[b"x" * MIB] * 1024, b"</t></is></c></row>"], 1500),
    ],
    ids=["a million columns", "four billion rows", "no such column", "a cell of 1 GB"],
)
def test_a_workbook_that_claims_too_much_ends_its_own_process_only(tmp_path: Path, parts: list[bytes], most_kib: int) -> None:
    sheet(tmp_path / "a.xlsx", iter(parts))
    assert (tmp_path / "a.xlsx").stat().st_size < most_kib << 10
    found = read_apart(tmp_path, ["id"], file="a.xlsx")
    assert found["told"].startswith("DataError: file a.xlsx is a broken workbook, or one that needs more than 4 GiB of memory")
    assert found["grown"] < LITTLE
