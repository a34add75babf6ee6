"""Which DAG serves a segment that the ledger names: its own, or of a pushed audience the intake's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from sqlalchemy import Row

from guestlist.runtime.intake.audiences import pushed_under
from guestlist.runtime.ledger import Ledger
from guestlist.web.answers.base import PushedAs
from guestlist.web.books import Books


@dataclass(frozen=True, slots=True)
class Served:
    """A segment as the ledger names it; ``pushed`` is its row, where it is a pushed audience."""

    segment: str
    pushed: Row[Any] | None

    @property
    def dag_id(self) -> str:
        """Whose permissions hold for it, and whose runs are its own."""
        return str(self.pushed.intake) if self.pushed is not None else self.segment

    @property
    def pushed_as(self) -> PushedAs | None:
        """The same as the pages tell it."""
        row = self.pushed
        return PushedAs(id=row.id, name=row.name, intake=row.intake) if row is not None else None


def all_served(ledger: Ledger, segments: Iterable[str]) -> dict[str, Served]:
    """Segments by name; what was pushed among them costs one query."""
    names = set(segments)
    pushed = pushed_under(ledger, names)
    return {name: Served(name, pushed.get(name)) for name in names}


def one_served(segment: str, books: Books) -> Served:
    """The segment that the address names, whether or not it is there."""
    return all_served(books, [segment])[segment]


ServedBy = Annotated[Served, Depends(one_served)]
