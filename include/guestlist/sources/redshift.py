"""Amazon Redshift through PostgreSQL's protocol and ADBC: read-only, fetched as Arrow from a cursor."""

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
from guestlist.sources.postgres import PostgresReader, postgres_address

SERVES = ("redshift",)
_PORT = 5439
_ROWS_AT_ONCE = 50_000


def open_reader(source: Source, connection: Connection, _base: Path, _roots: Sequence[Path] = ()) -> RedshiftReader:
    """Read from the cluster or workgroup that the connection names; extra may hold libpq's parameters, such as ``sslmode``.

    Raises:
        ConfigError: the connection asks for a temporary password by IAM, which nothing here fetches.
    """
    if connection.extra.get("iam"):
        told = "logs in by IAM, which is not done here; give it the login and password of a user who may only read"
        raise ConfigError(f"connection {connection.id!r} {told}")
    return RedshiftReader(source, connection)


@dataclass(frozen=True)
class RedshiftReader(PostgresReader):
    """A table or query of one Redshift database, which has no COPY to a client: what is not fetched stays there."""

    NAME = "Amazon Redshift"

    @contextmanager
    def _connect(self) -> Iterator[Any]:
        from adbc_driver_postgresql import dbapi

        address = postgres_address(self._parameters())
        with dbapi.connect(address, autocommit=True) as database, database.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.postgresql.use_copy": "false"})
            yield cursor

    def _parameters(self) -> Mapping[str, Any]:
        """The certificates of Redshift's endpoints are signed by an authority that everybody knows."""
        import certifi

        safe = {"sslmode": "verify-full", "sslrootcert": certifi.where()}
        given = super()._parameters()
        return {**safe, **given, "port": given["port"] or _PORT}

    def _folded(self, name: str) -> str:
        return name.lower()

    def _rows(self, session: Any, text: str) -> Generator[pa.RecordBatch]:
        session.execute("BEGIN READ ONLY")  # a cursor lives as long as its transaction
        session.execute(f"DECLARE source_rows CURSOR FOR {text}")
        while True:
            session.execute(f"FETCH FORWARD {_ROWS_AT_ONCE} FROM source_rows")
            table = session.fetch_arrow_table()
            if table.num_rows == 0:
                return
            yield from table.to_batches()
