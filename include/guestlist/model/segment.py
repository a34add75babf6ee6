"""A segment file: what people write to say who belongs on which audience; every problem in it is told at once.

The reference for people is docs/segments.md; its machine-readable form is docs/segment.schema.json, made from these models.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from croniter import CroniterBadDateError, croniter
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

from guestlist.model.alerts import Alerts
from guestlist.model.capabilities import Capabilities
from guestlist.model.dbt import Dbt
from guestlist.model.errors import ConfigError
from guestlist.model.guards import Guards
from guestlist.model.vocabulary import Field, Mode

GRANTED = "granted"
TASKS = ("dbt", "prepare", "report")
"""What a DAG's own tasks are called."""
OWN_DAGS = "guestlist_"
"""Before the ids of DAGs that are no segment's; a segment is the id of its DAG."""
PRESETS = ("@once", "@continuous", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
_FIXED_REGION = re.compile(r"[A-Z]{2}")
_GLOB = re.compile(r"[*?\[]")
_MOST_PARTITIONS = 500
"""Half of what Airflow maps a task over by default."""
_ON_A_SERVER = re.compile(r"(s3|gs|gcs|az|abfs|abfss|sftp)://", re.IGNORECASE)


def ever_comes(schedule: str) -> bool:
    """Whether Airflow would ever run something on this schedule: the 30th of February is a cron expression, too."""
    if schedule in PRESETS:
        return True
    one_word, five_fields = schedule.startswith("@"), len(schedule.split()) == 5  # a sixth field would be seconds
    if not croniter.is_valid(schedule) or not (one_word or five_fields):
        return False
    try:
        croniter(schedule).get_next()
    except CroniterBadDateError:
        return False
    return True


class _Strict(BaseModel):
    """Frozen, and a key that nobody knows is a typing mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Name = Annotated[str, Described(min_length=1)]
ColumnNames = Annotated[
    tuple[Name, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value, json_schema_input_type=str | list[str]),
    Described(min_length=1),
]


Word = Annotated[str, Described(pattern=r"^[A-Za-z0-9_.:+@/-]+$")]
"""What cannot change a query, wherever in it it stands."""
Words = Annotated[tuple[Word, ...], Described(min_length=2, max_length=_MOST_PARTITIONS)]


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
    dbt: Dbt | None = None
    partitions: Annotated[int, Described(ge=2, le=_MOST_PARTITIONS)] | Words | None = None
    """Parts that tasks read by themselves: how many, or the words that ``{{ partition }}`` stands for in each."""

    @property
    def in_parts(self) -> bool:
        """Whether tasks read parts of it: it has partitions, or is a glob, of which every file may be one."""
        return self.partitions is not None or self.in_files

    @property
    def in_files(self) -> bool:
        """Whether it may be several files."""
        return bool(self.file and _GLOB.search(self.file))

    @model_validator(mode="after")
    def _parts_of_something(self) -> Source:
        if self.partitions is None or self.sql:
            return self
        if self.table:
            raise ValueError("`partitions` of a table: write `sql` that picks its rows with {{ partition }}")
        if not self.in_files or not isinstance(self.partitions, int):
            raise ValueError("`partitions` of files: write the most tasks that may share the files of a glob, as a number")
        return self

    @model_validator(mode="after")
    def _one_way(self) -> Source:
        if self.file is not None:
            if self.sql or self.table:
                raise ValueError("`file` stands alone: leave out `sql` and `table`")
            if self.connection and not _ON_A_SERVER.match(self.file):
                raise ValueError(
                    "a `file` takes a `connection` only where it lies on a server: s3, gs, az, abfss or sftp://..."
                )
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
    audience: str = Described(min_length=1, max_length=200, pattern=r"^[^\r\n\t]*$")
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
    alerts: Alerts = Alerts()
    destinations: tuple[Destination, ...] = Described(min_length=1)

    @field_validator("name")
    @classmethod
    def _a_name_that_no_dag_of_ours_has(cls, name: str) -> str:
        if name.startswith(OWN_DAGS):
            raise ValueError(f"{name!r}: Guestlist's own DAGs are called {OWN_DAGS}...; give the segment another name")
        return name

    @field_validator("schedule")
    @classmethod
    def _a_schedule_that_airflow_takes(cls, schedule: str | After | None) -> str | After | None:
        if isinstance(schedule, str) and not ever_comes(schedule):
            presets = ", ".join(PRESETS)
            what = "no cron expression of a time that ever comes"
            raise ValueError(f"{schedule!r} is {what}; write five fields, null, or one of: {presets}")
        return schedule

    def destination(self, label: str) -> Destination:
        """The destination of that label; `ConfigError` if there is none."""
        for destination in self.destinations:
            if destination.label == label:
                return destination
        known = ", ".join(destination.label for destination in self.destinations)
        raise ConfigError(f"no destination is called {label!r}; there are: {known}", segment=self.name)


def _option_problem(error: dict[str, Any], platform: Platform) -> str:
    if error["type"] == "extra_forbidden":
        known = ", ".join([*list(Destination.model_fields), *platform.options.model_fields])
        return f"{dotted(error['loc'])}: nobody knows this key; there are: {known}"
    where = f"{dotted(error['loc'])}: " if error["loc"] else ""
    return f"{where}{error['msg'].removeprefix('Value error, ')}"


def dotted(location: tuple[str | int, ...]) -> str:
    """A place in a document as people write it: ``destinations.0.mode``."""
    return ".".join(str(part) for part in location)
