"""BigQuery as its public references have it: jobs over REST, rows over the gRPC Storage Read API, a token for a signed key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import grpc
import jwt
import pyarrow as pa
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.cloud.bigquery_storage_v1 import types
from servers import answering
from sources.engine import Engine, JsonDoor, Refusal

PROJECT = "shop-123"
TOKEN = "ya29.hunter2-secret"
_ROWS_A_MESSAGE = 10_000
_NAMES = {"string": "STRING", "double": "FLOAT", "bool": "BOOLEAN", "date32[day]": "DATE", "timestamp[us]": "DATETIME"}
_SERVICE = "google.cloud.bigquery.storage.v1.BigQueryRead"


@contextmanager
def bigquery(people: str) -> Iterator[dict[str, Any]]:
    """What a connection's extra has to hold."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    results: dict[str, pa.Table] = {}
    known = {"engine": Engine("bigquery", people), "results": results, "key": key.public_key(), "asked": {}, "errors": {}}
    with answering(type("BigQuery", (_Jobs,), known)) as url, ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool)
        server.add_generic_rpc_handlers((_storage(results),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield {
                "project": PROJECT,
                "api_endpoint": url,
                "storage_endpoint": f"http://127.0.0.1:{port}",
                "keyfile_dict": {
                    "type": "service_account",
                    "client_email": "reader@shop-123.iam.gserviceaccount.com",
                    "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
                    "token_uri": f"{url}/token",
                },
            }
        finally:
            server.stop(None).wait()


class _Jobs(JsonDoor):
    """Each job is asked for twice before it is done."""

    engine: Engine
    results: dict[str, pa.Table]
    asked: dict[str, int]
    errors: dict[str, str]
    key: rsa.RSAPublicKey

    def do_POST(self) -> None:  # noqa: N802 - as the standard library calls it
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/token":
            return self._token(parse_qs(content.decode())["assertion"][0])
        if not self._known():
            return None
        body = json.loads(content)
        query = body["configuration"]["query"]
        assert query["useLegacySql"] is False
        assert self.path == f"/bigquery/v2/projects/{PROJECT}/jobs"
        try:
            table = self.engine.run(query["query"], dry=body["configuration"]["dryRun"])
        except Refusal as refusal:
            if refusal.kind != "row":
                return self._refuse(refusal)
            self.errors["broken"] = str(refusal)
            self.asked["broken"] = 0
            return self._answer(200, self._job("broken"))
        name = f"job_{len(self.results)}"
        if body["configuration"]["dryRun"]:
            columns = [{"name": field.name, "type": _type(field.type)} for field in table.schema]
            about = {"query": {"statementType": "SELECT", "schema": {"fields": columns}}}
            return self._answer(200, {"jobReference": {"projectId": PROJECT}, "statistics": about})
        self.results[name] = table
        self.asked[name] = 0
        return self._answer(200, self._job(name))

    def do_GET(self) -> None:  # noqa: N802
        path = urlsplit(self.path).path.removeprefix(f"/bigquery/v2/projects/{PROJECT}/")
        if not self._known():
            return None
        kind, _, name = path.partition("/")
        if kind == "datasets":
            return self._answer(200, {"tables": [{"tableReference": {"tableId": "people"}}]})
        if kind == "queries":
            self.asked[name] += 1
            return self._answer(200, {"jobComplete": self.asked[name] > 1})
        return self._answer(200, self._job(name))

    def _job(self, name: str) -> dict[str, Any]:
        error = {"errorResult": {"reason": "invalidQuery", "message": self.errors[name]}} if name in self.errors else {}
        place = {"projectId": PROJECT, "datasetId": "_anonymous", "tableId": name}
        reference = {"projectId": PROJECT, "jobId": name, "location": "EU"}
        return {"jobReference": reference, "configuration": {"query": {"destinationTable": place}}, "status": error}

    def _token(self, assertion: str) -> None:
        try:
            jwt.decode(assertion, self.key, ["RS256"], options={"verify_aud": False})
        except jwt.InvalidSignatureError:
            return self._answer(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
        return self._answer(200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})

    def _known(self) -> bool:
        if self.headers.get("Authorization") == f"Bearer {TOKEN}":
            return True
        self._answer(401, {"error": {"code": 401, "message": "Invalid Credentials", "status": "UNAUTHENTICATED"}})
        return False

    def _refuse(self, refusal: Refusal) -> None:
        status, reason, words = (404, "notFound", "Not found: Table ") if refusal.kind == "table" else (400, "invalidQuery", "")
        error = {"code": status, "message": words + str(refusal), "errors": [{"reason": reason}]}
        self._answer(status, {"error": error})


def _type(kind: pa.DataType) -> str:
    return (
        "NUMERIC" if pa.types.is_decimal(kind) else _NAMES.get(str(kind), "INTEGER" if pa.types.is_integer(kind) else "STRING")
    )


def _storage(results: dict[str, pa.Table]) -> grpc.GenericRpcHandler:
    def create(request: types.CreateReadSessionRequest, _context: Any) -> types.ReadSession:
        assert request.read_session.data_format == types.DataFormat.ARROW
        name = request.read_session.table.rsplit("/", 1)[-1]
        streams = [types.ReadStream(name=f"streams/{name}")] if results[name].num_rows else []
        schema = types.ArrowSchema(serialized_schema=results[name].schema.serialize().to_pybytes())
        return types.ReadSession(name="session", arrow_schema=schema, streams=streams)

    def read(request: types.ReadRowsRequest, _context: Any) -> Iterator[types.ReadRowsResponse]:
        table = results[request.read_stream.removeprefix("streams/")]
        for batch in table.slice(request.offset).combine_chunks().to_batches(_ROWS_A_MESSAGE):
            rows = types.ArrowRecordBatch(serialized_record_batch=batch.serialize().to_pybytes())
            yield types.ReadRowsResponse(arrow_record_batch=rows, row_count=batch.num_rows)

    def method(make: Any, call: Any, asked: Any, answer: Any) -> Any:
        return make(call, request_deserializer=asked.deserialize, response_serializer=answer.serialize)

    unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    methods = {
        "CreateReadSession": method(unary, create, types.CreateReadSessionRequest, types.ReadSession),
        "ReadRows": method(stream, read, types.ReadRowsRequest, types.ReadRowsResponse),
    }
    return grpc.method_handlers_generic_handler(_SERVICE, methods)
