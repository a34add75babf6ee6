"""The sandbox's memory: one SQLite file, one connection, one lock, and the clock, so that everything survives a restart."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Json = Any
"""A JSON value as `json.loads` gives it."""

_TABLES = """
CREATE TABLE IF NOT EXISTS audiences (
    row INTEGER PRIMARY KEY AUTOINCREMENT, book TEXT, id TEXT, account TEXT, name TEXT, reference TEXT, kind TEXT,
    created REAL, data TEXT, UNIQUE (book, id));
CREATE TABLE IF NOT EXISTS members (
    audience INTEGER, kind TEXT, value TEXT, added REAL, since REAL, lapses REAL, worth REAL,
    PRIMARY KEY (audience, kind, value)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (door TEXT, kind TEXT, id TEXT, data TEXT, PRIMARY KEY (door, kind, id));
CREATE TABLE IF NOT EXISTS staged (
    place INTEGER PRIMARY KEY AUTOINCREMENT, door TEXT, owner TEXT, part INTEGER, payload BLOB);
CREATE INDEX IF NOT EXISTS staged_owner ON staged (door, owner);
CREATE TABLE IF NOT EXISTS jobs (seq INTEGER PRIMARY KEY AUTOINCREMENT, door TEXT, owner TEXT, due REAL);
CREATE TABLE IF NOT EXISTS requests (
    door TEXT, n INTEGER, at REAL, method TEXT, path TEXT, rows INTEGER, status INTEGER, operation TEXT,
    PRIMARY KEY (door, n));
CREATE TABLE IF NOT EXISTS settings (door TEXT, name TEXT, value TEXT, PRIMARY KEY (door, name));
"""
_END_OF_TIME = 32_503_680_000
CLEARED_BY_RESET = ("audiences", "members", "records", "staged", "jobs", "requests", "settings")


class Store:
    """``with store:`` takes the lock and opens a transaction; what raises inside leaves no trace."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # a sandbox needs to survive its own restart, not a power cut
        self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;" + _TABLES)

    def __enter__(self) -> Self:
        """Take the lock; the outermost one begins the transaction."""
        self._lock.acquire()
        if self._depth == 0:
            self._connection.execute("BEGIN")
        self._depth += 1
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Commit, or roll back if something was raised."""
        self._depth -= 1
        if self._depth == 0:
            self._connection.execute("ROLLBACK" if kind else "COMMIT")
        self._lock.release()

    def run(self, sql: str, *values: object) -> int:
        """Do one statement; gives the number of rows that it touched."""
        with self._lock:
            return self._connection.execute(sql, values).rowcount

    def insert(self, sql: str, *values: object) -> int:
        """Insert one row and give its number."""
        with self._lock:
            return int(self._connection.execute(sql, values).lastrowid or 0)

    def many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Do one statement for each row."""
        with self._lock:
            self._connection.executemany(sql, rows)

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


class Clock:
    """The sandbox's time: the real one, moved by as much as a test asked for. Seconds since 1970."""

    def __init__(self, store: Store) -> None:
        self._store = store
        found = store.rows("SELECT value FROM settings WHERE door = '' AND name = 'clock_offset'")
        self._offset = float(found[0][0]) if found else 0.0

    @staticmethod
    def real() -> float:
        """The machine's own time: access tokens live by it, as their holders do."""
        return time.time()

    def now(self) -> float:
        """The sandbox's time."""
        return self.real() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock on, or back when negative; `ValueError` beyond the years 1970 to 3000."""
        if not 0 < self.now() + seconds < _END_OF_TIME:
            raise ValueError("the clock goes from 1970 to 3000")
        self._offset += seconds
        self._store.run(
            "INSERT INTO settings VALUES ('', 'clock_offset', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            str(self._offset),
        )

    def set(self, moment: float) -> None:
        """Make it ``moment`` now; the clock goes on from there."""
        self.advance(moment - self.now())

    def reset(self) -> None:
        """Go back to the real time."""
        self._offset = 0.0


def iso(moment: float) -> str:
    """A moment as RFC 3339 in UTC."""
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def moment_of(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 text; UTC where it names no zone. `ValueError` if it is none."""
    parsed = datetime.fromisoformat(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


class Records:
    """Small JSON documents of one door, by kind and id: sessions, requests, jobs, files."""

    def __init__(self, store: Store, door: str) -> None:
        self._store = store
        self._door = door

    def put(self, kind: str, name: str, data: Json) -> None:
        """Keep a document, in place of one with the same id."""
        self._store.run(
            "INSERT INTO records VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET data = excluded.data",
            *(self._door, kind, name, json.dumps(data)),
        )

    def get(self, kind: str, name: str) -> Json:
        """The document, or None."""
        found = self._store.rows("SELECT data FROM records WHERE door = ? AND kind = ? AND id = ?", self._door, kind, name)
        return json.loads(found[0][0]) if found else None

    def all(self, kind: str) -> list[tuple[str, Json]]:
        """All documents of a kind, in the order in which they were first kept."""
        found = self._store.rows("SELECT id, data FROM records WHERE door = ? AND kind = ? ORDER BY rowid", self._door, kind)
        return [(name, json.loads(data)) for name, data in found]

    def drop(self, kind: str, name: str) -> None:
        """Forget a document."""
        self._store.run("DELETE FROM records WHERE door = ? AND kind = ? AND id = ?", self._door, kind, name)

    def next_number(self, first: int) -> int:
        """The next number of this door's own count, which starts at ``first``."""
        number = self.get("count", str(first)) or first
        self.put("count", str(first), number + 1)
        return int(number)


class Staging:
    """Rows that a platform has taken and not yet applied, in the order of arrival."""

    def __init__(self, store: Store, door: str) -> None:
        self._store = store
        self._door = door

    def put(self, owner: str, payload: Json, part: int = 0) -> None:
        """Add one part to what ``owner`` (a session, a job) has staged."""
        self._store.run(
            "INSERT INTO staged (door, owner, part, payload) VALUES (?, ?, ?, ?)",
            self._door,
            owner,
            part,
            json.dumps(payload, separators=(",", ":")),
        )

    def take(self, owner: str) -> Iterator[Json]:
        """Every part of ``owner``, and forget them."""
        for (payload,) in self._store.rows(
            "SELECT payload FROM staged WHERE door = ? AND owner = ? ORDER BY place", self._door, owner
        ):
            yield json.loads(payload)
        self.drop(owner)

    def drop(self, owner: str, part: int | None = None) -> None:
        """Forget what ``owner`` has staged, or one part of it."""
        self._store.run(
            "DELETE FROM staged WHERE door = ? AND owner = ? AND (? IS NULL OR part = ?)",
            self._door,
            owner,
            part,
            part,
        )
