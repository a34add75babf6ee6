"""Guards: the limits of a segment file that stop a run before anything is sent; docs/segments.md tells what each is for."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_serializer
from pydantic import Field as Described

_HALF = 50.0


class Threshold(BaseModel):
    """A share (``20%``) or a number of people (``500``)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    percent: float | None = None
    count: int | None = None

    @model_serializer
    def written(self) -> str | int:
        """As a segment file has it, to the last digit."""
        if self.percent is None:
            return self.count or 0
        return f"{self.percent:.9f}".rstrip("0").rstrip(".") + "%"

    def limit(self, base: int) -> float:
        """The largest number of people that it allows, for a base of ``base`` people."""
        return base * self.percent / 100 if self.percent is not None else float(self.count or 0)

    def __str__(self) -> str:
        """As people are told of it."""
        return f"{self.percent:g}%" if self.percent is not None else f"{self.count or 0:,}"


def _threshold(value: Any) -> Any:
    if isinstance(value, str) and (match := re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*%\s*", value)):
        return {"percent": float(match[1])}
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return {"count": value}
    if isinstance(value, Threshold):
        return value
    raise ValueError("write a share such as 20% or a number of people such as 500")


def _at_least_half(value: Threshold) -> Threshold:
    """One pass over the rows finds the key that most of them have; a rarer one would take a count of all keys."""
    if value.percent is None or value.percent < _HALF:
        raise ValueError("write a share of at least 50%")
    return value


Limit = Annotated[Threshold, BeforeValidator(_threshold, json_schema_input_type=str | int)]


class Guards(BaseModel):
    """Limits that stop a run before anything is sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_removed: Limit = Threshold(percent=20)
    max_added: Limit = Threshold(percent=300)
    min_members: Annotated[int, Described(ge=0)] = 1
    min_email_coverage: Limit | None = None
    min_value_coverage: Limit = Threshold(count=1)
    max_dropped: Limit | None = None
    max_malformed: Limit = Threshold(percent=50)
    max_same_key: Annotated[Limit, AfterValidator(_at_least_half)] = Threshold(percent=50)
    max_key_loss: Limit = Threshold(percent=10)
    max_drop_rise: Limit = Threshold(percent=20)
    schema_change: Literal["stop", "allow"] = "stop"
    max_rejected: Limit = Threshold(count=0)
