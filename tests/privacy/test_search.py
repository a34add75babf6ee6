"""The search finds what is there: a canary in each kind of place, and each form of it."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import pickle
import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest
from privacy.canaries import CANARIES, STEMS, digests, hits, people, secrets
from privacy.conftest import Logs
from privacy.places import left_behind

EMAIL, PHONE = CANARIES[3]["email"], CANARIES[3]["phone"]
ROW = json.dumps(CANARIES[3])


@pytest.mark.parametrize("shift", ["", "a", "ab"])
@pytest.mark.parametrize("column", STEMS)
def test_every_value_is_found_in_every_form_wherever_it_stands(column: str, shift: str) -> None:
    value = CANARIES[3][column]
    text = f"{shift}{value}, and more"
    dressed = {
        "raw": text,
        "in capitals": text.upper(),
        "in small letters": text.lower(),
        "base64": base64.b64encode(text.encode()).decode(),
        "base64 for addresses": base64.urlsafe_b64encode(text.lower().encode()).decode(),
        "base64 of JSON": base64.b64encode(json.dumps({"id": 7, "x": text}).encode()).decode(),
        "base64 of UTF-16": base64.b64encode(text.encode("utf-16-le")).decode(),
        "URL-encoded": quote(text, safe=""),
        "URL-encoded to the letter": "".join(f"%{byte:02X}" for byte in text.encode()),
        "reversed": text[::-1],
        "hexadecimal": text.encode().hex(),
        "without its end": value[:-1],
        "escaped": "".join(f"\\u{ord(sign):04x}" for sign in text),
    }
    for how, told in dressed.items():
        assert any(hit.startswith(column) for hit in hits(f"before {told} after", people())), how


def test_a_value_in_pieces_is_found() -> None:
    local, domain = EMAIL.split("@")
    groups = ["+49 (0)151-586 427 33", "0151/58.64.27.33", '["151", "5864", "2733"]', "151 58642733"]
    halves = [piece for name in ("first", "last") for piece in (CANARIES[3][name][:10], CANARIES[3][name][-10:])]
    for piece in (local, domain, *groups, *halves):
        assert hits(f"before {piece} after", people()), piece


def test_nobody_else_is_found() -> None:
    harmless = "person1@example.com +4915112345678 0151 5864 Kanaren Zwiebel 1763769000.515864 7315c535d1b52c62"
    assert hits(harmless, people() | digests() | secrets(["hunter2-made-up"])) == set()


def test_hashes_and_secrets_are_found() -> None:
    for digest in digests():
        assert hits(digest.upper(), digests())
    for told in ("hunter2-made-up", "HUNTER2-MADE-UP", base64.b64encode(b"Basic: hunter2-made-up").decode(), "pu-edam-2retnuh"):
        assert hits(told, secrets(["hunter2-made-up"])), told


def in_sqlite(folder: Path, table: str, value: str | bytes) -> None:
    with sqlite3.connect(folder / "airflow.db") as database:
        database.execute(f"CREATE TABLE {table} (id INTEGER, value)")
        database.execute(f"INSERT INTO {table} VALUES (1, ?)", (value,))
    database.close()


PLACES: dict[str, Callable[[Path], object]] = {
    "a task's log": lambda folder: (folder / "attempt=1.log").write_text(f'{{"event": "sent {EMAIL}"}}\n'),
    "a packed log": lambda folder: (folder / "old.log.gz").write_bytes(gzip.compress(EMAIL.encode())),
    "a file's name": lambda folder: (folder / f"{EMAIL}.csv").write_text(""),
    "a hidden file in a folder": lambda folder: [(folder / ".tmp").mkdir(), (folder / ".tmp" / ".x").write_text(EMAIL)],
    "a Parquet file": lambda folder: pl.DataFrame({"v": [EMAIL] * 9}).write_parquet(folder / "p.parquet", compression="zstd"),
    "a list in a Parquet file": lambda folder: pl.DataFrame({"v": [[EMAIL]]}).write_parquet(folder / "p.parquet"),
    "an XCom": lambda folder: in_sqlite(folder, "xcom", json.dumps(ROW)),
    "a pickle": lambda folder: in_sqlite(folder, "deferred", pickle.dumps({"row": CANARIES[3]})),
    "a packed column": lambda folder: in_sqlite(folder, "serialized_dag", zlib.compress(ROW.encode())),
}


@pytest.mark.parametrize("place", PLACES)
def test_every_kind_of_place_is_searched(tmp_path: Path, place: str) -> None:
    PLACES[place](tmp_path)
    assert [where for where, text in left_behind(tmp_path) if hits(text, people())]


def test_the_platforms_own_state_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "books").write_text(EMAIL)
    assert list(left_behind(tmp_path, "sandbox")) == []


def test_every_record_of_every_logger_is_kept(every_log: Logs) -> None:
    for name in ("google.ads.googleads.client", "sqlalchemy.engine.Engine", "urllib3.connectionpool", "somebody.new"):
        logging.getLogger(name).debug("to %s", EMAIL)
        assert hits(every_log.texts.pop(), people()), name
        logging.getLogger(name).info("an extra", extra={"row": PHONE})
        assert hits(every_log.texts.pop(), people()), name
    error = ValueError(EMAIL)
    logging.getLogger("guestlist.driver").error("failed", exc_info=error)
    assert hits(every_log.texts.pop(), people())
