"""Snowflake through ADBC: results come as Arrow, one chunk of the result after the other."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError
from guestlist.model.source import Source
from guestlist.sources.rest import base_of
from guestlist.sources.sql import SECONDS_TO_CONNECT, SqlReader, Trouble, driver

SERVES = ("snowflake",)
_OPTION = "adbc.snowflake.sql."
_FROM_EXTRA = {  # a key of extra -> the driver's option
    **{name: name for name in ("account", "region", "warehouse", "role")},
    "database": "db",
    "protocol": "uri.protocol",
    "token": "client_option.auth_token",
}
_JSON = ("variant", "object", "array", "geography", "geometry", "vector")
"""Their texts are JSON, in which a text has quotes."""
_TROUBLES = {
    **dict.fromkeys((390100, 390101, 390102, 390144, 390191, 390195, 394304, 394400), Trouble.LOGIN),
    **dict.fromkeys((3001, 1063), Trouble.DENIED),
    **dict.fromkeys((604, 625, 630), Trouble.PASSING),
    **dict.fromkeys((606, 2043, 390201), Trouble.SETTINGS),
    2003: Trouble.NO_TABLE,
}
_PASSING = re.compile(r"dial tcp|timeout|timed out|EOF|connection re|context deadline|HTTP: 5\d\d")


def open_reader(source: Source, connection: Connection, _base: Path, _roots: Sequence[Path] = ()) -> SnowflakeReader:
    """Read from the account that the connection's extra names, with a key or a password.

    Raises:
        ConfigError: it names none.
    """
    if not _setting(connection, "account"):
        raise ConfigError(f"connection {connection.id!r} names no account; put it into extra, as `account`")
    return SnowflakeReader(source, connection)


@dataclass(frozen=True)
class SnowflakeReader(SqlReader):
    """A table or query of one Snowflake account."""

    NAME = "Snowflake"
    FIELDS = "account, warehouse, database, role or schema"

    def _errors(self) -> tuple[type[Exception], ...]:
        from adbc_driver_manager import Error

        return (Error,)

    @contextmanager
    def _connect(self) -> Iterator[Any]:
        dbapi = driver("adbc_driver_snowflake.dbapi", "snowflake")
        options = {name: str(value) for name, value in self._options().items() if value not in (None, "")}
        with dbapi.connect(db_kwargs=options, autocommit=True) as database, database.cursor() as cursor:
            yield cursor

    def _options(self) -> dict[str, Any]:
        connection = self.connection
        if connection.host:
            base_of(f"{_setting(connection, 'protocol') or 'https'}://{connection.host}", connection)
        return {
            "username": connection.login,
            **_login(connection),
            **{_OPTION + option: _setting(connection, name) for name, option in _FROM_EXTRA.items()},
            f"{_OPTION}schema": connection.schema,
            f"{_OPTION}uri.host": connection.host,
            f"{_OPTION}uri.port": connection.port,
            f"{_OPTION}client_option.app_name": "guestlist",
            f"{_OPTION}client_option.login_timeout": f"{SECONDS_TO_CONNECT}s",
            f"{_OPTION}client_option.disable_telemetry": "true",
        }

    def _schema(self, session: Any, text: str) -> pa.Schema:
        schema = session.adbc_execute_schema(text)
        kinds = [(field.metadata or {}).get(b"SNOWFLAKE_TYPE", b"").decode().lower() for field in schema]
        return pa.schema(
            [pa.field(field.name, pa.struct([])) if kind in _JSON else field for field, kind in zip(schema, kinds, strict=True)]
        )

    def _rows(self, session: Any, text: str) -> Generator[pa.RecordBatch]:
        session.execute(text)
        with session.fetch_record_batch() as stream:
            yield from stream

    def _trouble(self, error: Exception) -> Trouble:
        code, text = getattr(error, "vendor_code", None), str(error)
        if not code and ("no such host" in text or "certificate" in text):
            return Trouble.SETTINGS
        if not code and _PASSING.search(text):
            return Trouble.PASSING
        return _TROUBLES.get(code or 0, Trouble.QUERY)

    def _message(self, error: Exception) -> str:
        text = re.sub(r"^.*\[Snowflake\] \d+ \(\w+\): ", "", str(error)).replace("SQL compilation error:\n", "")
        return re.sub(r'(?s)^.*?"http.*?": ', "", text).split(". Vendor code:")[0]

    def _tables(self, session: Any) -> Sequence[str]:
        session.execute(
            "SELECT CASE table_schema WHEN current_schema() THEN '' ELSE table_schema || '.' END || table_name"
            " FROM information_schema.tables"
            " WHERE table_schema <> 'INFORMATION_SCHEMA' ORDER BY 1"
        )
        return [row[0] for row in session.fetchall()]

    def _folded(self, name: str) -> str:
        return name.upper()


def _setting(connection: Connection, name: str) -> Any:
    """A key of extra; older versions of Airflow's provider wrote it with a prefix."""
    return connection.extra.get(name) or connection.extra.get(f"extra__snowflake__{name}")


def _login(connection: Connection) -> dict[str, Any]:
    """By the key in ``private_key_file`` or ``private_key_content``, which the password opens; a token; or the password.

    Raises:
        ConfigError: it is no key, or the password does not open it.
    """
    if _setting(connection, "authenticator") == "oauth":
        return {f"{_OPTION}auth_type": "auth_oauth"}
    path, content = _setting(connection, "private_key_file"), _setting(connection, "private_key_content")
    if not path and not content:
        return {"password": connection.password}
    return {
        f"{_OPTION}auth_type": "auth_jwt",
        f"{_OPTION}client_option.jwt_private_key_pkcs8_value": _private_key(connection, path, content),
    }


def _private_key(connection: Connection, path: str | None, content: str | None) -> str:
    """The key as PKCS 8 in PEM, opened; the provider takes it as it is in its file, or once more in base64."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

    where = f"connection {connection.id!r}"
    try:
        written = Path(path).read_bytes() if path else (content or "").encode()
        pem = written if b"-----BEGIN" in written else base64.b64decode(written)
        key = load_pem_private_key(pem, connection.password.encode() if connection.password else None)
    except OSError:
        raise ConfigError(f"{where}: there is no file {path}, which its private_key_file names") from None
    except (ValueError, TypeError, binascii.Error):
        raise ConfigError(f"{where}: its private key is no PEM file, or its password is not the key's") from None
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
