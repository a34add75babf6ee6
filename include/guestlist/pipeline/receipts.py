"""The chain of erasure receipts: each has the digest of the one before, so that none can be changed or left out unnoticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NOTHING = "0" * 64
"""What stands in the first receipt in the place of the digest before it."""


@dataclass(frozen=True)
class Link:
    """A receipt: ``content`` is JSON, kept byte by byte; ``number`` counts from 1."""

    number: int
    content: str
    previous: str
    digest: str

    @property
    def name(self) -> str:
        """How a person pins it: ``number:digest``."""
        return f"{self.number}:{self.digest}"


def link_after(last: Link | None, facts: Mapping[str, Any]) -> Link:
    """The next receipt of a chain."""
    number, previous = (last.number + 1, last.digest) if last else (1, NOTHING)
    content = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return Link(number, content, previous, _digest(number, previous, content))


def first_break(chain: Sequence[Link], head: str | None = None) -> str | None:
    """What is wrong with the first receipt that does not fit, for a person; None where the chain is whole.

    A chain that has lost its end still fits together: ``head`` is the name of a receipt that was seen before and has to be
    there.
    """
    previous = NOTHING
    for number, link in enumerate(chain, start=1):
        if link.number != number:
            return f"receipt {number} is not there: receipt {link.number} stands in its place"
        if link.previous != previous:
            return f"receipt {number} does not follow the one before it"
        if link.digest != _digest(link.number, link.previous, link.content):
            return f"receipt {number} was changed"
        previous = link.digest
    if head is not None and head not in {link.name for link in chain}:
        place = head.partition(":")[0]
        seen = place.isdecimal() and int(place) <= len(chain)
        return f"receipt {place} is another one than was seen before" if seen else f"receipt {place} is not there any more"
    return None


def digest_of_list(rows: Iterable[Sequence[str]]) -> str:
    """What a receipt says of an erasure's list: whoever has the list can prove it, nobody can guess back (it holds a salt)."""
    return hashlib.sha256("\n".join(sorted("|".join(row) for row in rows)).encode()).hexdigest()


def _digest(number: int, previous: str, content: str) -> str:
    return hashlib.sha256(f"{number}\n{previous}\n{content}".encode()).hexdigest()
