"""How a source's tables and files are called in lineage: OpenLineage's conventions for names of datasets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from guestlist.model.connection import Connection
from guestlist.model.lineage import Dataset
from guestlist.sources.formats.location import shown_address
from guestlist.sources.places import local_path
from guestlist.sources.sql import table_parts

_Text = str | None


@dataclass(frozen=True)
class _Store:
    """One kind of database: its namespace, and what stands before a table's name where the name does not say so itself."""

    namespace: Callable[[Connection], str]
    before: Callable[[Connection], tuple[_Text, ...]]


def _extra(connection: Connection, *names: str) -> _Text:
    """A key of a connection's extra; older versions of Airflow's providers wrote it with a prefix."""
    spelled = [spelling for name in names for spelling in (name, f"extra__{connection.type}__{name}")]
    return next((str(connection.extra[name]) for name in spelled if connection.extra.get(name)), None)


def _server(scheme: str, port: int | None = None) -> Callable[[Connection], str]:
    def namespace(connection: Connection) -> str:
        number = connection.port or port
        return f"{scheme}://{connection.host or 'localhost'}{f':{number}' if number else ''}"

    return namespace


def _redshift(connection: Connection) -> str:
    """``redshift://cluster.region:port`` of a host such as cluster.abc123.region.redshift.amazonaws.com."""
    parts = (connection.host or "localhost").split(".")
    short = f"{parts[0]}.{parts[2]}" if len(parts) > 3 and parts[3].startswith("redshift") else ".".join(parts)
    return f"redshift://{short}:{connection.port or 5439}"


def _duckdb_file(connection: Connection) -> str:
    return str(_extra(connection, "path") or connection.host or connection.schema or "")


_STORES: Mapping[str, _Store] = {
    "postgres": _Store(_server("postgres", 5432), lambda of: (of.schema or of.login, "public")),
    "redshift": _Store(_redshift, lambda of: (of.schema, "public")),
    "mysql": _Store(_server("mysql", 3306), lambda of: (of.schema,)),
    "snowflake": _Store(
        lambda of: f"snowflake://{_extra(of, 'account') or of.host}", lambda of: (_extra(of, "database"), of.schema or "PUBLIC")
    ),
    "databricks": _Store(
        _server("unitycatalog"), lambda of: (_extra(of, "catalog") or "hive_metastore", of.schema or "default")
    ),
    "google_cloud_platform": _Store(lambda _of: "bigquery", lambda of: (_extra(of, "project", "project_id"), of.schema)),
    "duckdb": _Store(lambda of: f"duckdb://{_duckdb_file(of)}", lambda of: (Path(_duckdb_file(of)).stem, "main")),
}
"""Connection type -> how its tables are called. A kind that is not here is called by its type and host."""
_FOLDS: dict[str, Callable[[str], str]] = {"snowflake": str.upper, "redshift": str.lower}
"""What databases make of names without quotes."""


def table_dataset(connection: Connection, table: str) -> Dataset:
    """A table by its name in a query or a segment: what the name leaves out, such as the schema, is the connection's."""
    store = _store(connection)
    parts: list[Any] = table_parts(table, f"connection {connection.id!r}", _FOLDS.get(connection.type, str))
    before = store.before(connection)
    missing = before[: max(len(before) + 1 - len(parts), 0)]
    return Dataset(store.namespace(connection), ".".join(part for part in (*missing, *parts) if part))


def query_dataset(connection: Connection, name: str) -> Dataset:
    """The rows that a query gives, as a dataset of the connection's own namespace."""
    return Dataset(_store(connection).namespace(connection), name)


def _store(connection: Connection) -> _Store:
    return _STORES.get(connection.type) or _Store(_server(connection.type), lambda _of: ())


def file_dataset(address: str, base: Path) -> Dataset:
    """A file, glob or folder: ``file`` and its path on this machine, else the store, such as ``s3://bucket``, and the key."""
    parts = urlsplit(shown_address(address))
    if parts.scheme in ("", "file"):
        return Dataset("file", parts.path if parts.scheme else str(local_path(address, base)))
    return Dataset(f"{parts.scheme}://{parts.netloc}", parts.path.strip("/") or "/")
