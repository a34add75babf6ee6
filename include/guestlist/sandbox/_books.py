"""The books: which audiences a platform has, and the match keys that each holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from guestlist.sandbox._store import Clock, Json, Store

_ALIVE = "(lapses IS NULL OR lapses > ?)"
_ADD = """
INSERT INTO members VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    since = CASE WHEN lapses <= excluded.added THEN excluded.since ELSE since END,
    added = excluded.added, lapses = excluded.lapses, worth = excluded.worth
"""


@dataclass(slots=True)
class Audience:
    """One audience. ``data`` holds what only its own platform knows of it."""

    row: int
    id: str
    account: str
    name: str
    reference: str
    kind: str
    created: float
    data: dict[str, Json] = field(default_factory=dict)


class Book:
    """All audiences of one platform. Two doors of a platform open the same book by the same name.

    A key is ``(kind, value)`` or ``(kind, value, worth)``. An add is a set insert, a remove is a set delete.
    """

    def __init__(self, store: Store, clock: Clock, name: str) -> None:
        self._store = store
        self._clock = clock
        self.name = name

    def create(
        self, audience_id: str, account: str, name: str, *, reference: str = "", kind: str = "", **data: Json
    ) -> Audience:
        """Open an empty audience."""
        created = self._clock.now()
        row = self._store.insert(
            "INSERT INTO audiences (book, id, account, name, reference, kind, created, data) VALUES (?,?,?,?,?,?,?,?)",
            *(self.name, audience_id, account, name, reference, kind, created, json.dumps(data)),
        )
        return Audience(row, audience_id, account, name, reference, kind, created, data)

    def get(self, audience_id: str) -> Audience | None:
        """The audience of that id, or None."""
        found = self._select("id = ?", audience_id)
        return found[0] if found else None

    def of_account(self, account: str) -> list[Audience]:
        """All audiences of an account, the oldest first."""
        return self._select("account = ?", account)

    def all(self) -> list[Audience]:
        """All audiences, the oldest first."""
        return self._select("1 = 1")

    def _select(self, condition: str, *values: object) -> list[Audience]:
        found = self._store.rows(
            "SELECT row, id, account, name, reference, kind, created, data FROM audiences"
            f" WHERE book = ? AND {condition} ORDER BY row",
            self.name,
            *values,
        )
        return [Audience(*(*row[:-1], json.loads(row[-1]))) for row in found]

    def save(self, audience: Audience) -> None:
        """Keep changes of name, reference and data."""
        self._store.run(
            "UPDATE audiences SET name = ?, reference = ?, data = ? WHERE row = ?",
            *(audience.name, audience.reference, json.dumps(audience.data), audience.row),
        )

    def delete(self, audience: Audience) -> None:
        """Forget the audience and all that it holds."""
        self.clear(audience)
        self._store.run("DELETE FROM audiences WHERE row = ?", audience.row)

    def add(
        self,
        audience: Audience,
        keys: Iterable[Sequence[Any]],
        *,
        added: float | None = None,
        lapses: float | None = None,
    ) -> None:
        """Put keys in; one that is there already is renewed. ``added`` and ``lapses`` are moments."""
        moment = self._clock.now() if added is None else added
        row = audience.row
        self._store.many(
            _ADD, [(row, key[0], key[1], moment, moment, lapses, key[2] if len(key) > 2 else None) for key in keys]
        )

    def remove(self, audience: Audience, keys: Iterable[Sequence[Any]]) -> None:
        """Take keys out; those that are not there are no matter."""
        row = audience.row
        self._store.many(
            "DELETE FROM members WHERE audience = ? AND kind = ? AND value = ?", [(row, key[0], key[1]) for key in keys]
        )

    def clear(self, audience: Audience, before: float | None = None) -> None:
        """Take out every key, or those that were last added before a moment."""
        self._store.run("DELETE FROM members WHERE audience = ? AND (? IS NULL OR added < ?)", audience.row, before, before)

    def counts(self, audience: Audience, lag: float = 0.0) -> dict[str, int]:
        """Number of keys by kind; ``lag`` leaves out those that came less than so many seconds ago."""
        now = self._clock.now()
        found = self._store.rows(
            f"SELECT kind, count(*) FROM members WHERE audience = ? AND {_ALIVE} AND since <= ? GROUP BY kind",
            audience.row,
            now,
            now - lag,
        )
        return dict(found)

    def people(self, audience: Audience, lag: float = 0.0) -> int:
        """A platform's view of the size. Nobody can tell which keys are one person's: the commonest kind must do."""
        return max(self.counts(audience, lag).values(), default=0)

    def keys(self, audience: Audience, after: tuple[str, str] = ("", ""), limit: int = -1) -> dict[str, list[str]]:
        """Every key by kind, sorted; only those behind ``after`` (kind and value), and at most ``limit`` of them."""
        found: dict[str, list[str]] = {}
        for kind, value in self._store.rows(
            f"SELECT kind, value FROM members WHERE audience = ? AND {_ALIVE} AND (kind, value) > (?, ?) "
            "ORDER BY kind, value LIMIT ?",
            audience.row,
            self._clock.now(),
            *after,
            limit,
        ):
            found.setdefault(kind, []).append(value)
        return found
