"""What a run read, made and sent: names, versions and counts, never a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Use(Enum):
    """What becomes of a column in what is made of it, as OpenLineage's type and subtype."""

    COPIED = ("DIRECT", "IDENTITY")
    MADE_INTO = ("DIRECT", "TRANSFORMATION")
    TELLS_HOW = ("INDIRECT", "CONDITIONAL")
    """Such as the country in which a phone is read."""
    CHOOSES = ("INDIRECT", "FILTER")
    """Such as a consent, without which nobody is taken."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table, file, folder or audience, by OpenLineage's conventions for names."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Origin:
    """A column that something was made from. ``how`` is the recipe's name, or what the column is asked for."""

    dataset: Dataset
    column: str
    use: Use
    how: str
    masked: bool = False
    """Only a hash of it goes on."""


@dataclass(frozen=True, slots=True)
class Check:
    """A guard of an audience, and whether the plan has passed it; ``expected`` and ``found`` are as a person reads them."""

    label: str
    guard: str
    passed: bool
    expected: str
    found: str | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """Of so many rows a column has a value, and of so many it has none."""

    count: int
    missing: int


@dataclass(frozen=True, slots=True)
class Read:
    """A dataset that a task has read; ``columns`` are name -> type, empty where that is not known."""

    dataset: Dataset
    columns: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None
    checked_rows: int = 0
    """Rows that ``filled`` is about."""
    filled: Mapping[str, Filled] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """A dataset that a task has made or changed."""

    dataset: Dataset
    columns: Mapping[str, str]
    origins: Mapping[str, tuple[Origin, ...]]
    """Column -> what it was made from."""
    chosen_by: tuple[Origin, ...] = ()
    """What decides which rows are in it."""
    rows: int | None = None
    told: Mapping[str, Any] = field(default_factory=dict)
    """What more there is to say, in numbers and names."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """What one task has read and made."""

    read: tuple[Read, ...] = ()
    made: tuple[Made, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """What a parser tells of a query: the tables that it names, as they are written."""

    tables: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Where it names one table only: column of the query -> the table's columns that it is made of.

    Of several tables nobody knows without their schemas whose an unqualified column is.
    """
