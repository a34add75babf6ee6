"""What a segment file says of the dbt model that makes its source: which it is, where dbt's artifacts lie, how long to wait."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic import Field as Described

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and (match := re.fullmatch(r"(\d{1,4})([mhd])", value.strip())):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    raise ValueError("write a number of minutes, hours or days, such as 90m, 26h or 2d")


Duration = Annotated[timedelta, BeforeValidator(_duration, json_schema_input_type=str)]


class Dbt(BaseModel):
    """A model that must have been built, with its tests, before the source is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Described(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")
    """Its name, with its package before it where several have such a model, and its version behind it where it has any."""
    artifacts: str = Described(min_length=1)
    """The folder, or the object-store address, with run_results.json and manifest.json."""
    connection: str | None = None
    """For the address, where this machine has no credential of its own."""
    max_age: Duration | None = None
    """How old the build may be. Without it the model must have been built since the segment's last run that ended green."""
    wait: Duration = timedelta(hours=2)
    """How long a run waits for the build."""
