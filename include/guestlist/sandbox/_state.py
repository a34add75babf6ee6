"""What platforms keep beside their books: settings, quotas, work for later, and the log of requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from guestlist.sandbox._store import Clock, Json, Store, iso

if TYPE_CHECKING:
    from guestlist.sandbox.core import Request


@dataclass(frozen=True, slots=True)
class Job:
    """Work that a platform does later; ``owner`` is the platform's own name for it."""

    seq: int
    owner: str
    due: float


class Jobs:
    """What is still to be done by all platforms, in the order in which it was asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def schedule(self, door: str, owner: str, due: float) -> None:
        """Have ``Platform.apply`` called once the clock has passed ``due``."""
        self._store.run("INSERT INTO jobs (door, owner, due) VALUES (?, ?, ?)", door, owner, due)

    def take_due(self, now: float) -> list[tuple[str, Job]]:
        """All that is due, with its door, and forget it."""
        found = self._store.rows("SELECT door, seq, owner, due FROM jobs WHERE due <= ? ORDER BY seq", now)
        if found:
            self._store.run("DELETE FROM jobs WHERE due <= ?", now)
        return [(door, Job(*rest)) for door, *rest in found]


class Quotas:
    """How often something was done in the present window (minute, hour, day) of the sandbox's clock; not kept over restarts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._spent: dict[tuple[str, int], float] = {}
        self._blocked: dict[str, float] = {}

    def spent(self, name: str, window: int) -> float:
        """What the present window of ``window`` seconds has seen."""
        return self._spent.get((name, int(self._clock.now() // window)), 0.0)

    def spend(self, name: str, window: int, limit: float, cost: float = 1.0) -> float:
        """Spend from the present window. Gives 0, or, where ``limit`` would be passed, the seconds until the next window."""
        now = self._clock.now()
        place = (name, int(now // window))
        if self._spent.get(place, 0.0) + cost > limit:
            return window - now % window
        self._spent[place] = self._spent.get(place, 0.0) + cost
        return 0.0

    def block(self, name: str, seconds: float) -> None:
        """Block something for a while."""
        self._blocked[name] = self._clock.now() + seconds

    def blocked(self, name: str) -> float:
        """For how many seconds it is still blocked."""
        return max(0.0, self._blocked.get(name, 0.0) - self._clock.now())

    def clear(self) -> None:
        """Forget all."""
        self._spent.clear()
        self._blocked.clear()


class RequestLog:
    """Every request of every door: what and how many rows, never a query, a header or a body."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self, door: str, at: float, request: Request, status: int) -> None:
        """Add one line; status 0 means that no answer was sent."""
        self._store.run(
            "INSERT INTO requests SELECT ?, coalesce(max(n), 0) + 1, ?, ?, ?, ?, ?, ? FROM requests WHERE door = ?",
            *(door, at, request.method, request.path, request.rows, status, request.operation, door),
        )

    def since(self, door: str, n: int) -> tuple[int, list[dict[str, Json]]]:
        """How many there are, and those after number ``n``."""
        total = self._store.rows("SELECT count(*) FROM requests WHERE door = ?", door)[0][0]
        found = self._store.rows(
            "SELECT n, at, method, path, rows, status, operation FROM requests WHERE door = ? AND n > ? ORDER BY n", door, n
        )
        names = ("n", "at", "method", "path", "rows", "status", "operation")
        return total, [dict(zip(names, (row[0], iso(row[1]), *row[2:]), strict=True)) for row in found]

    def summary(self, door: str) -> dict[str, Json]:
        """Counts by operation, and the rows of the adds (with replaces) and removes that were answered with success."""
        found = self._store.rows(
            "SELECT operation, count(*), sum(CASE WHEN status BETWEEN 200 AND 299 THEN rows ELSE 0 END)"
            " FROM requests WHERE door = ? GROUP BY operation ORDER BY operation",
            door,
        )
        rows = {operation: taken for operation, _, taken in found}
        return {
            "total": sum(count for _, count, _ in found),
            "by_operation": {operation: count for operation, count, _ in found},
            "rows_added": rows.get("add", 0) + rows.get("replace", 0),
            "rows_removed": rows.get("remove", 0),
        }


class Settings:
    """A platform's settings: its documented defaults, and what a test changed."""

    def __init__(self, store: Store, door: str, defaults: Mapping[str, Json]) -> None:
        self._store = store
        self._door = door
        self._defaults = dict(defaults)
        found = store.rows("SELECT name, value FROM settings WHERE door = ?", door)
        self._changed: dict[str, Json] = {name: json.loads(value) for name, value in found}

    def __getitem__(self, name: str) -> Any:
        """The value in force."""
        return self._changed.get(name, self._defaults[name])

    def all(self) -> dict[str, Json]:
        """Every setting."""
        return self._defaults | self._changed

    def change(self, values: Mapping[str, Json]) -> None:
        """Change some; `ValueError` if one is not known."""
        if unknown := sorted(set(values) - set(self._defaults)):
            raise ValueError(f"{self._door} has no setting {', '.join(unknown)}; it has: {', '.join(sorted(self._defaults))}")
        self._changed.update(values)
        self._store.many(
            "INSERT OR REPLACE INTO settings VALUES (?, ?, ?)",
            [(self._door, name, json.dumps(value)) for name, value in values.items()],
        )

    def forget(self) -> None:
        """Go back to the defaults."""
        self._changed.clear()
