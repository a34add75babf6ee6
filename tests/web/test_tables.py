"""Rows as CSV: what a spreadsheet would run is only text there."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from guestlist.web.answers.base import Answer, Count
from guestlist.web.tables import answered


class Line(Answer):
    name: str | None
    count: int
    at: datetime
    of: tuple[Count, ...] = ()


def table(*rows: Line) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answered(None, Line, rows, "csv", "lines").body.decode())))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", '=HYPERLINK("https://evil.example")'])
def test_formulas_are_texts(text: str) -> None:
    [_, [name, *_]] = table(Line(name=text, count=1, at=datetime.now(UTC)))
    assert name == f"'{text}"


def test_cells() -> None:
    at = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    counts = (Count(name="=a", count=2), Count(name="b", count=3))
    header, named, nameless = table(Line(name='a "b", c', count=-4, at=at, of=counts), Line(name=None, count=0, at=at))
    assert header == ["name", "count", "at", "of"]
    assert named == ['a "b", c', "-4", "2026-03-04T05:06:00+00:00", "'=a 2; b 3"]
    assert nameless == ["", "0", "2026-03-04T05:06:00+00:00", ""]
