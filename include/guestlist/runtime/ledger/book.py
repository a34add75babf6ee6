"""What all parts of the ledger share: the database, and a transaction for each method."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from guestlist.model.errors import TransientError


class Book:
    """A database whose tables are up to date. Each method of a book is one transaction. Times are UTC."""

    def __init__(self, engine: Engine) -> None:
        """Use an engine whose tables are up to date."""
        self.engine = engine

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction; `TransientError` if the database cannot be used at the moment."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise TransientError(f"the ledger could not be used: {type(error.orig).__name__}") from None
