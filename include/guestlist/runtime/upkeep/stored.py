"""What is in the lake: runs, plans and generations, with their sizes and ages, also those of which nobody knows any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from guestlist.runtime.lake import LOCKED, Lake
from guestlist.runtime.storage import written_at

_DEPTHS = {"runs": 3, "plans": 4, "generations": 4}
"""How many names lead to a run, a plan, a generation."""


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
        one = found.setdefault(path, Stored(path, 0, 0, written_at(facts), locked=False))
        one.files += 1
        one.bytes += int(facts.get("size") or 0)
        one.written = max(one.written, written_at(facts))
        one.locked = one.locked or LOCKED in name
    return list(found.values())


def stored_at(path: str) -> str | None:
    """The run, plan or generation that a path of the lake leads to, or into; None for what is none of them."""
    names = path.split("/")
    depth = _DEPTHS.get(names[1], 0) if len(names) > 1 else 0
    return "/".join(names[:depth]) if 0 < depth <= len(names) else None
