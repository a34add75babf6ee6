"""An audience: as a segment file asks for it, as the platform knows it, and what the platform says of it."""

from __future__ import annotations

from dataclasses import dataclass

from guestlist.model.vocabulary import Field, Mode


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
