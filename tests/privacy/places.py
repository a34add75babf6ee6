"""Everything that was left behind, as text that can be searched: files of every kind, each in every layer that it has."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

import polars as pl

Place = tuple[str, str]
"""Where, and what stands there."""


def left_behind(folder: Path, *others: str) -> Iterator[Place]:
    """Every file below a folder; ``others`` are folders below it that are not ours, such as the platforms' own state."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and inside.parts[0] not in others:
            yield f"the name of {inside}", str(inside)
            with contextlib.suppress(FileNotFoundError):  # SQLite's files come and go with its connections
                yield from in_file(path, str(inside))


def in_file(path: Path, where: str) -> Iterator[Place]:
    """A file as it is, and what is in it."""
    content = path.read_bytes()
    yield from in_bytes(content, where)
    if content.startswith(b"SQLite format 3"):
        yield from in_database(path, where)


def in_bytes(content: bytes, where: str) -> Iterator[Place]:
    """Bytes as they are; unpacked where they are packed; as rows where they are Parquet."""
    yield where, content.decode("latin-1")
    if content.startswith(b"\x1f\x8b"):
        yield from in_bytes(gzip.decompress(content), f"{where}, unpacked")
    elif content[:1] == b"\x78":
        yield from _deflated(content, where)
    elif content.startswith(b"PAR1"):
        rows = pl.read_parquet(io.BytesIO(content)).to_dicts()
        yield f"{where}, decoded", json.dumps(rows, default=str, ensure_ascii=False)


def _deflated(content: bytes, where: str) -> Iterator[Place]:
    try:
        yield from in_bytes(zlib.decompress(content), f"{where}, unpacked")
    except zlib.error:
        return  # it only began like it


def in_database(path: Path, where: str) -> Iterator[Place]:
    """Every column of every table that holds texts or bytes."""
    database = sqlite3.connect(path)
    database.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            cursor = database.execute(f'SELECT * FROM "{table}"')
            for column, values in zip(cursor.description, zip(*cursor, strict=True), strict=False):
                yield f"{where}, {table}.{column[0]}", "\n".join(value for value in values if isinstance(value, str))
                for value in values:
                    if isinstance(value, bytes):
                        yield from in_bytes(value, f"{where}, {table}.{column[0]}")
    finally:
        database.close()
