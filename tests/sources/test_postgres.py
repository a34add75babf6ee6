from pathlib import Path

import adbc_driver_postgresql.dbapi as adbc
import pytest

from guestlist.model.connection import Connection, parse_connection
from guestlist.model.errors import AuthError, ConfigError, DataError, TransientError
from guestlist.model.source import Source
from guestlist.sources import open_source

SETUP = """
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE people AS SELECT i AS id, 'p' || i || '@example.com' AS email, '0151' || i AS phone,
    (i * 1.5)::numeric(12, 2) AS ltv, 4915112345678.0::float8 AS phone_number, DATE '2020-01-31' AS since,
    TIMESTAMPTZ '2020-01-31 12:00+02' AS seen, '8f3cef89-e29c-4b37-896a-6fab4ac15bc4'::uuid AS token, ARRAY[i] AS tags,
    i % 2 = 0 AS consent, 'glad'::mood AS mood, '1.2.3.4'::inet AS address, 5::money AS paid, '\\x616263'::bytea AS raw
    FROM generate_series(0, 199999) AS i;
CREATE SCHEMA "Odd"; CREATE TABLE "Odd"."A b" AS SELECT 1 AS x;
CREATE ROLE reader LOGIN PASSWORD 'hunter2-secret'; CREATE ROLE locked LOGIN PASSWORD 'hunter2-secret';
GRANT USAGE ON SCHEMA "Odd" TO reader; GRANT SELECT ON "Odd"."A b" TO reader;
"""


@pytest.fixture(scope="module")
def connection(postgres_url):
    with adbc.connect(postgres_url, autocommit=True) as database, database.cursor() as cursor:
        for statement in SETUP.split(";\n"):
            for part in statement.split("; "):
                if part.strip():
                    cursor.execute(part)
    return parse_connection("crm", postgres_url)


@pytest.fixture
def reader(connection, tmp_path):
    return lambda **source: open_source(Source(connection="crm", **source), connection, tmp_path)


def rows_of(reader, *columns):
    return [tuple(row.values()) for batch in reader.batches(columns) for row in batch.to_pylist()]


def with_fields(connection, **fields):
    return Connection(**{name: fields.get(name, getattr(connection, name)) for name in Connection.__dataclass_fields__})


@pytest.mark.slow
def test_a_table_is_streamed_as_text_in_the_order_asked_for(reader):
    batches = list(reader(table="people").batches(["EMAIL", "ltv", "id"]))
    assert sum(batch.num_rows for batch in batches) == 200_000
    assert len(batches) >= 3
    assert batches[0].slice(0, 2).to_pylist() == [
        {"EMAIL": "p0@example.com", "ltv": "0", "id": "0"},
        {"EMAIL": "p1@example.com", "ltv": "1.5", "id": "1"},
    ]


@pytest.mark.slow
def test_every_type_that_is_a_single_value_becomes_text(reader):
    names = ["phone_number", "since", "seen", "token", "consent", "mood", "raw"]
    assert rows_of(reader(sql="SELECT * FROM people LIMIT 1; -- one"), *names) == [
        ("4915112345678", "2020-01-31", "2020-01-31T10:00:00Z", "8f3cef89-e29c-4b37-896a-6fab4ac15bc4", "true", "glad", "abc")
    ]


@pytest.mark.slow
def test_the_schema_runs_no_query(reader):
    assert reader(sql="SELECT id, 1 / (id - id) AS broken FROM people").schema().names == ["id", "broken"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "columns", "message"),
    [
        (
            {"table": "peopel"},
            ["id"],
            r"table peopel of connection crm is not there \(is it people\?\); there are: Odd.A b, people",
        ),
        ({"table": "people"}, ["emial"], r"has no column 'emial' \(is it email\?\); its columns are: id, email"),
        ({"table": "people"}, ["tags"], "column 'tags' is of type list"),
        ({"table": "people"}, ["address"], "column 'address' is of type inet"),
        ({"table": "people"}, ["paid"], r"column 'paid' is of type money; cast it: paid::numeric"),
        ({"sql": "SELECT id, id FROM people"}, ["id"], "has 2 columns called 'id'"),
        ({"sql": "SELECT nobody FROM people"}, ["id"], 'failed: column "nobody" does not exist'),
        ({"sql": "SELECT 1 FROM nowhere"}, ["id"], 'the SQL of connection crm failed: relation "nowhere" does not exist'),
        ({"sql": "SELECT * FROM people WHERE false"}, ["id"], "gave no rows"),
        ({"sql": "WITH gone AS (DELETE FROM people RETURNING id) SELECT * FROM gone"}, ["id"], "failed"),
        ({"sql": "SELECT nextval('numbers') AS id"}, ["id"], "failed"),
    ],
)
def test_what_is_wrong_is_named(reader, source, columns, message):
    with pytest.raises(DataError, match=message):
        rows_of(reader(**source), *columns)


@pytest.mark.slow
@pytest.mark.parametrize("at", [0, 190_000])
def test_an_error_about_a_row_does_not_show_the_row(reader, at):
    sql = f"SELECT CASE WHEN id = {at} THEN email::integer ELSE 1 END AS x FROM people"
    with pytest.raises(DataError, match="failed: invalid input syntax for type integer: …") as caught:
        rows_of(reader(sql=sql), "x")
    assert "example.com" not in str(caught.value)


@pytest.mark.slow
def test_an_interrupted_query_is_tried_again_later(reader):
    with pytest.raises(TransientError, match="the SQL of connection crm was interrupted: terminating connection"):
        rows_of(reader(sql="SELECT pg_terminate_backend(pg_backend_pid()) AS x"), "x")


@pytest.mark.slow
def test_what_the_login_may_not_read_is_an_auth_error(connection, tmp_path):
    login = with_fields(connection, login="reader", password="hunter2-secret")
    with pytest.raises(AuthError, match="permission denied for table people; grant it"):
        rows_of(open_source(Source(connection="crm", table="people"), login, tmp_path), "id")
    assert rows_of(open_source(Source(connection="crm", table='"Odd"."A b"'), login, tmp_path), "x") == [("1",)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"schema": "nowhere"}, ConfigError, 'cannot be opened: .*database "nowhere" does not exist'),
        ({"login": "nobody"}, AuthError, 'refuses the login: .*role "nobody" does not exist'),
        ({"extra": {}, "host": "127.0.0.1", "port": 1}, TransientError, "cannot be reached now: .*refused"),
        ({"extra": {}, "host": "nowhere.invalid"}, ConfigError, "could not translate host name"),
    ],
)
def test_a_server_that_cannot_be_had_is_named_without_the_password(connection, tmp_path, fields, error, message):
    broken = with_fields(connection, password="hunter2-secret", **fields)
    with pytest.raises(error, match=f"connection 'crm'.*{message}") as caught:
        open_source(Source(connection="crm", table="people"), broken, tmp_path).schema()
    assert "hunter2" not in str(caught.value)


@pytest.mark.slow
def test_a_wrong_password_is_an_auth_error_without_the_password(connection, tmp_path):
    folder = connection.extra["host"]
    with adbc.connect(f"postgresql://postgres:@/postgres?host={folder}", autocommit=True) as admin, admin.cursor() as cursor:
        cursor.execute("SELECT current_setting('hba_file')")
        rules = Path(cursor.fetchone()[0])
        rules.write_text("local all locked scram-sha-256\n" + rules.read_text())
        cursor.execute("SELECT pg_reload_conf()")
    wrong = with_fields(connection, login="locked", password="not & the %one")
    with pytest.raises(AuthError, match=r"refuses the login: .*password authentication failed") as caught:
        open_source(Source(connection="crm", table="people"), wrong, tmp_path).schema()
    assert "%one" not in str(caught.value)
    right = with_fields(connection, login="locked", password="hunter2-secret")
    assert open_source(Source(connection="crm", sql="SELECT 1 AS x"), right, tmp_path).schema().names == ["x"]
