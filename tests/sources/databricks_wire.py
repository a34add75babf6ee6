"""Databricks' statement API as its public reference has it: EXTERNAL_LINKS with ARROW_STREAM, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from servers import answering
from sources.engine import Engine, JsonDoor, Refusal, arrow_stream

TOKEN = "dapi-hunter2-secret"
WAREHOUSE = "abc123"
_ROWS_A_CHUNK = 50_000
_NAMES = {"string": "STRING", "double": "DOUBLE", "bool": "BOOLEAN", "date32[day]": "DATE", "timestamp[us]": "TIMESTAMP_NTZ"}
_KEYS = {"statement", "warehouse_id", "catalog", "schema", "disposition", "format", "wait_timeout"}


@contextmanager
def databricks(people: str) -> Iterator[str]:
    """The address of a workspace."""
    known = {"engine": Engine("databricks", people), "results": {}, "polls": {}}
    with answering(type("Workspace", (_Workspace,), known)) as url:
        yield url


class _Workspace(JsonDoor):
    """Statements: each is asked for twice before it has succeeded."""

    engine: Engine
    results: dict[str, pa.Table]
    polls: dict[str, int]

    def do_POST(self) -> None:  # noqa: N802 - as the standard library calls it
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/api/2.0/sql/statements/" or not self._known():
            return None
        if unknown := set(body) - _KEYS:
            return self._answer(400, {"error_code": "INVALID_PARAMETER_VALUE", "message": f"unknown {unknown}"})
        if body["warehouse_id"] != WAREHOUSE:
            return self._answer(404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such warehouse"})
        assert (body["disposition"], body["format"]) == ("EXTERNAL_LINKS", "ARROW_STREAM")
        name = f"statement-{len(self.results)}"
        try:
            self.results[name] = self.engine.run(body["statement"])
        except Refusal as refusal:
            return self._answer(200, {"statement_id": name, "status": _failed(refusal)})
        self.polls[name] = 1
        return self._answer(200, {"statement_id": name, "status": {"state": "PENDING"}})

    def do_GET(self) -> None:  # noqa: N802
        if self.path.startswith("/signed/"):
            assert "Authorization" not in self.headers, "a signed address is asked without the token"
            return self._send(200, arrow_stream(self._chunk(*self.path.partition("?")[0].split("/")[2:4])))
        if not self._known():
            return None
        name, *rest = self.path.removeprefix("/api/2.0/sql/statements/").split("/")
        if rest:
            return self._answer(200, {"external_links": [self._link(name, int(rest[-1]))]})
        if self.polls.pop(name, 0):
            return self._answer(200, {"statement_id": name, "status": {"state": "RUNNING"}})
        table = self.results[name]
        columns = [{"name": field.name, "type_name": _type(field.type)} for field in table.schema]
        done = {"statement_id": name, "status": {"state": "SUCCEEDED"}, "manifest": {"schema": {"columns": columns}}}
        links = {"external_links": [self._link(name, 0)]} if table.num_rows else {}
        return self._answer(200, {**done, "result": links})

    def _known(self) -> bool:
        if self.headers.get("Authorization") == f"Bearer {TOKEN}":
            return True
        self._answer(401, {"error_code": "UNAUTHENTICATED", "message": "Credential was not sent or was of an unsupported type"})
        return False

    def _chunk(self, name: str, number: str) -> pa.Table:
        return self.results[name].slice(int(number) * _ROWS_A_CHUNK, _ROWS_A_CHUNK)

    def _link(self, name: str, number: int) -> dict[str, Any]:
        host = self.headers["Host"]
        link: dict[str, Any] = {"external_link": f"http://{host}/signed/{name}/{number}?signature=x", "chunk_index": number}
        more = (number + 1) * _ROWS_A_CHUNK < self.results[name].num_rows
        return link | ({"next_chunk_index": number + 1} if more else {})


def _type(kind: pa.DataType) -> str:
    if pa.types.is_struct(kind):
        return "STRUCT"
    return "DECIMAL" if pa.types.is_decimal(kind) else _NAMES.get(str(kind), "LONG" if pa.types.is_integer(kind) else "STRING")


def _failed(refusal: Refusal) -> dict[str, Any]:
    code = {"table": "[TABLE_OR_VIEW_NOT_FOUND] ", "query": "[UNRESOLVED_COLUMN] "}.get(refusal.kind, "[CAST_INVALID_INPUT] ")
    return {"state": "FAILED", "error": {"error_code": "BAD_REQUEST", "message": code + str(refusal)}}
