"""Databricks through its statement API: a SQL warehouse runs the query, and its result is fetched as Arrow, chunk by chunk."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError
from guestlist.model.source import Source
from guestlist.sources.rest import Door, Refused, base_of
from guestlist.sources.sql import SqlReader, Trouble

SERVES = ("databricks",)
_STATEMENTS = "/api/2.0/sql/statements"
_WAIT = "30s"
_TYPES = {
    **dict.fromkeys(("BYTE", "SHORT", "INT", "LONG"), pa.int64()),
    **dict.fromkeys(("FLOAT", "DOUBLE"), pa.float64()),
    **dict.fromkeys(("ARRAY", "MAP"), pa.list_(pa.string())),
    **dict.fromkeys(("STRUCT", "VARIANT", "USER_DEFINED_TYPE", "INTERVAL"), pa.struct([])),
    "DECIMAL": pa.decimal128(38, 10),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
    "TIMESTAMP_NTZ": pa.timestamp("us"),
    "BINARY": pa.binary(),
}
_TROUBLES = {
    **dict.fromkeys(("UNAUTHENTICATED", "INVALID_TOKEN"), Trouble.LOGIN),
    **dict.fromkeys(("PERMISSION_DENIED", "INSUFFICIENT_PERMISSIONS"), Trouble.DENIED),
    **dict.fromkeys(
        ("TEMPORARILY_UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "CANCELLED", "ABORTED"), Trouble.PASSING
    ),
    **dict.fromkeys(("ENDPOINT_NOT_FOUND", "RESOURCE_DOES_NOT_EXIST"), Trouble.SETTINGS),
}


def open_reader(source: Source, connection: Connection, _base: Path, _roots: Sequence[Path] = ()) -> DatabricksReader:
    """Read through the SQL warehouse that the connection's ``host`` and extra ``http_path`` name, with a token.

    Raises:
        ConfigError: one of the three is missing.
    """
    fields = {"host": connection.host, "http_path (in extra)": connection.extra.get("http_path")}
    missing = [name for name, value in {**fields, "password (a token)": _token(connection)}.items() if not value]
    if missing:
        raise ConfigError(f"connection {connection.id!r} lacks {', '.join(missing)}")
    return DatabricksReader(source, connection)


@dataclass(frozen=True)
class DatabricksReader(SqlReader):
    """A table or query of one Databricks workspace."""

    NAME = "Databricks"
    FIELDS = "host, http_path or token"
    QUOTE = "`"

    def _errors(self) -> tuple[type[Exception], ...]:
        return (Refused,)

    @contextmanager
    def _connect(self) -> Iterator[Any]:
        door = Door(base_of(self.connection.host or "", self.connection), _token(self.connection) or "", _reason)
        try:
            yield door
        finally:
            door.close()

    def _schema(self, session: Any, text: str) -> pa.Schema:
        """``text`` is the query as it stands: what is described here has none of its rows."""
        columns = self._run(session, self._nothing())["manifest"]["schema"].get("columns", [])
        return pa.schema([(column["name"], _TYPES.get(column["type_name"], pa.string())) for column in columns])

    def _rows(self, session: Any, text: str) -> Generator[pa.RecordBatch]:
        done = self._run(session, text)
        result = done.get("result") or {}
        while links := result.get("external_links"):
            for link in links:
                with pa.ipc.open_stream(session.fetch(link["external_link"])) as stream:
                    yield from stream
            if (following := links[-1].get("next_chunk_index")) is None:
                return
            result = session.ask("GET", f"{_STATEMENTS}/{done['statement_id']}/result/chunks/{following}")

    def _run(self, session: Any, text: str) -> dict[str, Any]:
        """The answer once the statement has succeeded."""
        connection = self.connection
        asked = {
            "statement": text,
            "warehouse_id": str(connection.extra["http_path"]).rstrip("/").rsplit("/", 1)[-1],
            "catalog": connection.extra.get("catalog"),
            "schema": connection.schema,
            "disposition": "EXTERNAL_LINKS",
            "format": "ARROW_STREAM",
            "wait_timeout": _WAIT,
        }
        answer: dict[str, Any] = session.ask(
            "POST", f"{_STATEMENTS}/", json={name: value for name, value in asked.items() if value}
        )
        while answer["status"]["state"] in ("PENDING", "RUNNING"):
            answer = session.ask("GET", f"{_STATEMENTS}/{answer['statement_id']}")
        if answer["status"]["state"] != "SUCCEEDED":
            error = answer["status"].get("error") or {}
            state = answer["status"]["state"]
            raise Refused(400, error.get("error_code") or "CANCELLED", error.get("message") or f"the statement is {state}")
        return answer

    def _trouble(self, error: Exception) -> Trouble:
        if not isinstance(error, Refused):
            return Trouble.PASSING
        if error.status == 401:
            return Trouble.LOGIN
        if error.passing:
            return Trouble.PASSING
        if "[TABLE_OR_VIEW_NOT_FOUND]" in error.message:
            return Trouble.NO_TABLE
        if "[INSUFFICIENT_PERMISSIONS]" in error.message:
            return Trouble.DENIED
        return _TROUBLES.get(error.reason, Trouble.DENIED if error.status == 403 else Trouble.QUERY)

    def _tables(self, session: Any) -> Sequence[str]:
        tables = "SELECT table_name FROM information_schema.tables WHERE table_schema <> 'information_schema' ORDER BY 1"
        return [name for batch in self._rows(session, tables) for name in batch.column(0).to_pylist()]


def _token(connection: Connection) -> str | None:
    return connection.extra.get("token") or connection.password


def _reason(answer: Mapping[str, Any]) -> tuple[str, str]:
    return str(answer.get("error_code") or ""), str(answer.get("message") or "")
