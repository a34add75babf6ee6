"""One mistake on the way from a value to its hash, and the person's value that it is tried on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any

import phonenumbers


class Stage(IntEnum):
    """Where on the way: which text, as which bytes, by which digest, in which form."""

    TEXT = 0
    ENCODING = 1
    DIGEST = 2
    FORM = 3


@dataclass(frozen=True)
class Case:
    """A value as it was written, the text that the platform's recipe makes of it, and the person's region.

    Both texts are personal data: no `repr` shows them.
    """

    raw: str = field(repr=False)
    right: str = field(repr=False)

    @cached_property
    def lowered(self) -> str:
        """Trimmed and in lower case, and nothing else."""
        return self.raw.strip().lower()

    @cached_property
    def digits(self) -> str:
        """The digits of the value as it was written."""
        return re.sub(r"\D", "", self.raw)

    @cached_property
    def number(self) -> Any:
        """A phone as libphonenumber sees it; for phones only."""
        return phonenumbers.parse(f"+{self.right.removeprefix('+')}")


@dataclass(frozen=True)
class Mistake:
    """A named step of a wrong recipe: what was done, and how to mend it.

    ``apply`` is for a text ``(str, Case) -> str | None``, for an encoding ``str -> bytes | None``, for a digest
    ``bytes -> bytes``, for a form ``str -> str | None``; None where it does not apply. With ``anew`` it does not look at what
    the steps before it have made.
    """

    stage: Stage
    name: str
    what: str
    mend: str
    apply: Callable[..., Any] = field(repr=False)
    anew: bool = False
