"""The fault script: what shall go wrong, at which request, how often."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import Any, Literal

from guestlist.sandbox._store import Json

_WORDS: dict[str, tuple[object, ...]] = {
    "drop": ("before", "after"),
    "when": ("before", "after"),
    "malformed": ("html", "empty", "truncated", "wrong_type"),
    "fail_job": (True, "partial"),
}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "status": int,
    "headers": dict,
    "error": str,
    "delay": (int, float),
    "expire_token": bool,
    "silent": bool,
    "delete_audiences": bool,
    "reject_rows": list,
    "reason": str,
    "count": int,
}


@dataclass(frozen=True, slots=True)
class Action:
    """What goes wrong with one request; several things may. ``when`` is before or after the platform acted on it.

    ``silent`` acts and never answers: the client's time-out ends the request. ``delete_audiences`` deletes all audiences of the
    platform before the request is acted on, as a person may at any moment.
    """

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: Json = None
    error: str | None = None
    drop: Literal["before", "after"] | None = None
    delay: float = 0.0
    when: Literal["before", "after"] = "before"
    malformed: Literal["html", "empty", "truncated", "wrong_type"] | None = None
    expire_token: bool = False
    silent: bool = False
    delete_audiences: bool = False
    reject_rows: tuple[int, ...] = ()
    reason: str | None = None
    fail_job: bool | Literal["partial"] = False
    count: int | None = None

    @property
    def replies(self) -> bool:
        """Whether it stands in for the platform's own answer."""
        return self.status is not None or self.error is not None

    @classmethod
    def of(cls, data: dict[str, Any]) -> Action:
        """Read an action from JSON; `ValueError` or `TypeError` says what is wrong with it."""
        if unknown := sorted(set(data) - set(cls.__dataclass_fields__)):
            raise ValueError(f"an action has no {', '.join(unknown)}; it has: {', '.join(cls.__dataclass_fields__)}")
        if not data:
            raise ValueError("an action must say what goes wrong")
        for name, value in data.items():
            if not isinstance(value, _TYPES.get(name, object)):
                raise TypeError(f"{name} has the wrong type")
            if name in _WORDS and value not in _WORDS[name]:
                raise ValueError(f"{name} is one of: {', '.join(map(str, _WORDS[name]))}")
        values = {**data, "reject_rows": tuple(data.get("reject_rows", ()))}
        return cls(**values)


NOTHING = Action()


@dataclass(slots=True)
class Fault:
    """One line of the script: which requests, how many to let pass first, how often, and what happens."""

    method: str | None
    path: re.Pattern[str]
    skip: int
    times: int
    action: Action

    @classmethod
    def of(cls, data: dict[str, Any]) -> Fault:
        """Read a fault from JSON; `ValueError` or `TypeError` says what is wrong with it."""
        if unknown := sorted(set(data) - {"match", "skip", "times", "action"}):
            raise ValueError(f"a fault has no {', '.join(unknown)}; it has: match, skip, times, action")
        match = data.get("match") or {}
        try:
            pattern = re.compile(match.get("path", ""))
        except re.error as error:
            raise ValueError(f"match.path is no regular expression: {error}") from None
        action = Action.of(data.get("action") or {})
        return cls(match.get("method"), pattern, int(data.get("skip", 0)), int(data.get("times", 1)), action)

    def matches(self, method: str, path: str) -> bool:
        """Whether it is about this request."""
        return self.times > 0 and self.method in (None, method) and self.path.search(path) is not None


class FaultScript:
    """The faults of every door. A request meets at most one: the first that matches and is due."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[str, list[Fault]] = {}

    def add(self, door: str, faults: list[Fault]) -> None:
        """Append to the script of a door."""
        with self._lock:
            self._faults.setdefault(door, []).extend(faults)

    def clear(self, door: str | None = None) -> None:
        """Forget the script of a door, or all."""
        with self._lock:
            if door is None:
                self._faults.clear()
            else:
                self._faults.pop(door, None)

    def left(self, door: str) -> int:
        """How many times something will still go wrong at a door."""
        with self._lock:
            return sum(fault.times for fault in self._faults.get(door, []))

    def take(self, door: str, method: str, path: str) -> Action:
        """What shall go wrong with this request, and count it as done."""
        with self._lock:
            for fault in self._faults.get(door, []):
                if not fault.matches(method, path):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault.action
        return NOTHING
