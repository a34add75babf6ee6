"""What every answer is made of: names, counts, times and platforms' own words; never a value of a person."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """Made once, never changed."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, json_schema_serialization_defaults_required=True)


class Count(Answer):
    """How many of something."""

    name: str
    count: int


class PushedAs(Answer):
    """What somebody has pushed, and to which intake; `/audiences/{id}` tells how far it is."""

    id: str
    name: str
    intake: str


class Problem(Answer):
    """Why a request was not served."""

    detail: str


def counted(counts: Mapping[str, int]) -> tuple[Count, ...]:
    """Counts by name, in the order in which they stand."""
    return tuple(Count(name=name, count=count) for name, count in counts.items())
