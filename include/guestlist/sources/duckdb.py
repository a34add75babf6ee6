"""DuckDB database files: read-only, streamed as Arrow."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError, TransientError
from guestlist.model.source import Source
from guestlist.sources.base import ROWS_PER_BATCH
from guestlist.sources.sql import SqlReader, Trouble, complaint

SERVES = ("duckdb",)


def open_reader(source: Source, connection: Connection, base: Path, _roots: Sequence[Path] = ()) -> DuckDBReader:
    """Read from the file that the connection's ``host``, ``schema`` or extra ``path`` names.

    Its SQL reads that file alone, unless extra ``external_access`` is true: DuckDB would read, and write, any other one too.

    Raises:
        ConfigError: the connection names no file.
    """
    path = connection.extra.get("path") or connection.host or connection.schema
    if not path:
        raise ConfigError(f"connection {connection.id!r} names no DuckDB file; put its path into `host` or extra `path`")
    return DuckDBReader(source, connection, base / Path(str(path)).expanduser())


@dataclass(frozen=True)
class DuckDBReader(SqlReader):
    """A table or query of one DuckDB file."""

    path: Path

    NAME = "DuckDB"

    def _errors(self) -> tuple[type[Exception], ...]:
        import duckdb

        return (duckdb.Error,)

    def _connect(self) -> AbstractContextManager[Any]:
        import duckdb

        if not self.path.is_file():
            raise ConfigError(f"connection {self.connection.id!r}: there is no file {self.path}; is its path right?")
        external_access = self.connection.extra.get("external_access") is True
        bounds = {"enable_external_access": str(external_access).lower(), "lock_configuration": "true"}
        database: AbstractContextManager[Any] = duckdb.connect(str(self.path), read_only=True, config=bounds)
        return database

    def _schema(self, session: Any, text: str) -> pa.Schema:
        """The names come from DESCRIBE, because a subquery renames columns that are called the same."""
        names = [row[0] for row in session.sql(f"DESCRIBE {text}").fetchall()]
        types = session.sql(self._nothing()).to_arrow_table().schema.types
        return pa.schema(list(zip(names, types, strict=True)))

    def _rows(self, session: Any, text: str) -> Generator[pa.RecordBatch]:
        with session.sql(text).to_arrow_reader(ROWS_PER_BATCH) as stream:
            yield from stream

    def _not_connected(self, error: Exception) -> ConfigError | TransientError:
        where = f"connection {self.connection.id!r}: the DuckDB file {self.path}"
        if "lock" in str(error) or "different configuration" in str(error):
            return TransientError(f"{where} is open elsewhere for writing; try again when that has finished")
        return ConfigError(f"{where} cannot be opened: {complaint(str(error), of_text=True)}")

    def _trouble(self, error: Exception) -> Trouble:
        import duckdb

        return Trouble.NO_TABLE if isinstance(error, duckdb.CatalogException) else Trouble.QUERY

    def _tables(self, session: Any) -> Sequence[str]:
        tables = "SELECT table_name FROM information_schema.tables ORDER BY table_name"
        return [row[0] for row in session.sql(tables).fetchall()]
