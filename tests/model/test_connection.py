"""Connections from AIRFLOW_CONN_* variables, read as Airflow reads them; secrets never show."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestlist.model.connection import Connection, parse_connection
from guestlist.model.errors import ConfigError

SECRET = "s3cr3t/p@ss:w%rd?"
ENCODED = "s3cr3t%2Fp%40ss%3Aw%25rd%3F"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"postgres://ann:{ENCODED}@db.example.com:5432/sales?sslmode=require",
            Connection("c", "postgres", "db.example.com", 5432, "ann", SECRET, "sales", {"sslmode": "require"}),
        ),
        ("postgresql://h/db", Connection("c", "postgres", "h", schema="db")),
        ("duckdb://%2Ftmp%2FWare%20house.duckdb", Connection("c", "duckdb", "/tmp/Ware house.duckdb")),
        ("duckdb://Data%2FX.db", Connection("c", "duckdb", "Data/X.db")),
        ("duckdb://me@%2FData%2FX.db:1", Connection("c", "duckdb", "/Data/X.db", 1, "me")),
        (
            "google-cloud-platform://?__extra__=%7B%22a%22%3A%20%7B%22b%22%3A%201%7D%7D",
            Connection("c", "google_cloud_platform", extra={"a": {"b": 1}}),
        ),
        ("x://h?a=1&b=&c=x%2By+z", Connection("c", "x", "h", extra={"a": "1", "b": "", "c": "x+y z"})),
        ("x://u:p@[::1]:80/s", Connection("c", "x", "::1", 80, "u", "p", "s")),
        ("x://:p@Host", Connection("c", "x", "host", password="p")),
        ("guestlist://", Connection("c", "guestlist")),
    ],
)
def test_uris(text: str, expected: Connection) -> None:
    assert parse_connection("c", text) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"conn_type": "postgresql", "host": "H", "port": "5432", "login": "a", "password": SECRET, "schema": "s"},
            Connection("c", "postgres", "H", 5432, "a", SECRET, "s"),
        ),
        ({"conn_type": "my-type", "extra": {"a": [1]}}, Connection("c", "my_type", extra={"a": [1]})),
        ({"conn_type": "t", "extra": '{"a": {"b": null}}'}, Connection("c", "t", extra={"a": {"b": None}})),
        ({"conn_type": "t", "extra": ""}, Connection("c", "t")),
        ({"conn_type": "t", "extra": None}, Connection("c", "t")),
        ({"conn_type": "t", "port": 0}, Connection("c", "t")),
        ({"conn_type": None}, Connection("c", "")),
        ({}, Connection("c", "")),
        ({"conn_type": "t", "description": "ours"}, Connection("c", "t")),
    ],
)
def test_json(data: dict[str, Any], expected: Connection) -> None:
    assert parse_connection("c", f"  {json.dumps(data)}") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense SECRET",
        "SECRET",
        "{SECRET",
        '{"conn_type": "t", "port": "SECRET"}',
        "[]",
        "null",
        "x://h:SECRET/",
        '{"conn_type": "t", "extra": "SECRET"}',
        '{"conn_type": "t", "extra": "[1]"}',
        '{"conn_type": "t", "extra": [1]}',
        '{"conn_type": "t", "extra": "5"}',
        "x://?__extra__=SECRET",
        "x://?__extra__=%5B1%5D",
        "x://[SECRET/",
        "//h/SECRET",
    ],
)
def test_what_is_neither_is_told_by_the_variables_name_alone(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_connection("main_Db", text)
    assert str(caught.value) == "AIRFLOW_CONN_MAIN_DB is neither a connection in JSON nor a connection URI"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__, "the cause quotes the value"


@given(st.text(max_size=40))
def test_any_text_is_a_connection_or_a_config_error(text: str) -> None:
    try:
        found = parse_connection("c", text)
    except ConfigError:
        return
    assert isinstance(found, Connection)
    assert isinstance(found.extra, dict)


def test_secrets_never_show() -> None:
    shown = repr(Connection("c", "t", "h", 1, "ann", SECRET, "s", {"access_token": SECRET}))
    assert SECRET not in shown
    assert "ann" in shown


@pytest.mark.parametrize(
    "text",
    [
        '{"extra": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"extra": "' + "[" * 100_000 + '"}',
        "x://h/?__extra__=" + "%5B" * 100_000,
        '{"port": 1e400}', '{"port": -5}', '{"port": 99999999}', '{"port": true}', '{"port": ' + "1" * 5000 + "}",
        '{"host": ["s3cr3t"]}', '{"password": {"a": 1}}', '{"login": 1.5}',
    ],
)  # fmt: skip
def test_what_is_no_connection_is_told_without_its_text(text: str) -> None:
    with pytest.raises(ConfigError, match="AIRFLOW_CONN_C is neither a connection in JSON nor a connection URI"):
        parse_connection("c", text)
