"""Answers about plans that guards stopped, and what people ask for."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Described

from guestlist.model import plan as model
from guestlist.web.answers.base import Answer, Count, PushedAs


class Decision(Answer):
    """What a person decided on a plan."""

    plan: int
    decision: Literal["approve", "reject", "expired"]
    who: str
    at: datetime


class Breach(Answer):
    """A guard that a plan does not pass, in numbers."""

    guard: str
    what: str
    allowed: str
    found: int
    base: int
    hint: str
    text: str
    """All of it as one sentence."""

    @classmethod
    def of(cls, breach: model.Breach) -> Self:
        """As the plan has it."""
        return cls(**asdict(breach), text=str(breach))


class Waiting(Answer):
    """A plan that a guard stopped and of which nothing was sent."""

    plan: int
    run_id: str
    run_url: str | None
    planned_at: datetime
    breaches: tuple[Breach, ...]
    numbers: tuple[Count, ...]
    """People held, wanted, joining, leaving and so on, and the rows that would go out."""
    decided: Decision | None
    page_url: str | None
    """Airflow's own page of the question, with a masked sample of whom the plan moves."""


Outcome = Literal["waiting", "approved", "rejected", "expired", "superseded", "dry"]


class GuardRow(Breach):
    """A guard that stopped a plan, and what was decided."""

    plan: int
    segment: str
    pushed: PushedAs | None
    destination: str
    run_id: str
    run_url: str | None
    planned_at: datetime
    outcome: Outcome
    who: str | None
    decided_at: datetime | None


class Guards(Answer):
    """Breached guards, the newest plan first."""

    rows: tuple[GuardRow, ...]
    next: int | None
    """Ask with it as ``before`` for those that come after; null at the end."""


class RunRequest(BaseModel):
    """A run by hand."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    dry_run: bool = False
    destinations: Annotated[tuple[str, ...], Described(min_length=1)] | None = None
    """Only these; all if it is left out."""


class Triggered(Answer):
    """A run that Airflow has queued."""

    run_id: str
    run_url: str
    dry_run: bool


class DecisionRequest(BaseModel):
    """What a person decides on the plan that he was shown."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    plan: int
    decision: Literal["approve", "reject"]


class Decided(Decision):
    """The decision as it was kept."""

    next: str
    """What happens now, as a sentence."""
