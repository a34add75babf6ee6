"""What a batch of EdgeTag's holds: the names are those of its page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as Described

from guestlist.model.errors import DataError

_MOST_TOLD = 5


def corrupted(what: str) -> DataError:
    """A payload that is not as the page has it."""
    return DataError(f"Payload is corrupted or missing: {what}")


class Batch(BaseModel):
    """The header of a batch. Sequences count from 0 or from 1."""

    sessionId: Annotated[int, Described(ge=0, lt=2**53)]  # noqa: N815 - as on the page, and so below
    sequence: Annotated[int, Described(ge=0)]
    totalBatches: Annotated[int, Described(ge=1, le=100_000)]  # noqa: N815
    totalUsers: Annotated[int, Described(ge=1)]  # noqa: N815
    pullDate: date | None = None  # noqa: N815


class Purchase(BaseModel):
    """What a user is worth."""

    currency: str | None = None
    profit: float | None = None
    total7Days: float | None = None  # noqa: N815


class User(BaseModel):
    """A user; most fields are left out of most users."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    edgeTagId: str | None = None  # noqa: N815
    email: str | None = None
    phone: str | None = None
    firstName: str | None = None  # noqa: N815
    lastName: str | None = None  # noqa: N815
    country: str | None = None
    postalCode: str | None = None  # noqa: N815
    purchase: Purchase = Purchase()

    def row(self) -> str:
        """A line of NDJSON that has every column; an intake's file may name one of ``purchase.`` as its ``value``."""
        told = self.model_dump(exclude={"purchase"})
        worth = {f"purchase.{name}": value for name, value in self.purchase.model_dump().items()}
        texts = {name: None if value is None else str(value) for name, value in worth.items()}
        return json.dumps(told | texts, ensure_ascii=False)


COLUMNS = frozenset(json.loads(User().row()))
"""Of the uploads that are made of batches."""


class Payload(BaseModel):
    """All of a request."""

    name: Annotated[str, Described(min_length=1)]
    type: Literal["custom", "primary"] = "custom"
    batch: Batch
    users: list[User]


def payload_of(fields: Mapping[str, str]) -> Payload:
    """Read the parts of a form; ``batch`` and ``users`` are JSON in a text.

    Raises:
        DataError: it is not as the page has it; the sentence tells where, and repeats no value.
    """
    given: dict[str, object] = dict(fields)
    try:
        given |= {name: json.loads(fields[name]) for name in ("batch", "users") if name in fields}
    except ValueError:
        raise corrupted("batch and users are JSON strings") from None
    try:
        return Payload.model_validate(given)
    except ValidationError as error:
        found = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)[:_MOST_TOLD]]
        raise corrupted("; ".join(found)) from None
