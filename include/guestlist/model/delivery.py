"""What is delivered and what came back: match keys, capabilities, sessions, batches, receipts, settlements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from guestlist.model.conversation import Json
from guestlist.model.errors import name_told

if TYPE_CHECKING:
    import polars as pl


class Field(StrEnum):
    """What a source column can be mapped to."""

    EMAIL = "email"
    PHONE = "phone"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    FIRST_INITIAL = "first_initial"
    CITY = "city"
    STATE = "state"
    POSTAL_CODE = "postal_code"
    COUNTRY = "country"
    GENDER = "gender"
    BIRTH_YEAR = "birth_year"
    BIRTH_MONTH = "birth_month"
    BIRTH_DAY = "birth_day"
    MOBILE_AD_ID = "mobile_ad_id"
    EXTERNAL_ID = "external_id"


MULTI_VALUED = frozenset({Field.EMAIL, Field.PHONE, Field.MOBILE_AD_ID})
"""Fields of which one person may have several values; their columns are lists of strings, all others are strings."""


IDENTIFYING = MULTI_VALUED | {Field.EXTERNAL_ID}
"""Fields that name one person; all others only together with more."""


class Mode(StrEnum):
    """How an audience is kept (docs/promises.md)."""

    MIRROR = "mirror"
    APPEND = "append"
    REMOVE = "remove"
    REPLACE = "replace"
    SNAPSHOT = "snapshot"


class Operation(StrEnum):
    """What a session does to an audience."""

    REMOVE = "remove"
    ADD = "add"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class MatchKey:
    """One field as a platform takes it: the recipe that makes it, and the platform's own name for it."""

    field: Field
    recipe: str
    wire: str
    plain: bool = False
    """It goes out unhashed."""
    identifies: bool = True
    """By itself or within a composite; False: it only helps the match, and is never removed by itself."""
    membership_days: int | None = None
    """By this key people stay no longer than this, whatever the audience's own membership is."""


@dataclass(frozen=True, slots=True)
class Composite:
    """Fields that identify a person only together, such as a postal address.

    A row that lacks one of ``required`` loses all parts. With ``only_alone`` the composite counts as an identity only for
    people without any single key; for the others its fields merely help the match.
    """

    name: str
    required: tuple[Field, ...]
    optional: tuple[Field, ...] = ()
    only_alone: bool = False

    @property
    def parts(self) -> tuple[Field, ...]:
        """All its fields."""
        return self.required + self.optional


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests within any span of so many seconds."""

    requests: int
    seconds: float
    path: str = ""
    """Only those whose path begins so."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold, as the platform documents it. ``None`` means no documented limit."""

    rows_per_batch: int
    bytes_per_batch: int | None = None
    identifiers_per_batch: int | None = None
    identifiers_per_row: int | None = None
    one_batch: bool = False
    """An operation is one request, however many rows it has: the platform takes a whole file, never pieces of it."""
    one_value_per_field: bool = False
    """A row holds one value a field; a person with two emails becomes two rows."""
    parallel_batches: int = 1
    """So many requests of one operation may be under way at the same time, in any order."""
    rates: tuple[Rate, ...] = ()
    """Of the requests over one connection. Where the platform tells how much is left with each answer, that counts instead."""
    minimum_members: int = 0
    """Below this the platform does not serve the audience."""
    membership_days: int | None = None
    """Memberships lapse after this many days unless renewed."""


_STEPS = 64
"""By then any wait has reached its longest; more would overflow."""


@dataclass(frozen=True, slots=True)
class Polling:
    """How to ask a platform whether it has finished, in seconds: first wait, growth, longest wait, and when to give up."""

    first: float
    factor: float = 1.5
    longest: float = 3600.0
    give_up: float = 48 * 3600.0

    def wait(self, attempt: int) -> float:
        """Seconds to wait before poll number ``attempt``, from 0."""
        return min(self.first * self.factor ** min(attempt, _STEPS), self.longest)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How a platform tells the size of an audience."""

    shown_from: int = 0
    """Below so many people it tells nothing, or 0; 0 where every size is told."""
    lag_hours: int = 48
    """What it tells may be so old."""
    matched: bool = True
    """It counts the people whom it knows; False: whoever was accepted."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can do, as data that planning, validation and the docs read."""

    platform: str
    title: str
    modes: tuple[Mode, ...]
    keys: tuple[MatchKey, ...]
    limits: Limits
    docs: str
    composites: tuple[Composite, ...] = ()
    apis: tuple[str, ...] = ()
    """Doors to the same audience, the default first; empty where there is one."""
    polling: Polling | None = None
    """Set where the platform finishes later than it answers."""
    may_reorder: bool = False
    """Removals must have settled before additions start."""
    takes_value: bool = False
    takes_consent: bool = False
    plain_text: bool = False
    sizes: Sizes | None = None
    """None where it tells none."""
    keeps_former: bool = False
    """Audiences that a newer snapshot has taken the place of stay on the platform, where only people can delete them."""

    @property
    def removes(self) -> bool:
        """Whether people can be taken off an audience one by one."""
        return Mode.REMOVE in self.modes

    def key(self, wanted: Field) -> MatchKey | None:
        """How this platform takes a field; None if it does not."""
        return next((key for key in self.keys if key.field == wanted), None)

    @property
    def singles(self) -> tuple[Field, ...]:
        """Fields that identify a person by themselves."""
        composed = {part for composite in self.composites for part in composite.parts}
        return tuple(key.field for key in self.keys if key.identifies and key.field not in composed)


@dataclass(frozen=True, slots=True)
class AudienceSpec:
    """The audience that a segment file asks for. ``reference`` is ours, stable and unique, for lookups on the platform."""

    name: str
    description: str
    reference: str
    fields: tuple[Field, ...]
    mode: Mode = Mode.MIRROR
    value_based: bool = False
    known: AudienceRef | None = None
    """What an earlier run found or built."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `guestlist check` looked at: what was found, and, where it is not ``ok``, how to mend it."""

    what: str
    ok: bool = True
    mend: str = ""


@dataclass(frozen=True, slots=True)
class AudienceRef:
    """An audience as the platform knows it, and the page where a person finds it.

    ``id`` is empty while a platform that builds an audience from a whole file has built none yet.
    """

    id: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Marked:
    """An audience on the platform that bears our mark: a spec's reference, or the id of the session that built it."""

    id: str
    name: str
    mark: str


@dataclass(frozen=True, slots=True)
class AudienceState:
    """What the platform says of an audience, often late. ``match_rate`` and ``status`` are its own words.

    ``bounds`` are those of the size; None where it is not told. ``trouble`` is what keeps the audience from being kept or
    used, and what to do about it. Of one that is not ``there`` any more nothing else is known.
    """

    bounds: tuple[int, int] | None = None
    match_rate: str | None = None
    status: str | None = None
    trouble: str | None = None
    there: bool = True

    @property
    def size(self) -> str | None:
        """The size as text: a number or a range."""
        if self.bounds is None:
            return None
        low, high = self.bounds
        return str(low) if low == high else f"{low}-{high}"


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
