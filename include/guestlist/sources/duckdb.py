"""DuckDB database files: read-only, streamed as Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError, DataError, TransientError
from guestlist.model.segment import Source
from guestlist.sources import sql
from guestlist.sources.base import ROWS_PER_BATCH, find_columns, shaped

SERVES = ("duckdb",)


def open_reader(source: Source, connection: Connection | None, base: Path, _roots: Sequence[Path] = ()) -> DuckDBReader:
    """Read from the file that the connection's ``host``, ``schema`` or extra ``path`` names.

    Its SQL reads that file alone, unless extra ``external_access`` is true: DuckDB would read, and write, any other one too.

    Raises:
        ConfigError: the connection names no file.
    """
    if connection is None:
        raise ConfigError(f"the connection {source.connection!r} is not known")
    path = connection.extra.get("path") or connection.host or connection.schema
    if not path:
        raise ConfigError(f"connection {connection.id!r} names no DuckDB file; put its path into `host` or extra `path`")
    beyond = connection.extra.get("external_access") is True
    return DuckDBReader(source, connection.id, base / Path(str(path)).expanduser(), beyond)


@dataclass(frozen=True)
class DuckDBReader:
    """A table or query of one DuckDB file."""

    source: Source
    connection_id: str
    path: Path
    external_access: bool

    def describe(self) -> str:
        """What is read."""
        return sql.describe(self.source)

    def schema(self) -> pa.Schema:
        """Names and types of the columns; the query is planned and not run."""
        with self._open() as database:
            return self._schema(database)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """See `guestlist.sources.base.Reader`."""
        with self._open() as database:
            names = find_columns(columns, self._schema(database), self.describe())
            text = sql.only(names, sql.query(self.source, self.describe()))
            rows = database.sql(text).to_arrow_reader(ROWS_PER_BATCH)
            picked = (batch.select(names) for batch in rows)
            yield from shaped(picked, columns, self.describe())

    def _schema(self, database: Any) -> pa.Schema:
        """The names come from DESCRIBE, because a subquery renames columns that are called the same."""
        text = sql.query(self.source, self.describe())
        names = [row[0] for row in database.sql(f"DESCRIBE {text}").fetchall()]
        types = database.sql(f"SELECT * FROM (\n{text}\n) LIMIT 0").to_arrow_table().schema.types
        return pa.schema(list(zip(names, types, strict=True)))

    @contextmanager
    def _open(self) -> Iterator[Any]:
        import duckdb

        if not self.path.is_file():
            raise ConfigError(f"connection {self.connection_id!r}: there is no file {self.path}; is its path right?")
        try:
            database = duckdb.connect(str(self.path), read_only=True, config=self._bounds())
        except duckdb.Error as error:
            raise self._not_opened(error) from None
        try:
            yield database
        except (duckdb.Error, OSError) as error:  # OSError: what Arrow makes of an error in the middle of the stream
            raise self._failed(error, database) from None
        finally:
            database.close()

    def _bounds(self) -> dict[str, str]:
        return {"enable_external_access": str(self.external_access).lower(), "lock_configuration": "true"}

    def _not_opened(self, error: Exception) -> ConfigError | TransientError:
        where = f"connection {self.connection_id!r}: the DuckDB file {self.path}"
        if "lock" in str(error) or "different configuration" in str(error):
            return TransientError(f"{where} is open elsewhere for writing; try again when that has finished")
        return ConfigError(f"{where} cannot be opened: {sql.complaint(error, of_text=True)}")

    def _failed(self, error: Exception, database: Any) -> DataError:
        import duckdb

        if self.source.table and isinstance(error, duckdb.CatalogException):
            tables = "SELECT table_name FROM information_schema.tables ORDER BY table_name"
            there = [row[0] for row in database.sql(tables).fetchall()]
            return DataError(f"{self.describe()} {sql.missing_table(self.source.table, there)}")
        of_text = isinstance(error, duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException)
        return DataError(f"{self.describe()} failed: {sql.complaint(error, of_text=of_text)}")
