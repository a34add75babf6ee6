"""BigQuery: its REST API runs the query, and Google's client of the Storage Read API streams the result as Arrow."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError, DataError
from guestlist.model.source import Source
from guestlist.sources.google_login import google_credentials, google_setting
from guestlist.sources.rest import Door, Refused, base_of
from guestlist.sources.sql import SqlReader, Trouble, driver, table_parts

SERVES = ("gcpbigquery", "google_cloud_platform")
_STORAGE, _EXTRA = "google.cloud.bigquery_storage_v1", "bigquery"
_SCOPE = "https://www.googleapis.com/auth/bigquery"
_API = "https://bigquery.googleapis.com"
_POLL_MILLISECONDS = 10_000
_TYPES = {
    **dict.fromkeys(("INTEGER", "INT64"), pa.int64()),
    **dict.fromkeys(("FLOAT", "FLOAT64"), pa.float64()),
    **dict.fromkeys(("NUMERIC", "BIGNUMERIC"), pa.decimal128(38, 9)),
    **dict.fromkeys(("BOOLEAN", "BOOL"), pa.bool_()),
    **dict.fromkeys(("RECORD", "STRUCT", "JSON", "RANGE", "INTERVAL"), pa.struct([])),  # a text in JSON has quotes
    "DATE": pa.date32(),
    "DATETIME": pa.timestamp("us"),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
    "TIME": pa.time64("us"),
    "BYTES": pa.binary(),
}
_TROUBLES = {
    **dict.fromkeys(("accessDenied", "responseTooLarge", "PERMISSION_DENIED"), Trouble.DENIED),
    **dict.fromkeys(("rateLimitExceeded", "quotaExceeded", "backendError", "internalError", "stopped"), Trouble.PASSING),
    **dict.fromkeys(("jobBackendError", "jobInternalError", "jobRateLimitExceeded", "UNAVAILABLE"), Trouble.PASSING),
    "UNAUTHENTICATED": Trouble.LOGIN,
}


def open_reader(source: Source, connection: Connection, _base: Path, _roots: Sequence[Path] = ()) -> BigQueryReader:
    """Read in the project that the connection's extra names, or its key.

    Raises:
        ConfigError: there is none.
    """
    if not google_setting(connection, "project"):
        raise ConfigError(f"connection {connection.id!r} names no project; put it into extra, as `project`")
    return BigQueryReader(source, connection)


@dataclass(frozen=True)
class _Session:
    door: Door
    storage: Any
    project: str
    location: dict[str, str]


@dataclass(frozen=True)
class BigQueryReader(SqlReader):
    """A table or query of one BigQuery project."""

    NAME = "BigQuery"
    FIELDS = "project, location or key"
    QUOTE = "`"

    def _errors(self) -> tuple[type[Exception], ...]:
        from google.api_core.exceptions import GoogleAPICallError

        return (Refused, GoogleAPICallError)

    @contextmanager
    def _connect(self) -> Iterator[Any]:
        storage = driver(_STORAGE, _EXTRA)
        credentials = google_credentials(self.connection, _SCOPE)
        base = base_of(self.connection.extra.get("api_endpoint") or _API, self.connection)
        door = Door(base, credentials.token, _reason)
        location = google_setting(self.connection, "location")
        try:
            with _storage_client(storage, credentials, self.connection) as client:
                project = google_setting(self.connection, "project")
                yield _Session(door, client, project, {"location": location} if location else {})
        finally:
            door.close()

    def _schema(self, session: _Session, text: str) -> pa.Schema:
        """By a dry run, which costs nothing and tells what the statement would do."""
        about = self._job(session, text, dry_run=True)["statistics"]["query"]
        if about.get("statementType") != "SELECT":
            raise DataError(f"{self.describe()} failed: it is a {about.get('statementType')}; write one SELECT")
        return pa.schema([(column["name"], _type(column)) for column in about["schema"].get("fields", [])])

    def _rows(self, session: _Session, text: str) -> Generator[pa.RecordBatch]:
        done = self._finished(session, self._job(session, text, dry_run=False))
        place = done["configuration"]["query"]["destinationTable"]
        table = "projects/{projectId}/datasets/{datasetId}/tables/{tableId}".format_map(place)
        asked = {"table": table, "data_format": "ARROW"}
        parent = f"projects/{session.project}"
        opened = session.storage.create_read_session(parent=parent, read_session=asked, max_stream_count=1)
        schema = pa.ipc.read_schema(pa.py_buffer(opened.arrow_schema.serialized_schema))
        for stream in opened.streams:
            for answer in session.storage.read_rows(stream.name):
                batch = pa.py_buffer(answer.arrow_record_batch.serialized_record_batch)
                yield pa.ipc.read_record_batch(batch, schema)

    def _job(self, session: _Session, text: str, *, dry_run: bool) -> dict[str, Any]:
        """A query as a job, with the result in a table that BigQuery itself removes after a day."""
        query = {"query": text, "useLegacySql": False}
        asked = {
            "configuration": {"dryRun": dry_run, "labels": {"application": "guestlist"}, "query": query},
            "jobReference": {"projectId": session.project, **session.location},
        }
        return session.door.ask("POST", f"/bigquery/v2/projects/{session.project}/jobs", json=asked)

    def _finished(self, session: _Session, job: Mapping[str, Any]) -> dict[str, Any]:
        reference = job["jobReference"]
        here = {name: reference[name] for name in ("location",) if name in reference}
        place = f"/bigquery/v2/projects/{reference['projectId']}"
        wait = {**here, "maxResults": 0, "timeoutMs": _POLL_MILLISECONDS}
        while not session.door.ask("GET", f"{place}/queries/{reference['jobId']}", params=wait)["jobComplete"]:
            pass
        done = session.door.ask("GET", f"{place}/jobs/{reference['jobId']}", params=here)
        if error := done["status"].get("errorResult"):
            raise Refused(400, error.get("reason", ""), error.get("message", ""))
        return done

    def _trouble(self, error: Exception) -> Trouble:
        status = error.status if isinstance(error, Refused) else int(getattr(error, "code", None) or 0)
        reason = (
            error.reason if isinstance(error, Refused) else str(getattr(getattr(error, "grpc_status_code", None), "name", ""))
        )
        if status == 401:
            return Trouble.LOGIN
        if reason in _TROUBLES:
            return _TROUBLES[reason]
        if status in (0, 408, 429) or status >= 500:
            return Trouble.PASSING
        if status == 404 or reason == "notFound":
            return Trouble.NO_TABLE if "Table" in str(error) else Trouble.SETTINGS
        return Trouble.DENIED if status == 403 else Trouble.QUERY

    def _tables(self, session: _Session) -> Sequence[str]:
        """Those of the dataset that the source names."""
        *project, dataset, _ = ["", *table_parts(self.source.table or "", self.describe(), self._folded)]
        place = f"/bigquery/v2/projects/{project[-1] if project[-1:] > [''] else session.project}/datasets/{dataset}/tables"
        found = session.door.ask("GET", place, params={"maxResults": 1000}).get("tables", [])
        return sorted(f"{dataset}.{table['tableReference']['tableId']}".lstrip(".") for table in found)


def _type(column: Mapping[str, Any]) -> pa.DataType:
    return pa.list_(pa.string()) if column.get("mode") == "REPEATED" else _TYPES.get(column["type"], pa.string())


def _storage_client(storage: Any, credentials: Any, connection: Connection) -> Any:
    """Google's client, or one of an emulator on this machine."""
    from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

    if not (endpoint := connection.extra.get("storage_endpoint")):
        return storage.BigQueryReadClient(credentials=credentials)
    import grpc

    base_of(endpoint, connection)
    parts = urlsplit(endpoint)
    channel = (
        grpc.insecure_channel(parts.netloc)
        if parts.scheme == "http"
        else grpc.secure_channel(parts.netloc, grpc.ssl_channel_credentials())
    )
    return storage.BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel))


def _reason(answer: Mapping[str, Any]) -> tuple[str, str]:
    error = answer.get("error") or {}
    first = next(iter(error.get("errors") or [{}]))
    return str(first.get("reason") or error.get("status") or ""), str(error.get("message") or "")
