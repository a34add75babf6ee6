"""What the SQL databases share: one way of reading, quoting of names, and complaints without people's values."""

from __future__ import annotations

import difflib
import importlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ClassVar

import pyarrow as pa

from guestlist.model.connection import Connection
from guestlist.model.errors import AuthError, ConfigError, DataError, GuestlistError, TransientError
from guestlist.model.source import Source
from guestlist.sources.base import find_columns, shaped

SECONDS_TO_CONNECT = 15
_SHOWN_TABLES = 40
_PART = re.compile(r'"((?:[^"]|"")+)"|([^".\s]+)')
_VALUE = re.compile(r"\S+@\S+|'[^']*'?|\"[^\"]*\"?|(?<![A-Za-z_0-9])[+-]?\d[\d.,:eE+-]*")
_END = re.compile(r"[\s;]*;\s*(?:--[^\n]*\s*)*$")


class Trouble(Enum):
    """What a driver's error is about."""

    LOGIN = auto()
    """The database does not accept the credential."""
    DENIED = auto()
    """The login may not read this."""
    PASSING = auto()
    """It may work later."""
    SETTINGS = auto()
    """The connection's fields are wrong."""
    NO_TABLE = auto()
    QUERY = auto()
    """The query is wrong, or stumbles over a row."""


@dataclass(frozen=True)
class SqlReader(ABC):
    """A table or query of one database.

    A kind of database says how it connects, how it describes and streams a query, and what its driver's errors mean. The rest
    is the same for all: a query is described first, and only then run, with the wanted columns alone. An error of
    the first step is about the query's own words; one of the second may quote a row, and its values are blanked.
    """

    source: Source
    connection: Connection

    NAME: ClassVar[str]
    FIELDS: ClassVar[str] = "host, port, schema (the database) or extra"
    """Where the connection says what to open."""
    QUOTE: ClassVar[str] = '"'

    def describe(self) -> str:
        """What is read."""
        what = f"table {self.source.table}" if self.source.table else "the SQL"
        return f"{what} of connection {self.source.connection}"

    def schema(self) -> pa.Schema:
        """Names and types of the columns; the query is described and not run."""
        with self._session() as session:
            return self._described(session)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """See `guestlist.sources.base.Reader`."""
        with self._session() as session:
            names = self._chosen(columns, self._described(session))
            with self._told(session, of_text=False), closing(self._rows(session, self._only(names))) as rows:
                picked = (batch.select(names) for batch in rows)
                yield from shaped(picked, columns, self.describe())

    @abstractmethod
    def _errors(self) -> tuple[type[Exception], ...]:
        """What the driver raises."""

    @abstractmethod
    def _connect(self) -> AbstractContextManager[Any]:
        """A session that only reads, as far as the database knows such."""

    @abstractmethod
    def _schema(self, session: Any, text: str) -> pa.Schema:
        """The columns of a query."""

    @abstractmethod
    def _rows(self, session: Any, text: str) -> Generator[pa.RecordBatch]:
        """The rows of a query, a bounded number of bytes at a time; closed where nobody wants the rest."""

    @abstractmethod
    def _trouble(self, error: Exception) -> Trouble:
        """What an error of the driver is about."""

    @abstractmethod
    def _tables(self, session: Any) -> Sequence[str]:
        """The names of the tables that can be read."""

    def _chosen(self, columns: Sequence[str], schema: pa.Schema) -> list[str]:
        """The database's own names of the wanted columns, of which each has values that are what they seem."""
        return find_columns(columns, schema, self.describe())

    def _message(self, error: Exception) -> str:
        return str(error)

    @contextmanager
    def _session(self) -> Iterator[Any]:
        with ExitStack() as stack:
            try:
                session = stack.enter_context(self._connect())
            except self._errors() as error:
                raise self._not_connected(error) from None
            yield session

    def _described(self, session: Any) -> pa.Schema:
        with self._told(session, of_text=True):
            return self._schema(session, self._query())

    @contextmanager
    def _told(self, session: Any, *, of_text: bool) -> Iterator[None]:
        errors: tuple[type[Exception], ...] = (*self._errors(), OSError)  # what Arrow makes of an error amid the stream
        try:
            yield
        except errors as error:
            raise self._failed(session, error, of_text=of_text) from None

    def _not_connected(self, error: Exception) -> GuestlistError:
        trouble = self._trouble(error)
        text = self._complaint(error, of_text=True)
        where = f"connection {self.connection.id!r}"
        if trouble in (Trouble.LOGIN, Trouble.DENIED):
            return AuthError(f"{where}: {self.NAME} refuses the login: {text}; mend its login, password or permissions")
        if trouble is Trouble.PASSING:
            return TransientError(f"{where}: {self.NAME} cannot be reached now: {text}")
        return ConfigError(f"{where} cannot be opened: {text}; mend its {self.FIELDS}")

    def _failed(self, session: Any, error: Exception, *, of_text: bool) -> GuestlistError:
        trouble = self._trouble(error)
        if trouble in (Trouble.LOGIN, Trouble.SETTINGS) or (trouble is Trouble.PASSING and of_text):
            return self._not_connected(error)
        if trouble is Trouble.NO_TABLE and self.source.table:
            return DataError(f"{self.describe()} {_missing_table(self.source.table, self._tables(session))}")
        text = self._complaint(error, of_text=of_text)
        if trouble is Trouble.DENIED:
            return AuthError(f"{self.describe()}: {text}; grant it to the connection's login")
        if trouble is Trouble.PASSING:
            return TransientError(f"{self.describe()} was interrupted: {text}")
        return DataError(f"{self.describe()} failed: {text}")

    def _complaint(self, error: Exception, *, of_text: bool) -> str:
        text = complaint(self._message(error) or type(error).__name__, of_text=of_text)
        return text.replace(self.connection.password, "…") if self.connection.password else text

    def _query(self) -> str:
        """The query that gives all of the source: its own SQL without the closing semicolon, or the whole table."""
        if self.source.table:
            return "SELECT * FROM " + ".".join(map(self._quoted, table_parts(self.source.table, self.describe(), self._folded)))
        return _END.sub("", self.source.sql or "")

    def _only(self, names: Sequence[str]) -> str:
        """The query reduced to some of its columns; the line break ends a comment on its last line."""
        return f"SELECT {', '.join(map(self._quoted, dict.fromkeys(names)))} FROM (\n{self._query()}\n) AS source_rows"

    def _nothing(self) -> str:
        """The query with its columns and none of its rows."""
        return f"SELECT * FROM (\n{self._query()}\n) AS source_rows LIMIT 0"

    def _folded(self, name: str) -> str:
        """What the database makes of a table's name without quotes."""
        return name

    def _quoted(self, name: str) -> str:
        return self.QUOTE + name.replace(self.QUOTE, self.QUOTE * 2) + self.QUOTE


def driver(module: str, extra: str) -> Any:
    """A database's driver, which is installed only where that database is read.

    Raises:
        ConfigError: it is not there.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ConfigError(
            f"{module} is not installed, which reads such a connection: pip install 'guestlist[{extra}]'"
        ) from None


def table_parts(table: str, where: str, fold: Callable[[str], str]) -> list[str]:
    """``sales.customers`` or ``"odd name".customers`` -> its parts; those without quotes are folded as the database does it.

    Raises:
        DataError: it is not a table's name.
    """
    if not re.fullmatch(rf"\s*(?:{_PART.pattern})(?:\.(?:{_PART.pattern}))*\s*", table):
        raise DataError(f'{where}: {table!r} is not the name of a table; write table, schema.table or "odd name".table')
    found = _PART.finditer(table)
    return [match[1].replace('""', '"') if match[1] else fold(match[2]) for match in found]


def _missing_table(table: str, there: Sequence[str]) -> str:
    """What to say when ``there``, the tables that can be read, do not hold ``table``."""
    near = difflib.get_close_matches(table.casefold(), [name.casefold() for name in there], n=2)
    hint = f" (is it {' or '.join(near)}?)" if near else ""
    shown = ", ".join(there[:_SHOWN_TABLES]) + (", ..." if len(there) > _SHOWN_TABLES else "")
    return f"is not there{hint}; there are: {shown or 'no tables at all'}"


def complaint(message: str, *, of_text: bool) -> str:
    """The first line of a driver's message.

    ``of_text`` says that it is about the query's own words (a wrong name, a typing mistake). Otherwise it may quote what it
    found in a row, and everything in quotes and all numbers are blanked.
    """
    line = next(iter(message.strip().splitlines()), "")
    line = re.sub(r"^.*?(?:ERROR|FATAL):\s+", "", line)
    return line if of_text else _VALUE.sub("…", line)
