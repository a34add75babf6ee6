"""Match readiness: what each platform would be able to match of some rows of the source. Counts only, never a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from guestlist.model.capabilities import Capabilities
from guestlist.model.plan import Drops
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import MULTI_VALUED
from guestlist.pipeline.audience import KEYS, MEMBER, complete, with_keys
from guestlist.pipeline.columns import fields_taken, key_columns
from guestlist.pipeline.derive import KeyColumn, derivations
from guestlist.pipeline.prepare import Preparer
from guestlist.pipeline.suspicions import Addresses, Suspicion, addresses, suspicions


@dataclass(frozen=True)
class PlatformReadiness:
    """One destination: its people by how many keys they have, and how many have each field."""

    label: str
    platform: str
    people: int
    without_key: int
    one_key: int
    several_keys: int
    keys: int
    fields: Mapping[str, int]


@dataclass(frozen=True)
class Duplicates:
    """Different spellings of one key: ``values`` as they are written, and the ``keys`` that they become."""

    field: str
    recipe: str
    labels: tuple[str, ...]
    values: int
    keys: int


@dataclass(frozen=True)
class Readiness:
    """All that a sample of a segment's rows tells."""

    drops: Drops
    platforms: tuple[PlatformReadiness, ...]
    duplicates: tuple[Duplicates, ...]
    suspicions: tuple[Suspicion, ...]
    addresses: Addresses


def readiness(segment: Segment, capabilities: Mapping[str, Capabilities], rows: pl.DataFrame) -> Readiness:
    """What can be matched of rows with the columns of `Preparer.source_columns` (String), by the run's own preparation.

    ``capabilities`` are those of each destination, by label. Suppression lists are not looked at.
    """
    preparer = Preparer(segment, tuple(capabilities.values()))
    prepared = preparer.prepare(rows)
    members = prepared.unique(MEMBER, keep="first", maintain_order=True)
    preparer.drops.add_row("repeated_key", prepared.height - members.height)
    preparer.drops.prepared = members.height
    return Readiness(
        drops=preparer.drops,
        platforms=tuple(_platform(label, segment, can, members) for label, can in capabilities.items()),
        duplicates=tuple(_duplicates(segment, capabilities, key, rows) for key in preparer.keys if key.field in MULTI_VALUED),
        suspicions=tuple(suspicions(rows, segment.identifiers)),
        addresses=addresses(rows, segment.identifiers),
    )


def _platform(label: str, segment: Segment, capabilities: Capabilities, members: pl.DataFrame) -> PlatformReadiness:
    taken = members.lazy().select(MEMBER, *fields_taken(segment.identifiers, capabilities))
    frame = with_keys(complete(taken, capabilities.composites), capabilities).collect()
    keys = frame.get_column(KEYS).list.len()
    return PlatformReadiness(
        label=label,
        platform=capabilities.platform,
        people=frame.height,
        without_key=int((keys == 0).sum()),
        one_key=int((keys == 1).sum()),
        several_keys=int((keys > 1).sum()),
        keys=int(keys.sum()),
        fields={name: _filled(frame.get_column(name)) for name in frame.columns if name not in (MEMBER, KEYS)},
    )


def _filled(column: pl.Series) -> int:
    return int((column.list.len() > 0).sum() if column.dtype == pl.List(pl.String) else column.is_not_null().sum())


def _duplicates(segment: Segment, capabilities: Mapping[str, Capabilities], key: KeyColumn, rows: pl.DataFrame) -> Duplicates:
    pairs = []
    for derivation in derivations([key], strict_phones=segment.strict_phones):
        (made,) = derivation.derive(rows, pl.int_range(rows.height, eager=True), Drops(), max(rows.height, 1))
        written = rows.select(pl.col(derivation.source).alias("value"))
        pairs.append(written.with_columns(made.get_column(key.name).alias("key")).drop_nulls("key"))
    found = pl.concat(pairs)
    labels = tuple(label for label, can in capabilities.items() if key in key_columns(segment.identifiers, [can]))
    return Duplicates(key.field.value, key.recipe.name, labels, found["value"].n_unique(), found["key"].n_unique())
