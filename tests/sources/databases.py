"""Every kind of database as the contract suite needs it: a server with the same people in it, and a connection to that."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import adbc_driver_postgresql.dbapi as adbc
import duckdb
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sources.bigquery_wire import bigquery
from sources.databricks_wire import TOKEN, WAREHOUSE, databricks
from sources.snowflake_wire import snowflake

from guestlist.model.connection import Connection, parse_connection
from guestlist.sources.postgres import postgres_address

PEOPLE = 120_000
PASSWORD = "hunter2-secret"
_TABLE = """SELECT i AS id, concat('p', i, '@example.com') AS email, concat('0151', i) AS phone,
    CAST(i * 1.5 AS DECIMAL(12, 2)) AS ltv,
    CAST(4915112345678.0 AS DOUBLE PRECISION) AS phone_number, CAST('2020-01-31' AS DATE) AS since,
    TIMESTAMP '2020-01-31 12:00:00' AS seen"""


@dataclass(frozen=True)
class Database:
    """One kind. ``row_error`` is SQL that stumbles over a row; ``refused`` and ``away`` are what cannot be connected to."""

    connection: Connection
    row_error: str
    duplicate: str = "has 2 columns called 'id'"
    refused: Connection | None = None
    away: Connection | None = None
    driver: tuple[str, str] | None = None
    """The module that has to be there, and the extra that brings it."""

    def changed(self, **fields: Any) -> Connection:
        """The connection with some other fields."""
        return replace(self.connection, **fields)


@pytest.fixture(scope="session")
def duckdb_people(tmp_path_factory: pytest.TempPathFactory) -> Database:
    """A file."""
    path = tmp_path_factory.mktemp("duck") / "people.duckdb"
    with duckdb.connect(str(path)) as database:
        database.execute(f"CREATE TABLE people AS {_TABLE} FROM range({PEOPLE}) t(i)")
    return Database(
        Connection("people", "duckdb", host=str(path)),
        row_error="SELECT CASE WHEN id = 9 THEN CAST(email AS INTEGER) ELSE 1 END AS x FROM people",
    )


def _postgres(postgres_url: str, name: str) -> Connection:
    """A database of its own on the server of the session."""
    with adbc.connect(postgres_url, autocommit=True) as admin, admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    connection = replace(parse_connection("people", postgres_url), port=5432, schema=name)
    with (
        adbc.connect(
            postgres_address({"user": connection.login, "dbname": name, **connection.extra}), autocommit=True
        ) as database,
        database.cursor() as cursor,
    ):
        cursor.execute(f"CREATE TABLE people AS {_TABLE} FROM generate_series(0, {PEOPLE - 1}) AS i")
    return connection


def _of_postgres(connection: Connection) -> Database:
    return Database(
        connection,
        row_error="SELECT CASE WHEN id = 9 THEN CAST(email AS INTEGER) ELSE 1 END AS x FROM people",
        refused=replace(connection, login="nobody", password=PASSWORD),
        away=replace(connection, extra={"sslmode": "disable"}, host="127.0.0.1", port=1, password=PASSWORD),
    )


@pytest.fixture(scope="session")
def postgres_people(postgres_url: str) -> Database:
    """PostgreSQL from the wheel."""
    return _of_postgres(_postgres(postgres_url, "contract_postgres"))


@pytest.fixture(scope="session")
def redshift_people(postgres_url: str) -> Database:
    """PostgreSQL stands for Redshift, which speaks its protocol: what is asked of it, both know."""
    return _of_postgres(replace(_postgres(postgres_url, "contract_redshift"), type="redshift"))


@pytest.fixture(scope="session")
def mysql_people() -> Iterator[Database]:
    """MariaDB from Debian, since there is no wheel of it."""
    server = shutil.which("mariadbd") or shutil.which("mysqld")
    if server is None:
        pytest.skip("no mariadbd here: apt-get install mariadb-server")
    with tempfile.TemporaryDirectory(prefix="maria_") as folder:
        data, socket = f"{folder}/data", f"{folder}/s"
        bootstrap = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
        subprocess.run([*bootstrap, "--skip-test-db", "--user=root"], check=True, capture_output=True)
        start = [server, "--no-defaults", "--user=root", f"--datadir={data}", f"--socket={socket}", "--skip-networking"]
        with subprocess.Popen(start, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            told = []
            while "ready for connections" not in (line := process.stderr.readline()):
                told.append(line)
                assert line, f"MariaDB does not start: {told[-5:]}"
            try:
                yield _mysql(socket)
            finally:
                process.terminate()
                process.stderr.read()


def _mysql(socket: str) -> Database:
    import pymysql

    with pymysql.connect(user="root", unix_socket=socket, autocommit=True) as database, database.cursor() as cursor:
        cursor.execute("CREATE DATABASE crm")
        numbers = f"SELECT seq AS i FROM crm.seq_0_to_{PEOPLE - 1}"
        cursor.execute(f"CREATE TABLE crm.people AS {_TABLE.replace(' PRECISION', '')} FROM ({numbers}) AS n")
        cursor.execute(f"CREATE USER reader@localhost IDENTIFIED BY '{PASSWORD}'")
        cursor.execute("GRANT SELECT ON crm.* TO reader@localhost")
    extra = {"unix_socket": socket}
    connection = Connection("people", "mysql", login="reader", password=PASSWORD, schema="crm", extra=extra)
    return Database(
        connection,
        row_error="SELECT exp(id * 1000) AS x, email FROM people",
        duplicate="Duplicate column name 'id'",
        refused=replace(connection, password="wrong-hunter2"),
        away=replace(connection, host="127.0.0.1", port=1, extra={}),
        driver=("pymysql", "mysql"),
    )


@pytest.fixture(scope="session")
def databricks_people() -> Iterator[Database]:
    """The wire, with DuckDB behind it."""
    with databricks(f"CREATE TABLE people AS {_TABLE} FROM range({PEOPLE}) t(i)") as address:
        extra = {"http_path": f"/sql/1.0/warehouses/{WAREHOUSE}"}
        connection = Connection("people", "databricks", host=address, password=TOKEN, extra=extra)
        yield Database(
            connection,
            row_error="SELECT CASE WHEN id = 9 THEN CAST(email AS INT) ELSE 1 END AS x FROM people",
            refused=replace(connection, password="wrong-hunter2"),
            away=replace(connection, host="http://127.0.0.1:1"),
        )


@pytest.fixture(scope="session")
def bigquery_people() -> Iterator[Database]:
    """The wire, with DuckDB behind it."""
    with bigquery(f"CREATE TABLE people AS {_TABLE} FROM range({PEOPLE}) t(i)") as extra:
        connection = Connection("people", "gcpbigquery", extra=extra)
        stolen = _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        key = {**extra["keyfile_dict"], "private_key": stolen}
        yield Database(
            connection,
            row_error="SELECT CASE WHEN id = 9 THEN CAST(email AS INT64) ELSE 1 END AS x FROM people",
            refused=replace(connection, extra={**extra, "keyfile_dict": key}),
            away=replace(connection, extra={**extra, "api_endpoint": "http://127.0.0.1:1"}),
            driver=("google.cloud.bigquery_storage_v1", "bigquery"),
        )


@pytest.fixture(scope="session")
def snowflake_people() -> Iterator[Database]:
    """The wire, with DuckDB behind it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with snowflake(f"CREATE TABLE people AS {_TABLE} FROM range({PEOPLE}) t(i)", key.public_key()) as address:
        place = urlsplit(address)
        extra = {"account": "acme", "protocol": "http", "private_key_content": _pem(key)}
        connection = Connection("people", "snowflake", host=place.hostname, port=place.port, login="reader", extra=extra)
        yield Database(
            connection,
            row_error="SELECT CASE WHEN id = 9 THEN CAST(email AS INT) ELSE 1 END AS x FROM people",
            duplicate="but ID and ID",
            refused=replace(connection, password="wrong-hunter2", extra={"account": "acme", "protocol": "http"}),
            away=replace(connection, port=1),
            driver=("adbc_driver_snowflake.dbapi", "snowflake"),
        )


def _pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


KINDS = (
    "duckdb_people",
    "postgres_people",
    "redshift_people",
    "mysql_people",
    "databricks_people",
    "bigquery_people",
    "snowflake_people",
)
