"""docs/complaints.md: every test that it names is there, and every test of tests/complaints stands on it with its addresses."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from docs.pages import ROOT, rows, text_of

PAGE = text_of("complaints.md")
TESTS = ROOT / "tests"
_TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
_ADDRESS = re.compile(r"https://[^\s)]+")


def told_in(path: Path) -> dict[str, str]:
    """Name -> docstring of the tests of a file."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return {
        node.name: ast.get_docstring(node) or ""
        for node in body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


OURS = {
    (f"complaints/{path.name}", name): docstring
    for path in sorted((TESTS / "complaints").glob("test_*.py"))
    for name, docstring in told_in(path).items()
}


def test_every_test_on_the_page_is_there() -> None:
    named = {(path, name) for path, name in _TEST.findall(PAGE)}
    there = {path: set(told_in(TESTS / path)) for path, _ in named if (TESTS / path).exists()}
    assert {(path, name) for path, name in named if name not in there.get(path, ())} == set()


def test_every_complaint_has_its_address_and_a_test() -> None:
    complaints = [row for row in rows(PAGE) if row[0] != "Elsewhere"]
    assert len(complaints) > 45
    assert all(len(row) == 3 for row in complaints)
    assert [row[0] for row in complaints if not _ADDRESS.search(row[0]) or not _TEST.search(row[2])] == []


def test_what_the_tests_of_complaints_tell_stands_on_the_page() -> None:
    assert set(OURS) <= set(_TEST.findall(PAGE))
    addresses = set(_ADDRESS.findall(PAGE))
    for test, docstring in OURS.items():
        assert docstring.startswith("Elsewhere "), test
        told = set(_ADDRESS.findall(docstring))
        assert told, test
        assert told <= addresses, test
