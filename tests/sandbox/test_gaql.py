"""The query language: what it understands, and what it refuses by which name."""

from __future__ import annotations

import pytest

from guestlist.sandbox._gaql import GaqlError, parse, run

ROWS = [
    {"a.name": "Lapsed VIPs", "a.id": 1, "a.status": "OPEN", "a.size": None},
    {"a.name": "lapsed_all", "a.id": 2, "a.status": "CLOSED", "a.size": 120},
    {"a.name": "100% new", "a.id": 9007199254740993, "a.status": "OPEN", "a.size": 90},
]


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("", [1, 2, 9007199254740993]),
        ("WHERE a.name = 'Lapsed VIPs'", [1]),
        ('WHERE a.name = "Lapsed VIPs" AND a.status = OPEN', [1]),
        ("WHERE a.status != 'OPEN'", [2]),
        ("WHERE a.id = 9007199254740993", [9007199254740993]),
        ("WHERE a.id = '2'", [2]),
        ("WHERE a.id IN (1, 2)", [1, 2]),
        ("WHERE a.status NOT IN ('OPEN', 'UNKNOWN')", [2]),
        ("WHERE a.name LIKE '%apsed%'", [1, 2]),
        ("WHERE a.name NOT LIKE 'lapsed[_]%'", [1, 9007199254740993]),
        ("WHERE a.size IS NULL", [1]),
        ("where a.size is not null and a.size >= 100", [2]),
        ("ORDER BY a.size DESC", [2, 9007199254740993, 1]),
        ("ORDER BY a.status, a.id DESC LIMIT 2", [2, 9007199254740993]),
        ("LIMIT 1 PARAMETERS include_drafts=true", [1]),
    ],
)
def test_queries(where: str, ids: list[int]) -> None:
    query = parse(f"SELECT a.id, a.name FROM a {where}")
    assert query.fields == ["a.id", "a.name"]
    assert [row["a.id"] for row in run(query, ROWS)] == ids


def test_quotes_can_be_escaped() -> None:
    query = parse(r"SELECT a.id FROM a WHERE a.name = 'it\'s \"it\"'")
    assert query.conditions[0].values == ('it\'s "it"',)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "EXPECTED_SELECT"),
        ("FETCH a.id FROM a", "EXPECTED_SELECT"),
        ("SELECT FROM a", "BAD_FIELD_NAME"),
        ("SELECT a.id", "EXPECTED_FROM"),
        ("SELECT a.id FROM", "UNEXPECTED_END_OF_QUERY"),
        ("SELECT a.id FROM a WHERE a.id", "UNEXPECTED_END_OF_QUERY"),
        ("SELECT a.id FROM a WHERE a.id = 'x", "STRING_NOT_TERMINATED"),
        ("SELECT a.id FROM a WHERE a.id ~ 1", "BAD_SYMBOL"),
        ("SELECT a.id FROM a WHERE a.id DURING TODAY", "BAD_OPERATOR"),
        ("SELECT a.id FROM a WHERE a.id IN 1", "EXPECTED_LIST"),
        ("SELECT a.id FROM a WHERE a.id IN ()", "PROHIBITED_EMPTY_LIST_IN_CONDITION"),
        ("SELECT a.id FROM a WHERE a.id = =", "BAD_VALUE"),
        ("SELECT a.id FROM a ORDER a.id", "EXPECTED_BY"),
        ("SELECT a.id FROM a LIMIT many", "BAD_LIMIT_VALUE"),
        ("SELECT a.id FROM a LIMIT 0", "LIMIT_VALUE_TOO_LOW"),
        ("SELECT a.id FROM a WHERE a.id = 1 OR a.id = 2", "UNEXPECTED_INPUT"),
    ],
)
def test_refusals(text: str, code: str) -> None:
    with pytest.raises(GaqlError) as caught:
        parse(text)
    assert caught.value.code == code


def test_a_word_is_no_number() -> None:
    with pytest.raises(GaqlError) as caught:
        run(parse("SELECT a.id FROM a WHERE a.id = 'two'"), ROWS)
    assert caught.value.code == "BAD_NUMBER"
