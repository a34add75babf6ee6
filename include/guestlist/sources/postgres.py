"""PostgreSQL through ADBC: read-only, streamed as Arrow by COPY."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pyarrow as pa

from guestlist.model.connection import Connection
from guestlist.model.errors import DataError
from guestlist.model.source import Source
from guestlist.sources.sql import SECONDS_TO_CONNECT, SqlReader, Trouble

SERVES = ("postgres", "postgresql")
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
_DENIED, _NO_TABLE = "42501", "42P01"


def open_reader(source: Source, connection: Connection, _base: Path, _roots: Sequence[Path] = ()) -> PostgresReader:
    """Read from the server that the connection names; extra may hold libpq's parameters, such as ``sslmode``."""
    return PostgresReader(source, connection)


@dataclass(frozen=True)
class PostgresReader(SqlReader):
    """A table or query of one PostgreSQL database."""

    NAME = "PostgreSQL"

    def _errors(self) -> tuple[type[Exception], ...]:
        from adbc_driver_manager import Error

        return (Error,)

    @contextmanager
    def _connect(self) -> Iterator[Any]:
        from adbc_driver_postgresql import dbapi

        address = postgres_address(self._parameters())
        with dbapi.connect(address, autocommit=True) as database, database.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = on")
            yield cursor

    def _parameters(self) -> Mapping[str, Any]:
        """Libpq's parameters."""
        connection = self.connection
        return {
            "host": connection.host,
            "port": connection.port,
            "user": connection.login,
            "password": connection.password,
            "dbname": connection.schema,
            "connect_timeout": SECONDS_TO_CONNECT,
            "application_name": "guestlist",
            **{name: connection.extra[name] for name in _FROM_EXTRA if name in connection.extra},
        }

    def _schema(self, session: Any, text: str) -> pa.Schema:
        return session.adbc_execute_schema(text)

    def _rows(self, session: Any, text: str) -> Generator[pa.RecordBatch]:
        session.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BYTES_PER_BATCH)})
        session.execute(text)
        with session.fetch_record_batch() as stream:
            yield from stream

    def _chosen(self, columns: Sequence[str], schema: pa.Schema) -> list[str]:
        """ADBC gives money as a number of cents, which nobody could tell from a number of euros."""
        names = super()._chosen(columns, schema)
        for name in names:
            if (schema.field(name).metadata or {}).get(b"POSTGRESQL:type") == b"money":
                raise DataError(f"{self.describe()}: column {name!r} is of type money; cast it: {name}::numeric")
        return names

    def _trouble(self, error: Exception) -> Trouble:
        state, text = str(getattr(error, "sqlstate", None) or ""), str(error)
        if "Failed to connect" in text:
            return Trouble.LOGIN if _LOGIN.search(text) else Trouble.PASSING if _PASSING.search(text) else Trouble.SETTINGS
        if state.startswith(_PASSING_STATES) or (not state and _PASSING.search(text)):
            return Trouble.PASSING
        return {_DENIED: Trouble.DENIED, _NO_TABLE: Trouble.NO_TABLE}.get(state, Trouble.QUERY)

    def _message(self, error: Exception) -> str:
        return str(error).split("Failed to connect: ")[-1]

    def _tables(self, session: Any) -> Sequence[str]:
        session.execute(
            "SELECT CASE table_schema WHEN 'public' THEN '' ELSE table_schema || '.' END || table_name AS name"
            " FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY name"
        )
        return [row[0] for row in session.fetchall()]


def postgres_address(parameters: Mapping[str, Any]) -> str:
    """A libpq address; all parts are parameters, so that socket folders and odd characters need no special care."""
    given = {name: str(value) for name, value in parameters.items() if value not in (None, "")}
    return "postgresql:///?" + urlencode(given, quote_via=quote)
