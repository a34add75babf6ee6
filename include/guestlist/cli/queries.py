"""Checks the queries of a segment file as far as that goes without a database: the file is there, its template is one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from guestlist.model.documents import Lines, read_yaml
from guestlist.model.segment import Segment
from guestlist.model.segment_file import Problem


def query_problems(segment: Segment, path: Path, folder: Path) -> tuple[Problem, ...]:
    """What is wrong with the queries of the segment in the file ``path``; query files are looked up from ``folder``."""
    _, lines, _ = read_yaml(path.read_text(encoding="utf-8"))
    return tuple(_problems(segment, lines, folder))


def _problems(segment: Segment, lines: Lines, folder: Path) -> Iterator[Problem]:
    written: list[tuple[tuple[str | int, ...], str | None]] = [(("source", "sql"), segment.source.sql)]
    written += [(("suppress", index, "sql"), item.sql) for index, item in enumerate(segment.suppress)]
    for place, sql in written:
        if sql and (message := _problem(sql, folder)):
            yield Problem(lines.of(place), ".".join(map(str, place)), message)


def _problem(sql: str, folder: Path) -> str | None:
    text = sql
    if sql.strip().endswith(".sql"):
        file = folder / sql.strip()
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return f"there is no query file {file}, or it is not UTF-8"
    try:
        SandboxedEnvironment().parse(text)
    except jinja2.TemplateSyntaxError as error:
        return f"the query's template is broken in line {error.lineno}: {error.message}"
    return None
