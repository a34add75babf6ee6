"""One source column -> the key columns that all platforms make of it, each base and each hash computed once.

Most columns of a customer table hold few distinct values (countries, cities, first names): those are worked on once for each
distinct value, which is nearly free. Columns of many distinct values (emails, phones) are worked on row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from guestlist.identity.countries import country_alpha2
from guestlist.identity.hashing import sha256_hex
from guestlist.identity.recipes import BASES, Recipe, finish, normalise_base
from guestlist.model.delivery import Field
from guestlist.model.plan import Drops
from guestlist.pipeline.audience import column_of

_FEW = 0.4
"""Up to this share of distinct values it pays to work on them instead of on the rows."""
_SOURCE, _REGION, _INDEX, _COUNT = "source", "region", "index", "count"


@dataclass(frozen=True)
class KeyColumn:
    """One prepared column: a field by one recipe, from one or more source columns.

    ``region`` is the source column of the person's country, or a fixed ISO code; None where the recipe does not ask.
    """

    field: Field
    recipe: Recipe
    sources: tuple[str, ...]
    region: str | None
    region_is_fixed: bool = False

    @property
    def name(self) -> str:
        """The prepared column's name."""
        return column_of(self.field, self.recipe.name)


@dataclass(frozen=True)
class Derived:
    """Key columns, named by their keys, and what was dropped in making them."""

    columns: pl.DataFrame
    drops: Drops


@dataclass(eq=False)
class Derivation:
    """All that is made of one source column (together with one region): see `derive`."""

    source: str
    region: str | None
    region_is_fixed: bool
    strict_phones: bool
    keys: list[KeyColumn] = field(default_factory=list)
    _by_value: bool | None = None

    @property
    def at_once(self) -> bool:
        """Whether it has a cost for each call, so that it wants many rows."""
        return any(key.recipe.tells_validity for key in self.keys)

    def derive(self, rows: pl.DataFrame) -> Derived:
        """The key columns of these rows, hashed where the platform takes hashes; what is dropped is counted by reason."""
        drops = Drops()
        inputs = rows.select(pl.col(self.source).alias(_SOURCE), self._region().alias(_REGION))
        if self._by_value is None:  # decided once, on the first batch
            self._by_value = inputs.unique().height <= _FEW * inputs.height
        if not self._by_value:
            made = self._make(inputs.with_columns(pl.lit(1, dtype=pl.UInt32).alias(_COUNT)))
            self._count(made, drops)
            return Derived(made.select(key.name for key in self.keys), drops)
        distinct = inputs.group_by(_SOURCE, _REGION).len(_COUNT).with_row_index(_INDEX)
        made = self._make(distinct)
        self._count(made, drops)
        places = inputs.join(distinct, on=[_SOURCE, _REGION], how="left", nulls_equal=True, maintain_order="left")
        return Derived(made.select(key.name for key in self.keys)[places.get_column(_INDEX)], drops)

    def _region(self) -> pl.Expr:
        if self.region is None:
            return pl.lit(None, dtype=pl.String)
        return pl.lit(self.region) if self.region_is_fixed else pl.col(self.region)

    def _make(self, inputs: pl.DataFrame) -> pl.DataFrame:
        """For each key its value and, under ``<name>?``, the Struct of its recipe; inputs: source, region, count."""
        region = pl.col(_REGION) if self.region else None
        bases = {key.recipe.base: normalise_base(key.recipe.base, pl.col(_SOURCE), region) for key in self.keys}
        frame = inputs.lazy().with_columns(rule.alias(_base(name)) for name, rule in bases.items())
        if any(BASES[name].tells_validity for name in bases):  # phones: a fixed cost a call, so not in streaming's small pieces
            frame = frame.collect().lazy()
        frame = frame.with_columns(
            self._strict(key, finish(key.recipe, pl.col(_base(key.recipe.base)), region, pl.col(_SOURCE))) for key in self.keys
        )
        shared = {name for name in bases if sum(key.recipe.hashed and key.recipe.base == name for key in self.keys) > 1}
        frame = frame.with_columns(sha256_hex(_value(_base(name))).alias(_hash(name)) for name in shared)
        frame = frame.with_columns(_outgoing(key, shared).alias(key.name) for key in self.keys)
        return frame.collect(engine="streaming")  # which uses all cores even for one column

    def _strict(self, key: KeyColumn, made: pl.Expr) -> pl.Expr:
        """With ``strict_phones`` a possible number that is in no numbering plan is dropped as well."""
        if not (self.strict_phones and key.recipe.tells_validity):
            return made.alias(_struct(key))
        invalid = pl.field("value").is_not_null() & ~pl.field("valid")
        return made.struct.with_fields(
            reason=pl.when(invalid).then(pl.lit("invalid")).otherwise(pl.field("reason")),
            value=pl.when(~invalid).then(pl.field("value")),
        ).alias(_struct(key))

    def _count(self, made: pl.DataFrame, drops: Drops) -> None:
        for key in self.keys:
            reasons = made.select(_COUNT, _reason(key)).filter(pl.col("reason").is_not_null()).group_by("reason")
            for reason, count in reasons.agg(pl.col(_COUNT).sum()).iter_rows():
                drops.add_key(key.name, reason, count)
        telling = [key for key in self.keys if key.recipe.tells_validity][:1]
        for key in telling:  # all phone recipes judge the same number
            self._count_phones(made, key, drops)

    def _count_phones(self, made: pl.DataFrame, key: KeyColumn, drops: Drops) -> None:
        region = country_alpha2(pl.col(_REGION)).fill_null("??").alias(_REGION)
        kept = made.select(region, _COUNT, _value(_struct(key)).is_not_null().alias("kept"), _valid(key)).filter("kept")
        by_region = kept.group_by(_REGION).agg(pl.col(_COUNT).sum(), pl.col(_COUNT).filter("valid").sum().alias("valid"))
        for name, count, valid in by_region.iter_rows():
            counts = drops.phones.setdefault(name, {"kept": 0, "valid": 0})
            counts["kept"] += count
            counts["valid"] += valid


def derivations(keys: Iterable[KeyColumn], *, strict_phones: bool = False) -> tuple[Derivation, ...]:
    """The key columns by what they are made from."""
    found: dict[tuple[str, str | None], Derivation] = {}
    for key in keys:
        for source in key.sources:
            empty = Derivation(source, key.region, key.region_is_fixed, strict_phones)
            found.setdefault((source, key.region), empty).keys.append(key)
    return tuple(found.values())


def _outgoing(key: KeyColumn, shared: Sequence[str] | set[str]) -> pl.Expr:
    """The value as the platform gets it. Where a finish leaves the base's value as it is, the base's hash is taken."""
    value = _value(_struct(key))
    base = key.recipe.base
    if not key.recipe.hashed:
        return value
    if base not in shared:
        return sha256_hex(value)
    same = value == _value(_base(base))
    return pl.when(same).then(pl.col(_hash(base))).otherwise(sha256_hex(pl.when(~same).then(value)))


def _base(name: str) -> str:
    return f"base {name}"


def _hash(name: str) -> str:
    return f"hash {name}"


def _struct(key: KeyColumn) -> str:
    return f"{key.name}?"


def _value(struct: str) -> pl.Expr:
    return pl.col(struct).struct.field("value")


def _reason(key: KeyColumn) -> pl.Expr:
    return pl.col(_struct(key)).struct.field("reason")


def _valid(key: KeyColumn) -> pl.Expr:
    return pl.col(_struct(key)).struct.field("valid")
