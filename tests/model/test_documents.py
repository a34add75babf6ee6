"""YAML with line numbers: what cannot be read is a problem with its line, never an exception and never a silent loss."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from guestlist.model.documents import Lines, read_yaml


def test_every_value_has_its_line() -> None:
    text = "a: 1\nb:\n  - x\n  - y:\n      z: 2\n# remark\nc: {d: [1,\n  2]}\n"
    document, lines, problems = read_yaml(text)
    assert problems == []
    assert document == {"a": 1, "b": ["x", {"y": {"z": 2}}], "c": {"d": [1, 2]}}
    found = {path: lines.of(path) for path in [("a",), ("b",), ("b", 0), ("b", 1, "y", "z"), ("c",), ("c", "d", 1)]}
    assert found == {("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 1, "y", "z"): 5, ("c",): 7, ("c", "d", 1): 8}


def test_what_is_not_there_stands_where_it_should_be() -> None:
    _, lines, _ = read_yaml("a:\n  b: 1\n")
    assert lines.of(("a", "missing", "deeper")) == 1
    assert lines.of(("a", "b", "c")) == 2
    assert lines.of(("missing",)) == 1
    assert Lines().of(("x",)) == 1


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "'a' stands here for the second time"),
        ("x:\n  a: 1\n  a: 2\n", 3, "second time"),
        ("- {a: 1, a: 2}", 1, "second time"),
        ("1: x\n1: y\n", 2, "second time"),
        ("a: &anchor 1\nb: *anchor\n", 2, "alias"),
        ("a: &a [x]\nb: [*a, *a]\n", 2, "alias"),
        ("a: *nobody\n", 1, "alias"),
        ("", 1, "the file is empty"),
        ("# only a remark\n", 1, "the file is empty"),
        ("\n\n", 1, "the file is empty"),
        ("a:\n\tb: 1\n", 2, "is not YAML"),
        ("a: [1,\nb: 2\n", 3, "is not YAML"),
        ("a: 'x\n", 2, "is not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "is not YAML"),
        ("a: \x00", 1, "is not YAML"),
        ("a: 2026-13-45\n", 1, "is not YAML"),
        ("a: 1\nb: !!python/object:os.system x\n", 2, "tag"),
        ("a: !own x\n", 1, "tag"),
        ("a: !!bool x\n", 1, "tag"),
        ("a: !!timestamp x\n", 1, "tag"),
        ("a: !!int ''\n", 1, "tag"),
        ("a: 1\nb: 0x" + "f" * 5000 + "\n", 2, "is a number of 5002 characters"),
        ("a: " + ":".join(["1"] * 5000) + "\n", 1, "is a number of 9999 characters"),
        ("? [a]\n: 1\n", 1, "is not YAML"),
        ("[" * 3000 + "]" * 3000, 1, "deep"),
        ("{a: " * 3000 + "1" + "}" * 3000, 1, "deep"),
        ("a: 1\nb: " + "[" * 100_000, 2, "deep"),
        ("- " * 100_000, 1, "deep"),
        ("? " * 100_000, 1, "deep"),
        ("x" * 300_000, 1, "larger than 256 KiB"),
    ],
)
def test_what_cannot_be_taken_is_told_with_its_line(text: str, line: int, part: str) -> None:
    document, _, problems = read_yaml(text)
    assert document is None
    assert any(at == line and part in message for at, message in problems), problems
    assert all("\n" not in message for _, message in problems)


def test_a_bomb_is_refused_before_it_grows() -> None:
    text = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    text += "".join(
        f"{here}: &{here} [{', '.join([f'*{before}'] * 9)}]\n" for before, here in zip("abcdefgh", "bcdefghi", strict=True)
    )
    document, _, problems = read_yaml(text)
    assert document is None
    assert problems[0][0] == 2


def test_a_bomb_inside_a_key_is_refused_before_it_grows() -> None:
    grown = ", ".join(f"&{here} [{', '.join([f'*{before}'] * 9)}]" for before, here in zip("abcdefgh", "bcdefghi", strict=True))
    document, _, problems = read_yaml(f"? [&a [x, x], {grown}]\n: 1\n")
    assert document is None
    assert "alias" in problems[0][1]


def test_several_duplicates_are_all_told() -> None:
    _, _, problems = read_yaml("a: 1\na: 2\nb: {c: 1,\n c: 2}\na: 3\n")
    assert [line for line, _ in problems] == [2, 4, 5]


def test_a_byte_order_mark_and_windows_lines_do_no_harm() -> None:
    document, lines, problems = read_yaml("\ufeffa: 1\r\nb: 2\r\n")
    assert (document, problems) == ({"a": 1, "b": 2}, [])
    assert lines.of(("b",)) == 2


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("abc: -#'\"\n", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc", min_size=1), plain, min_size=1))
def test_it_reads_what_yaml_writes(document: dict[str, object]) -> None:
    dumper = yaml.SafeDumper
    dumper.ignore_aliases = lambda *_: True
    text = yaml.dump(document, Dumper=dumper)
    assert read_yaml(text)[0] == document
    assert read_yaml(text)[2] == []


@given(st.text("ab:-[]{}&*!#|>\n\t \"'?%@`0", max_size=30))
def test_no_text_raises(text: str) -> None:
    document, _, problems = read_yaml(text)
    assert document is None or not problems
