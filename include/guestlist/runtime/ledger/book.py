"""What all parts of the ledger share: the database, and a transaction for each method."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from guestlist.model.errors import TransientError

READS = "guestlist_reads"
"""The execution option of a connection that only reads."""

T = TypeVar("T")
_AT_ONCE = 500


def in_pieces(values: Sequence[T]) -> Iterable[Sequence[T]]:
    """As many as one query takes: databases take some ten thousands."""
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))


class Book:
    """A database whose tables are up to date. Each method of a book is one transaction. Times are UTC."""

    def __init__(self, engine: Engine) -> None:
        """Use an engine whose tables are up to date."""
        self.engine = engine
        self._reader = engine.execution_options(**{READS: True})

    def transaction(self) -> AbstractContextManager[Connection]:
        """One transaction; `TransientError` if the database cannot be used at the moment."""
        return self._begun(self.engine)

    def reading(self) -> AbstractContextManager[Connection]:
        """One transaction that only reads: it waits for nobody, and nobody for it."""
        return self._begun(self._reader)

    @contextmanager
    def _begun(self, engine: Engine) -> Iterator[Connection]:
        try:
            with engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise TransientError(f"the ledger could not be used: {type(error.orig).__name__}") from None
