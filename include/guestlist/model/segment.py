"""A segment file: what people write to say who belongs on which audience; every problem in it is told at once.

The reference for people is docs/segments.md; its machine-readable form is docs/segment.schema.json, made from these models.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from croniter import CroniterBadDateError, croniter
from pydantic import (
    BaseModel,
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
from guestlist.model.errors import ConfigError
from guestlist.model.guards import Guards
from guestlist.model.source import ROW_KEY, Identifiers, Name, Source, Strict
from guestlist.model.vocabulary import Mode

GRANTED = "granted"
TASKS = ("dbt", "prepare", "report")
"""What a DAG's own tasks are called."""
OWN_DAGS = "guestlist_"
"""Before the ids of DAGs that are no segment's; a segment is the id of its DAG."""
LONGEST_INTAKE = 80
PUSHED_AUDIENCE = "{audience}"
"""In the audience's name of an intake's destination: what the pushed audience is called."""
PRESETS = ("@once", "@continuous", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")


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


class Suppression(Source):
    """People who must not be on any audience of this segment, whatever its own query says."""

    identifiers: Identifiers


class Value(Strict):
    """What a person is worth, for value-based audiences."""

    column: Name
    currency: str = Described(pattern="^[A-Z]{3}$")


class ConsentColumns(Strict):
    """A column that says yes or no for each row, or the word ``granted``."""

    ad_user_data: Name | None = None
    ad_personalization: Name | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to be read."""
        return tuple(name for name in (self.ad_user_data, self.ad_personalization) if name and name != GRANTED)


class Holdout(Strict):
    """People kept off all audiences to measure the effect; a larger share keeps the smaller one's people."""

    percent: float = Described(gt=0, lt=100)
    experiment: str = Described(min_length=1)


class After(Strict):
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


class Segment(Strict):
    """The wanted set of people, and the audiences that are to hold them."""

    model_config = ConfigDict(json_schema_extra=lambda schema: schema["required"].remove("key"))  # an intake may go without

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

    @model_validator(mode="before")
    @classmethod
    def _what_is_pushed_may_have_no_key(cls, data: Any) -> Any:
        source = data.get("source") if isinstance(data, Mapping) else None
        pushed = isinstance(source, Mapping) and "intake" in source
        return {"key": ROW_KEY, **data} if pushed else data

    @model_validator(mode="after")
    def _an_intake_is_for_many_audiences(self) -> Segment:
        if self.source.intake is None:
            return self
        if self.schedule is not None:
            raise ValueError("an intake has no `schedule`: its runs begin with uploads")
        if len(self.name) > LONGEST_INTAKE:
            raise ValueError(f"the name of an intake has at most {LONGEST_INTAKE} characters: its audiences add to it")
        for target in self.destinations:
            if PUSHED_AUDIENCE not in target.audience:
                told = f"{target.label}: write {PUSHED_AUDIENCE} into `audience`, where the name of each pushed audience goes"
                raise ValueError(f"{told}; else they would all be one")
        return self

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
