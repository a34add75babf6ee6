"""Any bytes under any name: rows or an error of ours, which can be printed and shows no value."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from guestlist.model.errors import ConfigError, DataError
from guestlist.model.source import Source
from guestlist.sources import open_source

EXAMPLES = int(os.environ.get("GUESTLIST_EXAMPLES", "10"))
"""For property runs of the house: set it to a few hundred, and each test here tries twenty times as many files."""
CANARY = "kanarienvogel"
PIECES = st.sampled_from(
    [
        b"id", b"name", b",", b";", b"\t", b'"', b'""', b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xfe", b"\xef\xbb\xbf",
        b"\xff\xfe", b"\xed\xa0\x80", CANARY.encode(), b"=1+1", b"x" * 200, b"\x1b[31m", b" ", b"{", b"}", b"[", b"]", b":",
        b'"id"', b'{"id": 1}', b'{"id": "kanarienvogel"}\n', b"\\ud800", b"1e999", b"NaN", b"null", b"\xe2\x80\xae",
    ]
)  # fmt: skip
CONTENT = st.lists(PIECES | st.binary(max_size=6), max_size=40).map(b"".join)
quick = settings(
    max_examples=20 * EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def judge(folder: Path, name: str, content: bytes, **source: str) -> None:
    (folder / name).write_bytes(content)
    told = ""
    try:
        for batch in open_source(Source(file=name, **source), None, folder).batches(["id"]):
            assert batch.schema.names == ["id"]
            batch.validate(full=True)
    except (DataError, ConfigError) as error:
        told = str(error)
    assert told.isprintable()
    assert CANARY not in told, "a row is shown"


@quick
@given(CONTENT, st.sampled_from(["a.csv", "a.tsv", "a.ndjson"]), st.sampled_from([None, "utf-8", "utf-16", "cp1252", "utf-7"]))
def test_text_files(tmp_path: Path, content: bytes, name: str, encoding: str | None) -> None:
    head = {"a.csv": b"id,name\n", "a.tsv": b"id\tname\n", "a.ndjson": b'{"id": 1}\n'}[name]
    judge(tmp_path, name, head + content, **({"encoding": encoding} if encoding else {}))


@quick
@given(CONTENT, st.integers(0, 60), st.binary(max_size=3))
def test_broken_compression(tmp_path: Path, content: bytes, place: int, inserted: bytes) -> None:
    packed = gzip.compress(b"id,name\n" + content)
    judge(tmp_path, "a.csv.gz", packed[:place] + inserted + packed[place:])


def _parquet() -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.table({"id": ["a", None, CANARY] * 50, "n": range(150)}), sink, compression="zstd")
    return sink.getvalue()


WHOLE = _parquet()


@quick
@given(st.lists(st.tuples(st.integers(4, len(WHOLE) - 9), st.integers(0, 255)), min_size=1, max_size=4))
def test_broken_parquet(tmp_path: Path, changes: list[tuple[int, int]]) -> None:
    content = bytearray(WHOLE)
    for place, byte in changes:
        content[place] = byte
    judge(tmp_path, "a.parquet", bytes(content))


@pytest.mark.parametrize(
    "encoding", ["zip", "hex", "rot13", "undefined", "idna", "punycode", "unicode_escape", "a\0b", "x" * 999]
)
def test_encodings_that_are_none(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes(b"id\n1\n")
    with pytest.raises(ConfigError, match="no encoding is called"):
        list(open_source(Source(file="a.csv", encoding=encoding), None, tmp_path).batches(["id"]))
