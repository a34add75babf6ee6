"""Queries: what a template may use, what people who trigger runs may put into it, and how it ends that does not end."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestlist.model.errors import ConfigError
from guestlist.sources.templates import _harmless, query_text, rendered, template_problem

SECRET = "hunter2"
VARIABLES = {
    "ds": "2026-01-31",
    "data_interval_end": dt.datetime(2026, 1, 31, tzinfo=dt.UTC),
    "run_id": "manual__2026-01-31T05:00:00Z",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("SELECT '{{ ds }}'", "SELECT '2026-01-31'"),
        ("{{ data_interval_end.year }} {{ run_id }}", "2026 manual__2026-01-31T05:00:00Z"),
        ("{% for name in ['a', 'b'] %}{{ name }},{% endfor %}{% if ts is defined %}x{% endif %}", "a,b,"),
        ("{# remark #}SELECT 1", "SELECT 1"),
    ],
)
def test_templates_are_rendered(text: str, query: str) -> None:
    assert rendered(text, VARIABLES) == query


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}", "{{ ds|attr('__class__') }}", "{{ '{0.__class__}'.format(ds) }}",
        "{{ self.__init__.__globals__ }}", "{{ cycler.__init__.__globals__.os.environ }}", "{{ conn.warehouse.password }}",
        "{{ var.value.token }}", "{{ config }}", "{{ open('/etc/passwd') }}", "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}", "{{ nothing }}", "{{ 1 / 0 }}", "{{ ds + 1 }}", "{{ 'a'.encode('x') }}", "{{ range() }}",
        "{{ " + "(" * 5000, "{% if %}", "{{ ds.append(1) }}", "{% for i in range(1000000) %}{% endfor %}",
    ],
)  # fmt: skip
def test_nothing_else_is_reached_and_every_mistake_is_told(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", SECRET)
    with pytest.raises(ConfigError, match=r"^the query's template cannot be rendered") as caught:
        rendered(text, VARIABLES)
    assert SECRET not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "{{ 'x' * 10**10 }}",
        "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
        "{{ '%2000000d' % 1 }}",
        "{{ 7 ** 7 ** (7 ** 9) }}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    ],
    ids=["one text", "doubling", "more than 1 MiB", "a number", "loops"],
)
def test_a_template_that_never_ends_ends(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^the query's template cannot be rendered"):
        rendered(text, VARIABLES)


@pytest.mark.parametrize(
    "text", ["' OR '1'='1", "1 OR 1", "x'; DROP TABLE y", "x--", "a/*b", "a\\", 'a"b', "a\nb", "ünïcode", "a\0"]
)
@pytest.mark.slow
def test_what_people_type_cannot_change_a_query(text: str) -> None:
    variables = {"run_id": text, "params": {"region": text, "list": ["DE", text]}}
    assert rendered("{# unused #}SELECT 1", variables) == "SELECT 1"
    for used, name in (("run_id", "run_id"), ("params.region", "params.region"), ("params.list[1]", r"params\.list\.1")):
        with pytest.raises(ConfigError, match=f"{name} holds more than letters, digits") as caught:
            rendered("SELECT '{{ " + used + " }}'", variables)
        assert text not in str(caught.value)


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_a_harmless_text_cannot_end_a_quoted_one_or_become_two_words(text: str) -> None:
    if _harmless("x", text) == text:
        assert not set(text) & set("'\"`;\\()*=<>,#% \t\r\n\0")
        assert "--" not in text


def test_texts_without_a_template_are_taken_as_they_are() -> None:
    assert rendered("SELECT '}}' FROM t -- %\n", {}) == "SELECT '}}' FROM t -- %\n"


def test_query_files(tmp_path: Path) -> None:
    (tmp_path / "latin.sql").write_bytes(b"SELECT '\xff'")
    (tmp_path / "large.sql").write_text("-" * (1 << 20) + "1")
    (tmp_path / "folder.sql").mkdir()
    for name, told in {
        "latin.sql": "is not UTF-8",
        "large.sql": "is larger than 1 MiB",
        "folder.sql": "there is no query file",
        "none.sql\n": "there is no query file",
        "x" * 3000 + ".sql": "there is no query file",
        "/dev/zero.sql": "nothing is read from /dev",
    }.items():
        with pytest.raises(ConfigError, match=told):
            query_text(name, tmp_path)


def test_what_shows_without_rendering() -> None:
    assert template_problem("SELECT '{{ ds }}'") is None
    assert "broken in line 2" in str(template_problem("SELECT\n{% if %}"))
    assert "nested too deeply" in str(template_problem("{{ " + "(" * 5000))
