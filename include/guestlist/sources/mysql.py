"""MySQL and MariaDB through PyMySQL: read-only, streamed from the server and turned into Arrow in blocks of rows."""

from __future__ import annotations

import json
import ssl
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError
from guestlist.model.source import Source
from guestlist.sources.base import without_zeros
from guestlist.sources.sql import SECONDS_TO_CONNECT, SqlReader, Trouble, driver

SERVES = ("mysql",)
_ROWS_AT_ONCE = 20_000
_HERE = (None, "", "localhost", "127.0.0.1", "::1")
_TLS = ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")
_TYPES = {  # by the numbers of MySQL's protocol; everything else is text
    **dict.fromkeys((1, 2, 3, 8, 9, 13, 16), pa.int64()),
    **dict.fromkeys((4, 5), pa.float64()),
    **dict.fromkeys((0, 246), pa.decimal128(38, 10)),
    10: pa.date32(),
    12: pa.timestamp("us"),
    7: pa.timestamp("us", "UTC"),
}
_BIT = 16
_TROUBLES = {
    **dict.fromkeys((1045, 1698, 1862, 3118, 4151), Trouble.LOGIN),
    **dict.fromkeys((1044, 1142, 1143, 1227, 1345, 1370), Trouble.DENIED),
    **dict.fromkeys((1040, 1053, 1152, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1226, 1317, 1969), Trouble.PASSING),
    **dict.fromkeys((2003, 2006, 2013, 3024), Trouble.PASSING),
    **dict.fromkeys((1046, 1049), Trouble.SETTINGS),
    1146: Trouble.NO_TABLE,
}


def open_reader(source: Source, connection: Connection, _base: Path, _roots: Sequence[Path] = ()) -> MySQLReader:
    """Read from the server that the connection names; extra may hold ``unix_socket``, ``charset``, ``ssl`` and ``ssl_mode``."""
    return MySQLReader(source, connection)


@dataclass(frozen=True)
class MySQLReader(SqlReader):
    """A table or query of one MySQL database."""

    NAME = "MySQL"
    QUOTE = "`"

    def _errors(self) -> tuple[type[Exception], ...]:
        return (driver("pymysql", "mysql").MySQLError,)

    @contextmanager
    def _connect(self) -> Iterator[Any]:
        pymysql = driver("pymysql", "mysql")
        connection, extra = self.connection, self.connection.extra
        opened = pymysql.connect(
            host=connection.host or "localhost",
            port=connection.port or 3306,
            user=connection.login,
            password=connection.password or "",
            database=connection.schema,
            unix_socket=extra.get("unix_socket"),
            charset=extra.get("charset") or "utf8mb4",
            **_tls(connection),
            connect_timeout=SECONDS_TO_CONNECT,
            autocommit=True,
            conv={},  # all values as the server writes them
        )
        with opened:
            cursor = opened.cursor(pymysql.cursors.SSCursor)
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            cursor.execute("SET time_zone = '+00:00', net_write_timeout = 3600")  # by default a slow reader is cut off
            yield cursor

    def _schema(self, session: Any, text: str) -> pa.Schema:
        session.execute(self._nothing())
        columns = [(name, _TYPES.get(kind, pa.string())) for name, kind, *_ in session.description]
        session.fetchall()
        return pa.schema(columns)

    def _rows(self, session: Any, text: str) -> Generator[pa.RecordBatch]:
        session.execute(text)
        columns = [(name, kind) for name, kind, *_ in session.description]
        try:
            while rows := session.fetchmany(_ROWS_AT_ONCE):
                arrays = [_array(kind, values) for (_, kind), values in zip(columns, zip(*rows, strict=True), strict=True)]
                yield pa.record_batch(arrays, names=[name for name, _ in columns])
        finally:
            session._result.unbuffered_active = False  # noqa: SLF001 - or it would read all that nobody wants any more

    def _trouble(self, error: Exception) -> Trouble:
        if "Name or service not known" in str(error) or isinstance(error.__cause__, ssl.SSLError):
            return Trouble.SETTINGS
        return _TROUBLES.get(error.args[0] if error.args else 0, Trouble.QUERY)

    def _message(self, error: Exception) -> str:
        return str(error.args[-1]) if error.args else ""

    def _tables(self, session: Any) -> Sequence[str]:
        session.execute(
            "SELECT concat(CASE table_schema WHEN database() THEN '' ELSE concat(table_schema, '.') END, table_name)"
            " FROM information_schema.tables"
            " WHERE table_schema NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys') ORDER BY 1"
        )
        return [row[0] for row in session.fetchall()]


def _array(kind: int, values: Sequence[Any]) -> pa.Array:
    """One column of a block, from the texts in which MySQL sends all values."""
    if kind == _BIT:
        return pa.array([value if value is None else int.from_bytes(value, "big") for value in values], pa.uint64())
    array = pa.array(values)
    if pa.types.is_null(array.type):
        return array
    declared = _TYPES.get(kind, pa.string())
    if pa.types.is_floating(declared):
        return array.cast(declared)
    if pa.types.is_decimal(declared):
        return without_zeros(array)
    if pa.types.is_date(declared) or pa.types.is_timestamp(declared):
        return _moment(array, declared)
    return array


def _moment(array: pa.Array, declared: pa.DataType) -> pa.Array:
    """Dates and times as `guestlist.sources.base.as_text` writes them; MySQL's date of zeros is none at all."""
    there = pc.if_else(pc.starts_with(array, "0000-00-00"), pa.scalar(None, pa.string()), array)
    if pa.types.is_date(declared):
        return there
    written = without_zeros(pc.replace_substring(there, " ", "T"))
    return pc.binary_join_element_wise(written, "Z", "") if declared.tz else written


def _tls(connection: Connection) -> dict[str, Any]:
    """What the connection's ``ssl`` and ``ssl_mode`` say; without them a server elsewhere must prove who it is.

    Raises:
        ConfigError: they say nothing that is known, or name files that are not there.
    """
    extra = connection.extra
    try:
        given = json.loads(extra["ssl"]) if isinstance(extra.get("ssl"), str) else extra.get("ssl") or {}
    except ValueError:
        given = "unknown"
    here = not given and (connection.host in _HERE or extra.get("unix_socket"))
    mode = str(extra.get("ssl_mode") or ("DISABLED" if here else "VERIFY_IDENTITY")).upper()
    if mode not in _TLS or not isinstance(given, Mapping):
        raise ConfigError(f"connection {connection.id!r}: ssl_mode is one of {', '.join(_TLS)}, and ssl names ca, cert, key")
    if mode == "DISABLED":
        return {"ssl_disabled": True}
    try:
        context = ssl.create_default_context(cafile=given.get("ca"))
        if given.get("cert"):
            context.load_cert_chain(given["cert"], given.get("key"))
    except OSError as error:
        raise ConfigError(f"connection {connection.id!r}: the files in its ssl cannot be used: {error.strerror}") from None
    context.check_hostname = mode == "VERIFY_IDENTITY"
    if mode in ("PREFERRED", "REQUIRED"):
        context.verify_mode = ssl.CERT_NONE
    return {"ssl": context}
