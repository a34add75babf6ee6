"""Meta's upload sessions: cumulative counts, one schema, a last batch, 90 minutes, and one replace at a time.

https://developers.facebook.com/docs/marketing-api/reference/custom-audience-session
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from guestlist.sandbox._meta_errors import refused
from guestlist.sandbox._meta_rows import Rows
from guestlist.sandbox.core import Audience, Clock, Json, Records, iso

WINDOW = 90 * 60
_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class Batch:
    """The ``session`` of a request."""

    session: int
    seq: int
    last: bool


def read_batch(given: Json) -> Batch | None:
    """Read the ``session`` parameter; None where there is none. Raises `Refused` with code 100."""
    if given in (None, ""):
        return None
    try:
        session = json.loads(given) if isinstance(given, str) else given
        number, seq, last = session["session_id"], session["batch_seq"], session.get("last_batch_flag", False)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise refused(100, message="session must be an object with session_id and batch_seq") from None
    _require(_is_int(number) and 0 < number < _INT64, "session_id must be a positive 64-bit integer")
    _require(_is_int(seq) and seq >= 1, "batch_seq counts from 1")
    _require(isinstance(last, bool), "last_batch_flag must be a boolean")
    total = session.get("estimated_num_total", 0)
    _require(_is_int(total) and total >= 0, "estimated_num_total must be an integer")
    return Batch(number, seq, last)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _require(good: bool, message: str) -> None:  # noqa: FBT001 - the condition reads first
    if not good:
        raise refused(100, message=message)


class Sessions:
    """The sessions of all ad accounts."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    @staticmethod
    def key(account: str, session: int) -> str:
        """The name of a session in the records: ids are unique in an ad account."""
        return f"{account}:{session}"

    def find(self, key: str) -> dict[str, Any] | None:
        """What is known of a session."""
        found: dict[str, Any] | None = self._records.get("session", key)
        return found

    def save(self, key: str, session: dict[str, Any]) -> None:
        """Keep a session."""
        self._records.put("session", key, session)

    def begin(self, audience: Audience, operation: str, batch: Batch, rows: Rows) -> dict[str, Any]:
        """A new session, not kept yet."""
        return {
            "session_id": batch.session,
            "audience": audience.id,
            "operation": operation,
            "schema": list(rows.schema),
            "start": self._clock.now(),
            "end": None,
            "received": 0,
            "invalid": 0,
            "seen": [],
            "last": False,
            "generation": secrets.token_hex(4),
        }

    def require_same(self, session: dict[str, Any], audience: Audience, operation: str, rows: Rows) -> None:
        """Refuse a batch that belongs to another audience, operation or schema than its session."""
        if (session["audience"], session["operation"]) != (audience.id, operation):
            raise refused(100, message="This session_id was used for another upload of the ad account")
        if session["schema"] != list(rows.schema):
            raise refused(100, message="The schema must be the same in all batches of a session")

    def require_open(self, session: dict[str, Any]) -> None:
        """Refuse a batch of a session whose 90 minutes are over."""
        if self._clock.now() >= session["start"] + WINDOW:
            raise refused(2650, 1870158)

    def count(self, key: str, session: dict[str, Any], batch: Batch, rows: Rows) -> None:
        """Count a batch that was taken."""
        session["received"] += rows.count
        session["invalid"] += len(rows.invalid)
        session["seen"] = sorted({*session["seen"], batch.seq})
        if batch.last:
            session["last"], session["end"] = True, self._clock.now()
        self.save(key, session)

    def take_users(self, audience: Audience, operation: str, batch: Batch, rows: Rows) -> dict[str, Any]:
        """Count a batch of adds or removes. A batch that was seen before may come again, even after the last."""
        key = self.key(audience.account, batch.session)
        if (session := self.find(key)) is None:
            session = self.begin(audience, operation, batch, rows)
        self.require_same(session, audience, operation, rows)
        self.require_open(session)
        if session["last"] and batch.seq not in session["seen"]:
            raise refused(2650, 1870159)
        self.count(key, session, batch, rows)
        return session

    def of_audience(self, audience: Audience, matched: Callable[[int], int]) -> list[dict[str, Json]]:
        """The sessions of an audience, as they are read; ``matched`` says how many of the valid rows were matched."""
        return [
            self._view(session, matched) for _, session in self._records.all("session") if session["audience"] == audience.id
        ]

    def _view(self, session: dict[str, Any], matched: Callable[[int], int]) -> dict[str, Json]:
        over = session["last"] or self._clock.now() >= session["start"] + WINDOW
        return {
            "session_id": str(session["session_id"]),
            "start_time": iso(session["start"]),
            "end_time": iso(session["end"] or session["start"] + WINDOW) if over else None,
            "num_received": session["received"],
            "num_matched": matched(session["received"] - session["invalid"]) if over else 0,
            "num_invalid_entries": session["invalid"],
            "progress": "100" if over else "0",
            "stage": "finished" if over else "uploading",
        }
