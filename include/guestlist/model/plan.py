"""A plan as data: what a run will send to one audience, and the guards that it breaches; counts and names, never a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from guestlist.model.errors import ConfigError
from guestlist.model.vocabulary import Field, Mode, Operation

FORMAT = 1
"""Of what the lake holds: a plan's document says it for its parts and members. Plans from before there was a number are 1.

Whoever raises it adds a migration of the ledger, so that an older Guestlist is refused before it reads the lake.
"""


@dataclass(frozen=True, slots=True)
class Breach:
    """A guard that the plan does not pass, in numbers."""

    guard: str
    allowed: str
    found: int
    base: int
    what: str = ""
    """The column, match key or reason that is meant, where the guard looks at several."""
    hint: str = ""
    """What it looks like."""

    def __str__(self) -> str:
        """For the approval screen: ``max_removed: 1,234 of 5,000 (24.7%), allowed 20%``."""
        share = f" of {self.base:,} ({self.found / self.base:.1%})" if self.base else ""
        told = f"{self.guard}{self.what and f' {self.what}'}: {self.found:,}{share}, allowed {self.allowed}"
        return f"{told}; {self.hint}" if self.hint else told


@dataclass(frozen=True, slots=True)
class Cut:
    """Where one batch stands: rows ``offset`` to ``offset + rows`` of the part; ``id`` is a digest of its content."""

    id: str
    sequence: int
    part: int
    offset: int
    rows: int


@dataclass(frozen=True, slots=True)
class Upload:
    """One session of the plan: all rows of one operation, cut into parts and batches."""

    operation: Operation
    session_id: int
    members: int
    rows: int
    parts: int
    cuts: tuple[Cut, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """Members, by what happens to them. ``wanted`` are those with a usable key for this platform."""

    wanted: int = 0
    held: int = 0
    new: int = 0
    gone: int = 0
    changed: int = 0
    renewed: int = 0
    resent: int = 0
    """Sent again: their last upload was not confirmed, or everything is to be sent."""
    without_key: int = 0
    """Prepared members that have no match key for this platform."""
    without_value: int = 0
    """Prepared members that a value-based audience cannot take: they have no value, or a negative one."""
    with_email: int | None = None
    """None where the platform takes no email."""
    with_value: int | None = None
    """None where the platform takes no value."""

    @property
    def added(self) -> int:
        """Members that the additions carry."""
        return self.new + self.changed + self.renewed + self.resent


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will send to one audience. ``path`` is the folder of its parts in the lake."""

    segment: str
    label: str
    run_id: str
    mode: Mode
    pull_date: str
    path: str
    fields: tuple[Field, ...]
    counts: Counts
    uploads: tuple[Upload, ...] = ()
    breaches: tuple[Breach, ...] = ()

    def upload(self, operation: Operation) -> Upload | None:
        """The session of that operation; None if there is nothing for it to do."""
        return next((upload for upload in self.uploads if upload.operation is operation), None)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, for the lake, the ledger and the command line."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Plan:
        """The plan that `as_json` wrote, in this version or an earlier one.

        Raises:
            ConfigError: a newer Guestlist has written it.
        """
        data = {**document}
        if (written := data.pop("format", 1)) > FORMAT:
            told = f"the plan {data.get('path')} is written in format {written}, and this Guestlist reads up to {FORMAT}"
            raise ConfigError(f"{told}: install the Guestlist that wrote it, here and on every worker")
        uploads = tuple(
            Upload(
                **{**upload, "operation": Operation(upload["operation"]), "cuts": tuple(Cut(**cut) for cut in upload["cuts"])}
            )
            for upload in data["uploads"]
        )
        return cls(
            **{
                **data,
                "mode": Mode(data["mode"]),
                "fields": tuple(Field(name) for name in data["fields"]),
                "counts": Counts(**data["counts"]),
                "uploads": uploads,
                "breaches": tuple(Breach(**breach) for breach in data["breaches"]),
            }
        )


@dataclass(slots=True)
class Drops:
    """What preparing left out, and why: whole rows, and single keys by column; and what it saw, for guards to compare.

    Counts and the source's names only. A prepared column is called ``field:recipe``.
    """

    read: int = 0
    prepared: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    keys: dict[str, dict[str, int]] = field(default_factory=dict)
    phones: dict[str, dict[str, int]] = field(default_factory=dict)
    """Region -> {"kept", "valid"}."""
    considered: int = 0
    """Rows of which keys were made: those that have a member's key and consent, and are not held out."""
    covered: dict[str, int] = field(default_factory=dict)
    """Prepared column -> the considered rows that have a key, or ``value``, in it."""
    lookalikes: dict[str, dict[str, int]] = field(default_factory=dict)
    """Prepared column -> what its values look like although it is mapped as something else -> how many."""
    commonest: dict[str, dict[str, int]] = field(default_factory=dict)
    """Prepared column of which some key may be that of most -> {"same": members with that key, "of": members with any}."""
    columns: dict[str, str] = field(default_factory=dict)
    """Every column that the source declares -> its type."""

    def add_row(self, reason: str, count: int) -> None:
        """Count rows that were dropped."""
        if count:
            _add(self.rows, {reason: count})

    def add_key(self, column: str, reason: str, count: int) -> None:
        """Count keys that were dropped."""
        if count:
            _add(self.keys.setdefault(column, {}), {reason: count})

    def add_lookalike(self, column: str, kind: str, count: int) -> None:
        """Count values that look like another kind."""
        if count:
            _add(self.lookalikes.setdefault(column, {}), {kind: count})

    def add(self, other: Drops) -> None:
        """Add what preparing other rows of the same source counted."""
        self.read += other.read
        self.prepared += other.prepared
        self.considered += other.considered
        for mine, theirs in ((self.rows, other.rows), (self.covered, other.covered)):
            _add(mine, theirs)
        pairs = ((self.keys, other.keys), (self.phones, other.phones), (self.lookalikes, other.lookalikes))
        for nested, more in pairs:
            for name, counts in more.items():
                _add(nested.setdefault(name, {}), counts)

    def check(self) -> None:
        """No row vanishes: read = prepared + dropped."""
        if self.read != self.prepared + sum(self.rows.values()):
            raise AssertionError(f"rows vanished: read {self.read}, prepared {self.prepared}, dropped {self.rows}")

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def _add(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count
