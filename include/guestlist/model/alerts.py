"""Alerts: who is told of what, as a segment file says it; docs/monitoring.md tells how alerts arrive."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic import Field as Described

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Happening(StrEnum):
    """What people can be told of."""

    FAILED = "failed"
    """A run ended red: an error, rows that were refused or never sent, a task that died."""
    UNCONFIRMED = "unconfirmed"
    """A platform has not said what became of what was sent."""
    GUARD = "guard"
    """A guard stopped a plan, and a person has to decide."""
    DRIFT = "drift"
    """A platform shows what receipts do not explain, or its audience is gone, emptied or closed."""
    STALE = "stale"
    """An audience was not sealed for longer than the schedule allows."""


ConnectionName = Annotated[str, Described(pattern=r"^[A-Za-z0-9_.\-]+$")]
ConnectionNames = Annotated[
    tuple[ConnectionName, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value, json_schema_input_type=str | list[str]),
]


class Alerts(BaseModel):
    """Over which Airflow connections people are told, and of what. No address or token stands in a segment file.

    The key is not `on`: YAML reads that word as true.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: ConnectionNames = ()
    of: tuple[Happening, ...] = tuple(Happening)
    deadline: Annotated[str, Described(pattern="^[1-9][0-9]{0,3}[smhd]$")] | None = None

    @property
    def within(self) -> timedelta | None:
        """How long a run may take from the moment it is queued."""
        return timedelta(**{_UNITS[self.deadline[-1]]: int(self.deadline[:-1])}) if self.deadline else None
