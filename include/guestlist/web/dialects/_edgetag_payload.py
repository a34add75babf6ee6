"""What a batch of EdgeTag's holds: the names are those of its page."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic import Field as Described

from guestlist.model.errors import DataError

_MOST_TOLD = 5
_DAY = r"^\d{4}-\d{2}-\d{2}$"


def corrupted(what: str) -> DataError:
    """A payload that is not as the page has it."""
    return DataError(f"Payload is corrupted or missing: {what}")


class Batch(BaseModel):
    """The header of a batch. Sequences count from 0 or from 1: those of a session have only one of its ends."""

    sessionId: Annotated[int, Described(ge=0, lt=2**53)]  # noqa: N815 - as on the page, and so below
    sequence: Annotated[int, Described(ge=0)]
    totalBatches: Annotated[int, Described(ge=1, le=100_000)]  # noqa: N815
    totalUsers: Annotated[int, Described(ge=1)]  # noqa: N815
    pullDate: Annotated[str, StringConstraints(pattern=_DAY), AfterValidator(date.fromisoformat)] | None = None  # noqa: N815

    def check(self, users: int, sequences: Collection[int]) -> None:
        """Refuse (`DataError`) what cannot be of one session: so many users in the batches of these sequences."""
        if max(sequences) > self.totalBatches or {0, self.totalBatches} <= set(sequences):
            raise corrupted("sequence counts the batches of a session, from 0 or from 1")
        whole = len(sequences) == self.totalBatches
        if users > self.totalUsers or (whole and users != self.totalUsers):
            raise corrupted(f"the batches have {users} users, and totalUsers is {self.totalUsers}")


class Purchase(BaseModel):
    """What a user is worth."""

    model_config = ConfigDict(allow_inf_nan=False)

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
    purchase: Purchase | None = None

    def row(self) -> str:
        """A line of NDJSON that has every column; an intake's file may name one of ``purchase.`` as its ``value``."""
        told = self.model_dump(exclude={"purchase"})
        worth = {f"purchase.{name}": value for name, value in (self.purchase or Purchase()).model_dump().items()}
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
    except (ValueError, RecursionError):
        raise corrupted("batch and users are JSON strings") from None
    try:
        return Payload.model_validate(given)
    except ValidationError as error:
        found = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)[:_MOST_TOLD]]
        raise corrupted("; ".join(found)) from None
