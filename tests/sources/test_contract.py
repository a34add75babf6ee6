"""What every kind of database has to do alike. A new kind joins with one fixture in databases.py."""

import sys
from pathlib import Path

import pytest
from sources import databases
from sources.databases import KINDS, PEOPLE

from guestlist.model.errors import AuthError, ConfigError, DataError, TransientError
from guestlist.model.source import Source
from guestlist.sources import open_source
from guestlist.sources.base import ROWS_PER_BATCH

duckdb_people, postgres_people = databases.duckdb_people, databases.postgres_people
redshift_people, mysql_people = databases.redshift_people, databases.mysql_people
databricks_people, bigquery_people = databases.databricks_people, databases.bigquery_people
snowflake_people = databases.snowflake_people

pytestmark = pytest.mark.slow


@pytest.fixture(params=KINDS)
def database(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def reader(database):
    return lambda connection=None, **source: open_source(
        Source(connection="people", **source), connection or database.connection, Path("/")
    )


def rows_of(reader, *columns):
    return [tuple(row.values()) for batch in reader.batches(columns) for row in batch.to_pylist()]


def test_a_table_is_streamed_in_batches_of_the_wanted_columns(reader):
    batches = list(reader(table="people").batches(["EMAIL", "ltv", "id"]))
    assert sum(batch.num_rows for batch in batches) == PEOPLE
    assert len(batches) >= 2
    assert max(batch.num_rows for batch in batches) <= ROWS_PER_BATCH
    assert {tuple(batch.schema.names) for batch in batches} == {("EMAIL", "ltv", "id")}
    rows = {row["id"]: row for batch in batches for row in batch.to_pylist()}
    assert len(rows) == PEOPLE
    assert rows["1"] == {"EMAIL": "p1@example.com", "ltv": "1.5", "id": "1"}
    assert rows["2"]["ltv"] == "3"


def test_every_value_becomes_the_text_that_a_person_would_write(reader):
    names = ["id", "phone", "phone_number", "since", "seen"]
    rows = rows_of(reader(sql="SELECT * FROM people WHERE id = 7"), *names)
    assert rows == [("7", "01517", "4915112345678", "2020-01-31", "2020-01-31T12:00:00")]


def test_a_null_stays_a_null(reader):
    sql = "SELECT id, CASE WHEN id = 1 THEN email END AS email, NULL AS never FROM people WHERE id < 2 ORDER BY id"
    assert rows_of(reader(sql=sql), "email", "never") == [(None, None), ("p1@example.com", None)]


def test_a_query_may_have_ctes_comments_and_a_semicolon(reader):
    sql = "WITH few AS (SELECT * FROM people WHERE id < 2)\nSELECT phone, id FROM few ORDER BY id; -- that is all\n"
    assert rows_of(reader(sql=sql), "id", "phone") == [("0", "01510"), ("1", "01511")]


def test_the_schema_has_the_declared_types(reader):
    schema = reader(table="people").schema()
    assert [name.lower() for name in schema.names] == ["id", "email", "phone", "ltv", "phone_number", "since", "seen"]
    types = {field.name.lower(): str(field.type) for field in schema}
    assert types["id"].startswith(("int", "decimal"))
    assert types["phone_number"] == "double"
    assert types["since"].startswith("date32")
    assert types["seen"].startswith("timestamp")


def test_what_is_wrong_is_named(reader, database):
    for source, columns, message in (
        ({"table": "peopel"}, ["id"], r"(?i)table peopel of connection people is not there \(is it (\w+\.)?people\?\)"),
        ({"table": "people; DROP"}, ["id"], "is not the name of a table"),
        ({"table": "people"}, ["emial"], r"(?i)has no column 'emial' \(is it email\?\); its columns are: id, email"),
        ({"sql": "SELECT id, id FROM people"}, ["id"], database.duplicate),
        ({"sql": "SELECT nobody FROM people"}, ["id"], "(?i)the SQL of connection people failed: .*nobody"),
        ({"sql": "SELECT * FROM people WHERE id < 0"}, ["id"], "gave no rows"),
        ({"sql": "DELETE FROM people"}, ["id"], "the SQL of connection people (failed|has no column)"),
    ):
        with pytest.raises(DataError, match=message):
            rows_of(reader(**source), *columns)
    assert rows_of(reader(sql="SELECT count(*) AS n FROM people"), "n") == [(str(PEOPLE),)]


def test_an_error_about_a_row_does_not_show_the_row(reader, database):
    with pytest.raises(DataError, match="the SQL of connection people failed") as caught:
        rows_of(reader(sql=database.row_error), "x")
    assert "example" not in str(caught.value)


def test_a_stream_may_be_left_half_way(reader):
    stream = reader(table="people").batches(["id"])
    next(stream)
    stream.close()
    assert rows_of(reader(sql="SELECT count(*) AS n FROM people"), "n") == [(str(PEOPLE),)]


def test_a_refused_login_is_an_auth_error_without_the_password(reader, database):
    if database.refused is None:
        pytest.skip("a file has no login")
    with pytest.raises(AuthError, match=r"connection 'people': .* refuses the login") as caught:
        reader(database.refused, table="people").schema()
    assert "hunter2" not in str(caught.value)


def test_a_server_that_is_away_is_tried_again_later(reader, database):
    if database.away is None:
        pytest.skip("a file is there or not")
    with pytest.raises(TransientError, match=r"connection 'people': .* cannot be reached now") as caught:
        reader(database.away, table="people").schema()
    assert "hunter2" not in str(caught.value)


def test_a_driver_that_is_not_installed_is_named_with_its_extra(reader, database, monkeypatch):
    if database.driver is None:
        pytest.skip("its driver is always there")
    module, extra = database.driver
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=rf"pip install 'guestlist\[{extra}\]'"):
        reader(table="people").schema()
