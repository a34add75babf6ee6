"""What is in the lake: runs, plans and generations, with their sizes and ages, also those of which nobody knows any more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from guestlist.runtime import clock
from guestlist.runtime.lake import LOCKED, Lake

_DEPTHS = {"runs": 3, "plans": 4, "generations": 4}
"""How many names lead to a run, a plan, a generation."""
_AGES = ("mtime", "LastModified", "last_modified", "updated", "created")
"""What fsspec's stores call the time at which an object was written."""


@dataclass
class Stored:
    """A run, a plan or a generation, with all its files."""

    path: str
    files: int
    bytes: int
    written: datetime
    """The newest of its files."""
    locked: bool


def stored(lake: Lake) -> list[Stored]:
    """All that is there."""
    found: dict[str, Stored] = {}
    start = f"{lake.root.path.rstrip('/')}/"
    for name, facts in lake.root.fs.find(lake.root.path, detail=True).items():
        path = stored_at(name.removeprefix(start))
        if path is None:
            continue
        one = found.setdefault(path, Stored(path, 0, 0, _written(facts), locked=False))
        one.files += 1
        one.bytes += int(facts.get("size") or 0)
        one.written = max(one.written, _written(facts))
        one.locked = one.locked or LOCKED in name
    return list(found.values())


def stored_at(path: str) -> str | None:
    """The run, plan or generation that a path of the lake leads to, or into; None for what is none of them."""
    names = path.split("/")
    depth = _DEPTHS.get(names[1], 0) if len(names) > 1 else 0
    return "/".join(names[:depth]) if 0 < depth <= len(names) else None


def _written(facts: Mapping[str, Any]) -> datetime:
    """When a file was written, as its store tells it; where it does not, it counts as written now, and stays."""
    told = next((facts[name] for name in _AGES if name in facts), None)
    if isinstance(told, str):
        told = datetime.fromisoformat(told)
    if isinstance(told, int | float):
        return datetime.fromtimestamp(told, UTC)
    return (told if told.tzinfo else told.replace(tzinfo=UTC)) if isinstance(told, datetime) else clock.now()
