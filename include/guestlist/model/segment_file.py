"""Reads a segment file: every problem in it is told at once, with its line, what was found and what is allowed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from guestlist.model.alerts import Alerts
from guestlist.model.capabilities import Capabilities
from guestlist.model.dbt import Dbt
from guestlist.model.documents import Lines, Path, read_yaml
from guestlist.model.errors import ConfigError
from guestlist.model.guards import Guards
from guestlist.model.segment import TASKS, ConsentColumns, Destination, Holdout, Platform, Segment, Value, dotted
from guestlist.model.source import Source
from guestlist.model.vocabulary import IDENTIFYING, MULTI_VALUED, Field

_MOST_PROBLEMS = 100
_LONGEST_MESSAGE = 1000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a segment file, and where."""

    line: int
    where: str
    message: str

    def __str__(self) -> str:
        """One line for a person."""
        told = f"{self.where + ': ' if self.where else ''}{self.message}"
        return f"line {self.line}: {told[:_LONGEST_MESSAGE]}{' ...' * (len(told) > _LONGEST_MESSAGE)}"


class SegmentError(ConfigError):
    """A segment file that cannot be used, with every reason."""

    problems: tuple[Problem, ...] = ()
    file: str = ""

    @classmethod
    def of(cls, file: str, problems: list[Problem]) -> SegmentError:
        """The error that lists ``problems`` in the order of their lines, the first hundred where there are more."""
        ordered = tuple(sorted(problems, key=lambda problem: problem.line)[:_MOST_PROBLEMS])
        listed = "".join(f"\n  {problem}" for problem in ordered)
        more = f"\n  and {len(problems) - len(ordered)} more" if len(problems) > len(ordered) else ""
        error = cls(f"{file} has {len(problems)} problem{'s' * (len(problems) > 1)}:{listed}{more}")
        error.problems, error.file = ordered, file
        return error


def parse_segment(text: str, file: str, platforms: Mapping[str, Platform]) -> Segment:
    """Read a segment file's text. ``file`` is shown in errors; its stem must be the segment's name.

    Raises:
        SegmentError: lists every problem with its line, what was found and what is allowed.
    """
    document, lines, problems = read_yaml(text)
    if not problems and not isinstance(document, dict):
        problems = [(1, "must be keys and values, such as `name: ...`")]
    if problems:
        raise SegmentError.of(file, [Problem(line, "", message) for line, message in problems])
    found: list[Problem] = []
    try:
        segment = Segment.model_validate(document, context={"platforms": platforms})
    except ValidationError as error:
        segment = None
        found += [_problem(dict(item), lines) for item in _telling(error)]
    found += _cross_checks(document, lines, platforms)
    stem = file.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    if document.get("name") not in (None, stem):
        found.append(Problem(lines.of(("name",)), "name", f"must be the file's name, {stem!r}"))
    if found or segment is None:
        raise SegmentError.of(file, found)
    return segment


def _telling(error: ValidationError) -> list[Mapping[str, Any]]:
    """Its problems less those that only follow from others: a tuple is "too short" when its only item is wrong."""
    items: list[Mapping[str, Any]] = [dict(item) for item in error.errors()]
    places = {item["loc"][:-1] for item in items} | {item["loc"][:-2] for item in items}
    return [item for item in items if not (item["type"] == "too_short" and item["loc"] in places)]


_KNOWN_KEYS: dict[tuple[str, ...], type[BaseModel]] = {
    (): Segment,
    ("source",): Source,
    ("source", "dbt"): Dbt,
    ("guards",): Guards,
    ("alerts",): Alerts,
    ("value",): Value,
    ("consent",): ConsentColumns,
    ("holdout",): Holdout,
}


def _problem(error: dict[str, Any], lines: Lines) -> Problem:
    location = tuple(part for part in error["loc"] if part not in ("[key]", "str", "After"))
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "nobody knows this key"
        if model := _KNOWN_KEYS.get(location[:-1]):
            message += f"; there are: {', '.join(model.model_fields)}"
    elif error["type"] == "invalid_key":
        message = "keys are texts; YAML reads on, yes, off and no as true and false"
    elif error["type"] == "missing":
        message = "is missing"
    elif error["type"] not in ("value_error", "enum") and isinstance(error["input"], str | int | float | bool):
        message += f" (found {error['input']!r})"
    return Problem(lines.of(location), dotted(location), message)


def _cross_checks(document: Mapping[str, Any], lines: Lines, platforms: Mapping[str, Platform]) -> Iterator[Problem]:
    """What no single part of the file can know, told even where other parts are broken."""
    identifiers = document.get("identifiers")
    identifiers = identifiers if isinstance(identifiers, dict) else {}
    for path, message in (
        *_control_problems(document, ()),
        *_column_problems(identifiers, ("identifiers",)),
        *_guard_problems(document.get("guards"), identifiers),
        *_suppression_problems(document.get("suppress"), identifiers),
        *_destination_problems(document, identifiers, platforms),
    ):
        yield Problem(lines.of(path), dotted(path), message)


def _control_problems(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Control characters reach logs, terminals, databases and platforms; only a delimiter may be one."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _control_problems(inner, (*path, str(name)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _control_problems(inner, (*path, index))
    elif isinstance(value, str) and path[-1:] != ("delimiter",) and _CONTROL.search(value):
        yield path, f"holds a control character ({_CONTROL.findall(value)[0]!a})"


def _column_problems(identifiers: Mapping[Any, Any], path: Path) -> Iterator[tuple[Path, str]]:
    for name, written in identifiers.items():
        columns = written.get("columns") if isinstance(written, dict) else written
        if not isinstance(columns, list):
            continue
        if len(columns) > 1 and name not in MULTI_VALUED:
            yield (*path, name), f"takes one column; several are possible for {', '.join(sorted(MULTI_VALUED))}"
        for column, times in Counter(map(str, columns)).items():
            if times > 1:
                yield (*path, name), f"the column {column!r} stands here twice"


def _guard_problems(guards: Any, identifiers: Mapping[Any, Any]) -> Iterator[tuple[Path, str]]:
    if isinstance(guards, dict) and guards.get("min_email_coverage") is not None and identifiers and "email" not in identifiers:
        yield ("guards", "min_email_coverage"), "guards nothing: no `email` is among the identifiers"


def _suppression_problems(lists: Any, identifiers: Mapping[Any, Any]) -> Iterator[tuple[Path, str]]:
    for index, written in enumerate(lists if isinstance(lists, list) else []):
        theirs = written.get("identifiers") if isinstance(written, dict) else None
        if not isinstance(theirs, dict):
            continue
        path: Path = ("suppress", index, "identifiers")
        yield from _column_problems(theirs, path)
        mine = [name.value for name in Field if name in IDENTIFYING and name in identifiers]
        if mine and not set(mine) & set(theirs):
            yield path, f"the list would suppress nobody: it needs one of the segment's own {', '.join(mine)}"


def _destination_problems(
    document: Mapping[str, Any], identifiers: Mapping[Any, Any], platforms: Mapping[str, Platform]
) -> Iterator[tuple[Path, str]]:
    destinations, lists = document.get("destinations"), document.get("suppress")
    first: dict[str, int] = {}
    for index, written in enumerate(destinations if isinstance(destinations, list) else []):
        try:
            destination = Destination.model_validate(written, context={"platforms": platforms})
        except ValidationError:
            continue  # told already
        if destination.label in TASKS:
            yield (
                ("destinations", index),
                f"a task of the DAG is called {destination.label!r}: give the destination its own `name`",
            )
        if first.setdefault(destination.label, index) != index:
            yield ("destinations", index), f"another destination is called {destination.label!r} too: give each its own `name`"
        if identifiers and (platform := platforms.get(destination.platform)):
            options = platform.options.model_validate(destination.options)
            capabilities = platform.capabilities(options)
            for message in key_problems(identifiers, capabilities):
                yield ("destinations", index), message
            for place, list_ in enumerate(lists if isinstance(lists, list) else []):
                theirs = list_.get("identifiers") if isinstance(list_, dict) else None
                for message in _hashed_in_vain(theirs, capabilities) if isinstance(theirs, dict) else ():
                    yield ("suppress", place, "identifiers"), message


def key_problems(identifiers: Mapping[str, Any], capabilities: Capabilities) -> Iterator[str]:
    """Why a platform would find nobody by these identifiers, or cannot take one of them."""
    taken = {key.field.value: key for key in capabilities.keys}
    if not (usable := set(taken) & set(identifiers)):
        yield f"{capabilities.platform} takes none of the identifiers; it takes: {', '.join(sorted(taken))}"
    elif not any(field.value in usable for field in capabilities.singles) and not any(
        {part.value for part in composite.required} <= usable for composite in capabilities.composites
    ):
        together = " or ".join("+".join(composite.required) for composite in capabilities.composites)
        yield f"{capabilities.platform} finds nobody by {', '.join(sorted(usable))} alone; it needs {together}"
    yield from _hashed_in_vain(identifiers, capabilities)


def _hashed_in_vain(identifiers: Mapping[Any, Any], capabilities: Capabilities) -> Iterator[str]:
    for key in capabilities.keys:
        written = identifiers.get(key.field.value)
        if isinstance(written, dict) and written.get("hashed") and key.plain:
            yield f"{capabilities.platform} takes {key.field.value} unhashed, and the column is declared as hashed"
