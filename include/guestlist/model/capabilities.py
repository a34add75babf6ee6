"""What a platform can do, as data that planning, validation and the docs read."""

from __future__ import annotations

from dataclasses import dataclass

from guestlist.model.vocabulary import Field, Mode


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
    """Of the requests over one connection. What the platform tells with an answer of how much is left counts, too."""
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
