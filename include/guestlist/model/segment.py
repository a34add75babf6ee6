"""A segment file: what people write to say who belongs on which audience; every problem in it is told at once.

The reference for people is docs/segments.md; its machine-readable form is docs/segment.schema.json, made from these models.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from croniter import croniter
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic import (
    Field as Described,
)

from guestlist.model.delivery import IDENTIFYING, MULTI_VALUED, Capabilities, Field, Mode
from guestlist.model.documents import Lines, Path, read_yaml
from guestlist.model.errors import ConfigError

GRANTED = "granted"
_TASKS = ("prepare", "report")
PRESETS = ("@once", "@continuous", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
_FIXED_REGION = re.compile(r"[A-Z]{2}")


class _Strict(BaseModel):
    """Frozen, and a key that nobody knows is a typing mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Threshold(_Strict):
    """A share (``20%``) or a number of people (``500``)."""

    percent: float | None = None
    count: int | None = None

    def limit(self, base: int) -> float:
        """The largest number of people that it allows, for a base of ``base`` people."""
        return base * self.percent / 100 if self.percent is not None else float(self.count or 0)

    def __str__(self) -> str:
        """As it is written in the file."""
        return f"{self.percent:g}%" if self.percent is not None else str(self.count)


def _threshold(value: Any) -> Any:
    if isinstance(value, str) and (match := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", value)):
        return {"percent": float(match[1])}
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return {"count": value}
    if isinstance(value, dict | Threshold):
        return value
    raise ValueError("write a share such as 20% or a number of people such as 500")


Limit = Annotated[Threshold, BeforeValidator(_threshold, json_schema_input_type=str | int)]
Name = Annotated[str, Described(min_length=1)]
ColumnNames = Annotated[
    tuple[Name, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value, json_schema_input_type=str | list[str]),
    Described(min_length=1),
]


class Identifier(_Strict):
    """The source columns of one match key. ``region``: a column, or a fixed ISO 3166 code such as DE; never guessed."""

    columns: ColumnNames
    region: Name | None = None
    hashed: bool = False
    """The column already holds SHA-256; it is checked, never hashed twice."""

    @property
    def fixed_region(self) -> str | None:
        """The country that holds for every row, where the file names one."""
        return self.region if self.region and _FIXED_REGION.fullmatch(self.region) else None

    @property
    def region_column(self) -> str | None:
        """The column that holds each row's country."""
        return None if self.region is None or self.fixed_region else self.region


def _identifier(value: Any) -> Any:
    return {"columns": value} if isinstance(value, str | list) else value


IdentifierSpec = Annotated[Identifier, BeforeValidator(_identifier, json_schema_input_type=str | list[str] | Identifier)]
Identifiers = Annotated[dict[Field, IdentifierSpec], Described(min_length=1)]


class Source(_Strict):
    """Where rows come from: a connection with ``sql`` or ``table``, or a ``file`` (path, glob or object-store address)."""

    connection: str | None = None
    sql: str | None = None
    table: str | None = None
    file: str | None = None
    format: str | None = Described(None, pattern="^(csv|tsv|parquet|ndjson|excel)$")
    delimiter: str | None = Described(None, min_length=1, max_length=1)
    encoding: str | None = None
    sheet: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Source:
        if self.file is not None:
            if self.connection or self.sql or self.table:
                raise ValueError("`file` stands alone: leave out `connection`, `sql` and `table`")
        elif self.connection is None:
            raise ValueError("say where rows come from: `connection` with `sql` or `table`, or `file`")
        elif (self.sql is None) == (self.table is None):
            raise ValueError("a `connection` needs either `sql` or `table`")
        return self


class Suppression(Source):
    """People who must not be on any audience of this segment, whatever its own query says."""

    identifiers: Identifiers


class Value(_Strict):
    """What a person is worth, for value-based audiences."""

    column: Name
    currency: str = Described(pattern="^[A-Z]{3}$")


class ConsentColumns(_Strict):
    """A column that says yes or no for each row, or the word ``granted``."""

    ad_user_data: Name | None = None
    ad_personalization: Name | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to be read."""
        return tuple(name for name in (self.ad_user_data, self.ad_personalization) if name and name != GRANTED)


class Holdout(_Strict):
    """People kept off all audiences to measure the effect; a larger share keeps the smaller one's people."""

    percent: float = Described(gt=0, lt=100)
    experiment: str = Described(min_length=1)


class Guards(_Strict):
    """Limits that stop a run before anything is sent."""

    max_removed: Limit = Threshold(percent=20)
    max_added: Limit = Threshold(percent=300)
    min_members: Annotated[int, Described(ge=0)] = 1
    min_email_coverage: Limit | None = None
    max_dropped: Limit | None = None
    max_rejected: Limit = Threshold(count=0)


class After(_Strict):
    """Run when these assets were updated."""

    after: tuple[str, ...] = Described(min_length=1)


@dataclass(frozen=True)
class Platform:
    """What validation needs to know of a platform: the model of its own keys in a destination, and what it then can do."""

    options: type[BaseModel]
    capabilities: Callable[[Any], Capabilities]


class Destination(BaseModel):
    """One audience on one platform. ``options`` are the platform's own keys, checked by the platform's own model."""

    model_config = ConfigDict(extra="allow", frozen=True)

    platform: str
    connection: str = Described(pattern=r"^[A-Za-z0-9_.\-]+$")
    audience: str = Described(min_length=1, max_length=200)
    mode: Mode = Mode.MIRROR
    name: str | None = Described(None, pattern="^[a-z][a-z0-9_]*$")

    @property
    def label(self) -> str:
        """Its stable name within the segment: ``name``, or else the connection's."""
        return self.name or re.sub(r"[^A-Za-z0-9_]", "_", self.connection)

    @property
    def pool(self) -> str:
        """The Airflow pool that all tasks on its ad account share."""
        return f"guestlist_{self.connection}"

    @property
    def options(self) -> dict[str, Any]:
        """The platform's own keys, as written."""
        return dict(self.model_extra or {})

    @model_validator(mode="after")
    def _known_platform(self, info: ValidationInfo) -> Destination:
        platforms: Mapping[str, Platform] = (info.context or {}).get("platforms", {})
        if not platforms:
            return self
        if (platform := platforms.get(self.platform)) is None:
            raise ValueError(f"no platform is called {self.platform!r}; there are: {', '.join(sorted(platforms))}")
        try:
            options = platform.options.model_validate(self.options)
        except ValidationError as error:
            raise ValueError("; ".join(_option_problem(dict(item), platform) for item in error.errors())) from None
        if self.mode not in (modes := platform.capabilities(options).modes):
            raise ValueError(f"{self.platform} cannot do mode {self.mode.value!r}; it can do: {', '.join(modes)}")
        return self


class Segment(_Strict):
    """The wanted set of people, and the audiences that are to hold them."""

    name: str = Described(pattern="^[a-z][a-z0-9_]*$", max_length=100)
    description: str = ""
    owner: str = "airflow"
    schedule: str | After | None = None
    source: Source
    key: Name
    identifiers: Identifiers
    strict_phones: bool = False
    value: Value | None = None
    consent: ConsentColumns = ConsentColumns()
    suppress: tuple[Suppression, ...] = ()
    holdout: Holdout | None = None
    guards: Guards = Guards()
    destinations: tuple[Destination, ...] = Described(min_length=1)

    @field_validator("schedule")
    @classmethod
    def _a_schedule_that_airflow_takes(cls, schedule: str | After | None) -> str | After | None:
        if isinstance(schedule, str) and schedule not in PRESETS and not croniter.is_valid(schedule):
            presets = ", ".join(PRESETS)
            raise ValueError(f"{schedule!r} is no cron expression; write five fields, null, or one of: {presets}")
        return schedule

    def destination(self, label: str) -> Destination:
        """The destination of that label; `ConfigError` if there is none."""
        for destination in self.destinations:
            if destination.label == label:
                return destination
        known = ", ".join(destination.label for destination in self.destinations)
        raise ConfigError(f"no destination is called {label!r}; there are: {known}", segment=self.name)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a segment file, and where."""

    line: int
    where: str
    message: str

    def __str__(self) -> str:
        """One line for a person."""
        return f"line {self.line}: {self.where + ': ' if self.where else ''}{self.message}"


class SegmentError(ConfigError):
    """A segment file that cannot be used, with every reason."""

    problems: tuple[Problem, ...] = ()
    file: str = ""

    @classmethod
    def of(cls, file: str, problems: list[Problem]) -> SegmentError:
        """The error that lists ``problems`` in the order of their lines."""
        ordered = tuple(sorted(problems, key=lambda problem: problem.line))
        listed = "".join(f"\n  {problem}" for problem in ordered)
        error = cls(f"{file} has {len(ordered)} problem{'s' * (len(ordered) > 1)}:{listed}")
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


def _dotted(location: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in location)


def _telling(error: ValidationError) -> list[Mapping[str, Any]]:
    """Its problems less those that only follow from others: a tuple is "too short" when its only item is wrong."""
    items: list[Mapping[str, Any]] = [dict(item) for item in error.errors()]
    places = {item["loc"][:-1] for item in items} | {item["loc"][:-2] for item in items}
    return [item for item in items if not (item["type"] == "too_short" and item["loc"] in places)]


def _option_problem(error: dict[str, Any], platform: Platform) -> str:
    if error["type"] == "extra_forbidden":
        known = ", ".join([*list(Destination.model_fields), *platform.options.model_fields])
        return f"{_dotted(error['loc'])}: nobody knows this key; there are: {known}"
    where = f"{_dotted(error['loc'])}: " if error["loc"] else ""
    return f"{where}{error['msg'].removeprefix('Value error, ')}"


_KNOWN_KEYS: dict[tuple[str, ...], type[BaseModel]] = {
    (): Segment,
    ("source",): Source,
    ("guards",): Guards,
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
    elif error["type"] == "missing":
        message = "is missing"
    elif error["type"] not in ("value_error", "enum") and isinstance(error["input"], str | int | float | bool):
        message += f" (found {error['input']!r})"
    return Problem(lines.of(location), _dotted(location), message)


def _cross_checks(document: Mapping[str, Any], lines: Lines, platforms: Mapping[str, Platform]) -> Iterator[Problem]:
    """What no single part of the file can know, told even where other parts are broken."""
    identifiers = document.get("identifiers")
    identifiers = identifiers if isinstance(identifiers, dict) else {}
    for path, message in (
        *_column_problems(identifiers, ("identifiers",)),
        *_suppression_problems(document.get("suppress"), identifiers),
        *_destination_problems(document, identifiers, platforms),
    ):
        yield Problem(lines.of(path), _dotted(path), message)


def _column_problems(identifiers: Mapping[Any, Any], path: Path) -> Iterator[tuple[Path, str]]:
    for name, written in identifiers.items():
        columns = written.get("columns") if isinstance(written, dict) else written
        if not isinstance(columns, list):
            continue
        if len(columns) > 1 and name not in MULTI_VALUED:
            yield (*path, name), f"takes one column; several are possible for {', '.join(sorted(MULTI_VALUED))}"
        for column in dict.fromkeys(str(column) for column in columns if columns.count(column) > 1):
            yield (*path, name), f"the column {column!r} stands here twice"


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
        if destination.label in _TASKS:
            yield (
                ("destinations", index),
                f"a task of the DAG is called {destination.label!r}: give the destination its own `name`",
            )
        if first.setdefault(destination.label, index) != index:
            yield ("destinations", index), f"another destination is called {destination.label!r} too: give each its own `name`"
        if identifiers and (platform := platforms.get(destination.platform)):
            options = platform.options.model_validate(destination.options)
            capabilities = platform.capabilities(options)
            for message in _key_problems(identifiers, capabilities):
                yield ("destinations", index), message
            for place, list_ in enumerate(lists if isinstance(lists, list) else []):
                theirs = list_.get("identifiers") if isinstance(list_, dict) else None
                for message in _hashed_in_vain(theirs, capabilities) if isinstance(theirs, dict) else ():
                    yield ("suppress", place, "identifiers"), message


def _key_problems(identifiers: Mapping[str, Any], capabilities: Capabilities) -> Iterator[str]:
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
