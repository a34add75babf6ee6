"""DuckDB behind the doors of the warehouses that have no server here: it understands what sqlglot translates for it."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot


class Refusal(Exception):
    """``kind``: table (there is none), query (its words are wrong) or row (a value stops it)."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Engine:
    """People, in one dialect of SQL."""

    def __init__(self, dialect: str, people: str) -> None:
        self.dialect = dialect
        self._lock = threading.Lock()
        self._database = duckdb.connect()
        self._database.execute(people)

    def run(self, text: str, *, dry: bool = False) -> pa.Table:
        """The result of one SELECT, ``dry`` without its rows; anything else is refused, as by a login that may only read."""
        try:
            statements = sqlglot.parse(text, read=self.dialect)
        except sqlglot.errors.ParseError:
            raise Refusal("query", "syntax error") from None
        if len(statements) != 1 or not isinstance(statements[0], sqlglot.exp.Query):
            raise Refusal("query", "only a SELECT may be run")
        with self._lock:
            try:
                found = self._database.sql(statements[0].sql("duckdb"))
                return _named(statements[0], (found.limit(0) if dry else found).to_arrow_table())
            except duckdb.CatalogException as error:
                raise Refusal("table", str(error)) from None
            except (duckdb.BinderException, duckdb.ParserException) as error:
                raise Refusal("query", str(error)) from None
            except duckdb.Error as error:
                raise Refusal("row", str(error)) from None


def _named(statement: sqlglot.exp.Query, table: pa.Table) -> pa.Table:
    """The columns' own names: DuckDB gives two of a subquery that are called the same different ones, warehouses do not."""
    inner = statement.find(sqlglot.exp.Subquery) if statement.is_star else None
    names = (inner.this if inner else statement).named_selects
    return table.rename_columns(names) if "*" not in names and len(names) == table.num_columns else table


def arrow_stream(table: pa.Table) -> bytes:
    """A table in Arrow's IPC format."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


class JsonDoor(BaseHTTPRequestHandler):
    """Answers in JSON."""

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, json.dumps(body).encode())

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *parts: Any) -> None:
        """Keep quiet."""
