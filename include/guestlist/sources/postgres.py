"""PostgreSQL through ADBC: read-only, streamed as Arrow by COPY."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pyarrow as pa

from guestlist.model.connection import Connection
from guestlist.model.errors import AuthError, ConfigError, DataError, GuestlistError, TransientError
from guestlist.model.segment import Source
from guestlist.sources import sql
from guestlist.sources.base import find_columns, shaped

SERVES = ("postgres", "postgresql")
_SECONDS_TO_CONNECT = 15
_BYTES_PER_BATCH = 8 << 20
_FROM_EXTRA = (  # libpq's own parameters; other keys of a connection's extra are meant for other programs
    *("host", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl", "channel_binding", "gssencmode"),
    *("connect_timeout", "application_name", "options", "target_session_attrs", "passfile", "service", "krbsrvname"),
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
)
_PASSING = re.compile(
    r"refused|time(d )?[ -]?out|starting up|shutting down|too many|connection slots|clos(ed|ing)|reset|unreachable"
    r"|recovery|terminat|lost|could not (send|receive)"
)
_LOGIN = re.compile(r"authentication failed|no password supplied|role \".*\" does not exist|pg_hba|permission denied")
_PASSING_STATES = ("08", "40", "53", "55", "57", "58")  # SQLSTATE classes: connection, rollback, resources, operator, system


def open_reader(source: Source, connection: Connection | None, _base: Path, _roots: Sequence[Path] = ()) -> PostgresReader:
    """Read from the server that the connection names; extra may hold libpq's parameters, such as ``sslmode``.

    Raises:
        ConfigError: there is no connection.
    """
    if connection is None:
        raise ConfigError(f"the connection {source.connection!r} is not known")
    return PostgresReader(source, connection)


@dataclass(frozen=True)
class PostgresReader:
    """A table or query of one PostgreSQL database."""

    source: Source
    connection: Connection

    def describe(self) -> str:
        """What is read."""
        return sql.describe(self.source)

    def schema(self) -> pa.Schema:
        """Names and types of the columns; the query is prepared and not run."""
        with self._cursor() as cursor:
            return self._schema(cursor)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """See `guestlist.sources.base.Reader`."""
        with self._cursor() as cursor:
            schema = self._schema(cursor)
            names = find_columns(columns, schema, self.describe())
            self._refuse_money(schema, names)
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BYTES_PER_BATCH)})
            cursor.execute(sql.only(names, sql.query(self.source, self.describe())))
            picked = (batch.select(names) for batch in cursor.fetch_record_batch())
            yield from shaped(picked, columns, self.describe())

    def _schema(self, cursor: Any) -> pa.Schema:
        return cursor.adbc_execute_schema(sql.query(self.source, self.describe()))

    def _refuse_money(self, schema: pa.Schema, names: Sequence[str]) -> None:
        """ADBC gives money as a number of cents, which nobody could tell from a number of euros."""
        for name in names:
            if (schema.field(name).metadata or {}).get(b"POSTGRESQL:type") == b"money":
                raise DataError(f"{self.describe()}: column {name!r} is of type money; cast it: {name}::numeric")

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        from adbc_driver_manager import Error
        from adbc_driver_postgresql import dbapi

        try:
            database = dbapi.connect(_address(self.connection), autocommit=True)
        except Error as error:
            raise self._not_connected(error) from None
        with database, database.cursor() as cursor:
            try:
                cursor.execute("SET default_transaction_read_only = on")
                yield cursor
            except (Error, OSError) as error:  # OSError: what Arrow makes of an error in the middle of the stream
                problem = self._failed(error, str(getattr(error, "sqlstate", None) or ""))
                if problem is None:
                    problem = self._no_table(database)
                raise problem from None

    def _not_connected(self, error: Exception) -> GuestlistError:
        text = sql.complaint(error, of_text=True).split("Failed to connect: ")[-1]
        if self.connection.password:
            text = text.replace(self.connection.password, "…")
        where = f"connection {self.connection.id!r}"
        if _LOGIN.search(text):
            return AuthError(f"{where}: PostgreSQL refuses the login: {text}; mend its login, password or permissions")
        if _PASSING.search(text):
            return TransientError(f"{where}: PostgreSQL cannot be reached now: {text}")
        return ConfigError(f"{where} cannot be opened: {text}; mend its host, port, schema (the database) or extra")

    def _failed(self, error: Exception, state: str) -> GuestlistError | None:
        """The error to raise; None for a table that is not there."""
        if state == "42P01" and self.source.table:
            return None
        of_text = state.startswith("42")
        text = sql.complaint(error, of_text=of_text)
        if state == "42501":
            return AuthError(f"{self.describe()}: {text}; grant it to the connection's login")
        if state.startswith(_PASSING_STATES) or (not state and _PASSING.search(text)):
            return TransientError(f"{self.describe()} was interrupted: {text}")
        return DataError(f"{self.describe()} failed: {text}")

    def _no_table(self, database: Any) -> DataError:
        tables = (
            "SELECT CASE table_schema WHEN 'public' THEN '' ELSE table_schema || '.' END || table_name AS name"
            " FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY name"
        )
        with database.cursor() as cursor:
            cursor.execute(tables)
            there = [row[0] for row in cursor.fetchall()]
        return DataError(f"{self.describe()} {sql.missing_table(self.source.table or '', there)}")


def _address(connection: Connection) -> str:
    """A libpq address; all parts are parameters, so that socket folders and odd characters need no special care."""
    parameters = {
        "host": connection.host,
        "port": connection.port,
        "user": connection.login,
        "password": connection.password,
        "dbname": connection.schema,
        "connect_timeout": _SECONDS_TO_CONNECT,
        "application_name": "guestlist",
        **{name: connection.extra[name] for name in _FROM_EXTRA if name in connection.extra},
    }
    given = {name: str(value) for name, value in parameters.items() if value not in (None, "")}
    return "postgresql:///?" + urlencode(given, quote_via=quote)
