import subprocess
import sys

import duckdb
import pytest

from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError, DataError, TransientError
from guestlist.model.source import Source
from guestlist.sources import open_source

SETUP = """
CREATE TABLE people AS SELECT i AS id, 'p' || i || '@example.com' AS Email, '0151' || i AS phone, i * 1.5 AS ltv,
    DATE '2020-01-31' AS since, gen_random_uuid() AS token, [i] AS tags, i % 2 = 0 AS consent FROM range(200_000) t(i);
CREATE SCHEMA "odd one"; CREATE TABLE "odd one"."a ""b"" c" AS SELECT 1 AS x;
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("duck")
    with duckdb.connect(str(path / "people.duckdb")) as database:
        database.execute(SETUP)
    return path


@pytest.fixture
def reader(folder):
    def make(**source):
        connection = Connection("warehouse", "duckdb", host="people.duckdb")
        return open_source(Source(connection="warehouse", **source), connection, folder)

    return make


def rows_of(reader, *columns):
    return [tuple(row.values()) for batch in reader.batches(columns) for row in batch.to_pylist()]


def test_a_table_is_streamed_as_text_in_the_order_asked_for(reader):
    batches = list(reader(table="people").batches(["email", "ltv", "id", "since", "consent"]))
    assert sum(batch.num_rows for batch in batches) == 200_000
    assert len(batches) >= 3
    first = batches[0].to_pylist()[0]
    assert list(first) == ["email", "ltv", "id", "since", "consent"]
    assert first == {"email": "p0@example.com", "ltv": "0", "id": "0", "since": "2020-01-31", "consent": "true"}


def test_a_query_may_have_ctes_comments_and_a_semicolon(reader):
    sql = "WITH few AS (SELECT * FROM people WHERE id < 2)\nSELECT phone, id FROM few ORDER BY id; -- that is all\n"
    assert rows_of(reader(sql=sql), "id", "phone") == [("0", "01510"), ("1", "01511")]
    assert rows_of(reader(sql="SELECT 1 AS x -- one"), "x") == [("1",)]


def test_the_schema_has_the_databases_types(reader):
    schema = reader(table="main.people").schema()
    assert schema.names == ["id", "Email", "phone", "ltv", "since", "token", "tags", "consent"]
    assert str(schema.field("since").type) == "date32[day]"


def test_odd_names_are_quoted(reader):
    assert rows_of(reader(table='"odd one"."a ""b"" c"'), "x") == [("1",)]


@pytest.mark.parametrize(
    ("source", "columns", "message"),
    [
        ({"table": "peopel"}, ["id"], r"table peopel of connection warehouse is not there \(is it people\?\); there are: "),
        ({"table": "people; DROP"}, ["id"], "is not the name of a table"),
        ({"table": "people"}, ["emial"], r"has no column 'emial' \(is it Email\?\); its columns are: id, Email"),
        ({"table": "people"}, ["tags"], "column 'tags' is of type list"),
        ({"sql": "SELECT id, id FROM people"}, ["id"], "has 2 columns called 'id'"),
        ({"sql": "SELECT nobody FROM people"}, ["id"], 'failed: Binder Error: Referenced column "nobody" not found'),
        ({"sql": "SELEC"}, ["id"], "the SQL of connection warehouse failed: "),
        ({"sql": "SELECT * FROM people WHERE false"}, ["id"], "gave no rows"),
        ({"sql": "DELETE FROM people"}, ["id"], "failed: "),
    ],
)
def test_what_is_wrong_is_named(reader, source, columns, message):
    with pytest.raises(DataError, match=message):
        rows_of(reader(**source), *columns)


@pytest.mark.parametrize("at", [0, 150_000])
def test_an_error_about_a_row_does_not_show_the_row(reader, at):
    sql = f"SELECT CASE WHEN id = {at} THEN Email::INTEGER ELSE 1 END AS x FROM people"
    with pytest.raises(DataError, match="Conversion Error: Could not convert string … to INT32") as caught:
        rows_of(reader(sql=sql), "x")
    assert "example.com" not in str(caught.value)


def test_it_never_writes(reader, folder):
    with pytest.raises(DataError, match="failed"):
        rows_of(reader(sql="INSERT INTO people(id) VALUES (1) RETURNING id"), "id")
    assert rows_of(reader(sql="SELECT count(*) AS n FROM people"), "n") == [("200000",)]


@pytest.mark.parametrize("place", [{"schema": "people.duckdb"}, {"extra": {"path": "people.duckdb"}}])
def test_the_path_may_stand_in_schema_or_extra(folder, place):
    reader = open_source(Source(connection="w", table="people"), Connection("w", "duckdb", **place), folder)
    assert next(iter(reader.batches(["id"])))["id"][0].as_py() == "0"


def test_connections_that_cannot_work_are_config_errors(folder):
    source = Source(connection="w", table="people")
    (folder / "junk.duckdb").write_bytes(b"no database" * 1000)
    with pytest.raises(ConfigError, match="connection 'w' names no DuckDB file"):
        open_source(source, Connection("w", "duckdb"), folder)
    with pytest.raises(ConfigError, match=r"connection 'w': there is no file .*nowhere\.duckdb"):
        open_source(source, Connection("w", "duckdb", host="nowhere.duckdb"), folder).schema()
    with pytest.raises(ConfigError, match=r"cannot be opened: .*not a valid DuckDB database"):
        open_source(source, Connection("w", "duckdb", host="junk.duckdb"), folder).schema()


def test_a_file_that_another_program_writes_is_tried_again_later(tmp_path):
    path = tmp_path / "busy.duckdb"
    program = f"import duckdb; c = duckdb.connect({str(path)!r}); print('open', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"open\n"
        reader = open_source(Source(connection="w", table="t"), Connection("w", "duckdb", host=str(path)), tmp_path)
        with pytest.raises(TransientError, match="is open elsewhere for writing"):
            reader.schema()
        writer.communicate(b"\n")


def test_the_file_is_free_again_after_a_stream_was_left_half_way(reader, folder):
    stream = reader(table="people").batches(["id"])
    next(stream)
    stream.close()
    with duckdb.connect(str(folder / "people.duckdb")) as database:
        assert database.execute("SELECT count(*) FROM people").fetchone() == (200_000,)


def test_sql_reads_and_writes_no_other_file_unless_the_connection_lets_it(tmp_path):
    (tmp_path / "private.csv").write_text("id\nhunter2\n")
    duckdb.connect(str(tmp_path / "w.duckdb")).close()
    text = f"SELECT * FROM read_csv('{tmp_path}/private.csv')"

    def read(sql, **extra):
        connection = Connection("w", "duckdb", host="w.duckdb", extra=extra)
        return list(open_source(Source(connection="w", sql=sql), connection, tmp_path).batches(["id"]))

    for sql in (text, f"SELECT 1 AS id; COPY (SELECT 1) TO '{tmp_path}/out.csv'", f"ATTACH '{tmp_path}/other.duckdb'"):
        with pytest.raises(DataError):
            read(sql)
    with pytest.raises(DataError):
        read("SET enable_external_access = true; " + text)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["private.csv", "w.duckdb"]
    assert read(text, external_access=True)[0]["id"].to_pylist() == ["hunter2"]
