"""Snowflake's protocol as its drivers speak it: login by password or signed key, queries answered in Arrow."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import jwt
import pyarrow as pa
from cryptography.hazmat.primitives.asymmetric import rsa
from servers import answering
from sources.engine import Engine, JsonDoor, Refusal, arrow_stream

PASSWORD = "hunter2-secret"
_TOKEN = "session-token"
_ROWS_AT_FIRST = 20_000
_TYPES = {"string": ("text", 0), "double": ("real", 0), "bool": ("boolean", 0), "date32[day]": ("date", 0)}
_ERRORS = {"table": (2003, "42S02"), "query": (904, "42000"), "row": (100038, "22018")}


@contextmanager
def snowflake(people: str, key: rsa.RSAPublicKey) -> Iterator[str]:
    """The address of an account, in which `reader` logs in by password or by this key."""
    known = {"engine": Engine("snowflake", people), "chunks": {}, "key": key}
    with answering(type("Account", (_Account,), known)) as url:
        yield url


class _Account(JsonDoor):
    """The first rows of a result are in the answer itself, the others behind addresses."""

    engine: Engine
    chunks: dict[str, pa.Table]
    key: rsa.RSAPublicKey

    def do_POST(self) -> None:  # noqa: N802 - as the standard library calls it
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        path = urlsplit(self.path).path
        if path == "/session/v1/login-request":
            return self._login(json.loads(content)["data"])
        if self.headers.get("Authorization") != f'Snowflake Token="{_TOKEN}"':
            return self._fail(390101, "", "Authorization token not found")
        if path == "/queries/v1/query-request":
            return self._query(json.loads(content))
        return self._answer(200, {"success": True, "data": None, "code": None, "message": None})

    def do_GET(self) -> None:  # noqa: N802
        self._send(200, arrow_stream(self.chunks[urlsplit(self.path).path.rsplit("/", 1)[-1]]))

    def _login(self, data: dict[str, Any]) -> None:
        if not self._proved(data):
            return self._fail(390100, "08001", "Incorrect username or password was specified.")
        session = {"token": _TOKEN, "masterToken": "master", "validityInSeconds": 3600, "masterValidityInSeconds": 14400}
        return self._answer(
            200, {"success": True, "code": None, "message": None, "data": {**session, "sessionId": 1, "parameters": []}}
        )

    def _proved(self, data: dict[str, Any]) -> bool:
        if data.get("AUTHENTICATOR") != "SNOWFLAKE_JWT":
            return (data["LOGIN_NAME"].lower(), data["PASSWORD"]) == ("reader", PASSWORD)
        try:
            return bool(jwt.decode(data["TOKEN"], self.key, ["RS256"])["sub"] == "ACME.READER")
        except jwt.InvalidTokenError:
            return False

    def _query(self, body: dict[str, Any]) -> None:
        try:
            table = _fixed(self.engine.run(body["sqlText"], dry=bool(body.get("describeOnly"))))
        except Refusal as refusal:
            code, state = _ERRORS[refusal.kind]
            return self._fail(code, state, f"SQL compilation error:\n{refusal}")
        chunks = []
        for start in range(_ROWS_AT_FIRST, table.num_rows, _ROWS_AT_FIRST):
            part = table.slice(start, _ROWS_AT_FIRST)
            self.chunks[name := f"chunk-{len(self.chunks)}"] = part
            address = f"http://{self.headers['Host']}/chunks/{name}"
            chunks.append(
                {"url": address, "rowCount": part.num_rows, "uncompressedSize": part.nbytes, "compressedSize": part.nbytes}
            )
        data = {
            "parameters": [],
            "rowtype": [_column(field) for field in table.schema],
            "rowsetBase64": base64.b64encode(arrow_stream(table.slice(0, _ROWS_AT_FIRST))).decode(),
            "total": table.num_rows,
            "returned": table.num_rows,
            "queryId": "01b0-0001",
            "queryResultFormat": "arrow",
            "statementTypeId": 4096,
            "sqlState": "00000",
            "version": 1,
            **({"chunks": chunks, "chunkHeaders": {}} if chunks else {}),
        }
        return self._answer(200, {"success": True, "code": None, "message": None, "data": data})

    def _fail(self, code: int, state: str, message: str) -> None:
        data = {
            "errorCode": f"{code:06}",
            "sqlState": state,
            "queryId": "01b0-0002",
            "line": 1,
            "pos": 1,
            "type": "COMPILATION",
        }
        self._answer(200, {"success": False, "code": f"{code:06}", "message": message, "data": data})


def _fixed(table: pa.Table) -> pa.Table:
    """Names in capitals, and what Snowflake says of each column in Arrow's metadata."""
    columns, fields = [], []
    for field, column in zip(table.schema, table.columns, strict=True):
        kind = field.type
        told = _column(field)
        facts = {
            "logicalType": told["type"].upper(),
            "precision": str(told["precision"] or 0),
            "scale": str(told["scale"] or 0),
        }
        facts |= {"charLength": "0", "byteLength": "0", "finalType": "T"}
        columns.append(column.cast(pa.int64()) if pa.types.is_integer(kind) or pa.types.is_timestamp(kind) else column)
        fields.append(pa.field(told["name"], column.type, metadata=facts))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _column(field: pa.Field) -> dict[str, Any]:
    kind, metadata = field.type, field.metadata or {}
    if b"logicalType" in metadata:
        name, scale = metadata[b"logicalType"].decode().lower(), int(metadata[b"scale"])
        precision = int(metadata[b"precision"])
    else:
        name, scale = _TYPES.get(
            str(kind), ("timestamp_ntz", 6) if pa.types.is_timestamp(kind) else ("fixed", getattr(kind, "scale", 0))
        )
        precision = getattr(kind, "precision", 38) if name == "fixed" else 0
    return {
        "name": field.name.upper(),
        "type": name,
        "precision": precision,
        "scale": scale,
        "nullable": True,
        "length": None,
        "byteLength": None,
    }
