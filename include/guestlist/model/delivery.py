"""What is delivered and what came back: sessions, batches, receipts, settlements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from guestlist.model.audiences import AudienceRef
from guestlist.model.conversation import Json
from guestlist.model.errors import name_told
from guestlist.model.vocabulary import Field, Operation

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Consent:
    """The consent that every row of a session was checked for; None where the segment does not declare it."""

    ad_user_data: bool | None = None
    ad_personalization: bool | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One upload: all batches of one operation on one audience in one run. ``id`` is below 2**53 and the same in a retry."""

    id: int
    operation: Operation
    audience: AudienceRef
    total_batches: int
    total_users: int
    """Rows in all batches."""
    pull_date: str
    """YYYY-MM-DD"""
    fields: tuple[Field, ...]
    """The columns that its rows have, the same in every batch."""
    consent: Consent = Consent()
    currency: str | None = None
    """Set where rows carry a ``value`` column."""
    refused: int = 0
    """Rows that receipts have already counted as rejected, by name."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What goes out in one request. ``rows`` has a column for each of the session's fields (see `MULTI_VALUED`), named by it.

    ``id`` is a digest of audience, operation and content; ``sequence`` counts from 1.
    """

    id: str
    sequence: int
    rows: pl.DataFrame = field(repr=False)


@dataclass(frozen=True, slots=True)
class Envelope:
    """The EdgeTag batch header, the same for all platforms; the ledger keeps it even where a platform has no such fields."""

    session_id: int
    sequence: int
    total_batches: int
    total_users: int
    pull_date: str

    def as_json(self) -> dict[str, Json]:
        """With the names of the EdgeTag Audience API."""
        return {
            "sessionId": self.session_id,
            "sequence": self.sequence,
            "totalBatches": self.total_batches,
            "totalUsers": self.total_users,
            "pullDate": self.pull_date,
        }


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the platform answered for one batch. ``rejected`` maps the row's index in the batch to the platform's reason.

    ``job`` names the work that the platform finishes later, where each batch has its own. Reasons and request id are kept only
    where they are names (`name_told`).
    """

    accepted: int
    rejected: Mapping[int, str] = field(default_factory=dict)
    request_id: str | None = None
    job: str | None = None

    def __post_init__(self) -> None:
        """Forget what the platform may have quoted."""
        object.__setattr__(self, "rejected", {row: _reason(why) for row, why in self.rejected.items()})
        object.__setattr__(self, "request_id", name_told(self.request_id))


def _reason(told: str) -> str:
    return name_told(told) or "refused"


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What became of one job: rows refused after all, by reason; ``rejected`` counts those that nobody names."""

    rejected: Mapping[str, int] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Rows refused after all that the platform does name: any value that was sent in the row -> its reason."""
    failed: bool = False
    """Nothing of it was applied."""
    match_rate: str | None = None

    def __post_init__(self) -> None:
        """As `Receipt`."""
        object.__setattr__(self, "named", {value: _reason(why) for value, why in self.named.items()})
        object.__setattr__(self, "rejected", _counted((_reason(why), count) for why, count in self.rejected.items()))


def _counted(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for reason, count in counts:
        found[reason] = found.get(reason, 0) + count
    return found


@dataclass(frozen=True, slots=True)
class Settlement:
    """How far a session is. ``handle`` is kept in the ledger and given back at the next poll.

    ``jobs`` maps a receipt's job to its outcome; the key "" stands for the whole session. ``audience`` is set once, by a
    snapshot that is done: the one that was built and has taken the place of the one before. ``began``: the platform was asked
    for the next step just now, and has all its time for it.
    """

    done: bool
    handle: Mapping[str, Json] = field(default_factory=dict)
    jobs: Mapping[str, JobOutcome] = field(default_factory=dict)
    match_rate: str | None = None
    audience: AudienceRef | None = None
    began: bool = False
