"""Checks the queries of a segment file as far as that goes without a database: the file is there, its template is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from guestlist.model.documents import Lines, read_yaml
from guestlist.model.errors import ConfigError
from guestlist.model.segment import Segment
from guestlist.model.segment_file import Problem
from guestlist.model.source import Source
from guestlist.runtime.config import readable_folders, segments_folder
from guestlist.sources.templates import partition_problem, query_text, template_problem


def query_problems(segment: Segment, path: Path) -> tuple[Problem, ...]:
    """What is wrong with the queries of the segment in the file ``path``."""
    _, lines, _ = read_yaml(path.read_text(encoding="utf-8"))
    return tuple(_problems(segment, lines))


def _problems(segment: Segment, lines: Lines) -> Iterator[Problem]:
    written: list[tuple[tuple[str | int, ...], Source]] = [(("source", "sql"), segment.source)]
    written += [(("suppress", index, "sql"), item) for index, item in enumerate(segment.suppress)]
    for place, source in written:
        if source.sql and (message := _problem(source, source.sql, segments_folder().parent, readable_folders())):
            yield Problem(lines.of(place), ".".join(map(str, place)), message)


def _problem(source: Source, sql: str, folder: Path, roots: Sequence[Path]) -> str | None:
    try:
        text = query_text(sql, folder, roots)
    except ConfigError as error:
        return error.message
    return template_problem(text) or partition_problem(source, text)
