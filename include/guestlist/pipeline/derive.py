"""One source column -> the key columns that all platforms make of it, each base and each hash computed once.

Most columns of a customer table hold few distinct values (countries, cities, first names): those are worked on once for each
distinct value, which is nearly free. Columns of many distinct values (emails, phones) are worked on row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from guestlist.identity.countries import country_alpha2
from guestlist.identity.hashing import sha256_hex
from guestlist.identity.ids import unchanged
from guestlist.identity.recipes import Recipe, finish, normalise_base
from guestlist.model.plan import Drops
from guestlist.model.vocabulary import PREHASHED, Field
from guestlist.pipeline.audience import column_of

_FEW = 0.4
"""Up to this share of distinct values it pays to work on them instead of on the rows."""
_PLAIN = frozenset(Field) - {Field.EXTERNAL_ID}
"""Fields of which one can tell what their values look like."""
_LOOKALIKES = {
    "a hash": (32, r"^\s*(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})\s*$", _PLAIN - {Field.MOBILE_AD_ID}),
    "an email": (3, "@", _PLAIN - {Field.EMAIL}),
}
"""What values may look like -> their fewest bytes, a pattern, and the fields that do not look like it."""
_SOURCE, _REGION, _CODE, _FIRST, _COUNT = "source", "region", "code", "first", "count"


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


@dataclass(eq=False)
class Derivation:
    """All that is made of one source column (together with one region)."""

    source: str
    region: str | None
    region_is_fixed: bool
    strict_phones: bool
    keys: list[KeyColumn] = field(default_factory=list)
    _by_value: bool | None = None

    def derive(self, rows: pl.DataFrame, order: pl.Series, drops: Drops, size: int) -> Iterator[pl.DataFrame]:
        """The key columns of the rows in this order, ``size`` at a time, hashed where the platform takes hashes.

        There is at least one piece. What is dropped is counted in ``drops`` by reason. Distinct values are worked on for all
        rows together, and so are phones, since every call of their engine compiles its patterns anew.
        """
        inputs = self._inputs(rows)
        starts = range(0, max(rows.height, 1), size)
        if self._by_value is None:  # decided once, on the first batch; to count exactly would take as long as to hash
            self._by_value = inputs.select(pl.col(_SOURCE).approx_n_unique()).item() <= _FEW * inputs.height
        if self._by_value:
            codes, distinct = _distinct(inputs, by_region=self.region is not None and not self.region_is_fixed)
            found = self._hashed(self._judged(distinct), drops)
            codes = codes[order]  # numbers are quick to put in order, texts are not
            yield from (found[codes.slice(start, size)] for start in starts)
            return
        inputs = inputs[order]
        if any(key.recipe.tells_validity for key in self.keys):
            judged = self._judged(inputs)
            yield from (self._hashed(judged.slice(start, size), drops) for start in starts)
        else:
            yield from (self._hashed(self._judged(inputs.slice(start, size)), drops) for start in starts)

    def _inputs(self, rows: pl.DataFrame) -> pl.DataFrame:
        one = pl.lit(1, dtype=pl.UInt32)
        return rows.select(pl.col(self.source).alias(_SOURCE), self._region().alias(_REGION), one.alias(_COUNT))

    def _region(self) -> pl.Expr:
        if self.region is None:
            return pl.lit(None, dtype=pl.String)
        return pl.lit(self.region) if self.region_is_fixed else pl.col(self.region)

    def _judged(self, inputs: pl.DataFrame) -> pl.DataFrame:
        """The inputs (source, region, count), each base, and under ``<name>?`` the Struct of each key's recipe."""
        region = pl.col(_REGION) if self.region else None
        bases = {key.recipe.base for key in self.keys}
        with_bases = inputs.with_columns(normalise_base(base, pl.col(_SOURCE), region).alias(_base(base)) for base in bases)
        return with_bases.with_columns(
            self._strict(key, finish(key.recipe, pl.col(_base(key.recipe.base)), region, pl.col(_SOURCE))) for key in self.keys
        )

    def _hashed(self, judged: pl.DataFrame, drops: Drops) -> pl.DataFrame:
        """The key columns of what `_judged` gave."""
        self._count(judged, drops)
        made: list[KeyColumn] = []
        for key in sorted(self.keys, key=lambda key: key.recipe.finish is not unchanged):
            judged = judged.with_columns(_outgoing(key, _akin(key, made)).alias(key.name))
            made.append(key)
        return judged.select(key.name for key in self.keys)

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
        self._count_lookalikes(made, drops)
        telling = [key for key in self.keys if key.recipe.tells_validity][:1]
        for key in telling:  # all phone recipes judge the same number
            self._count_phones(made, key, drops)

    def _count_lookalikes(self, made: pl.DataFrame, drops: Drops) -> None:
        """Values that look like another kind: a rule for names, say, finds nothing wrong with a hash."""
        text = pl.col(_SOURCE)
        for kind, (bytes_, pattern, fields) in _LOOKALIKES.items():
            names = [key.name for key in self.keys if key.field in fields and key.recipe.name != PREHASHED]
            if names:
                alike = made.select(text, _COUNT).filter(text.str.len_bytes() >= bytes_).filter(text.str.contains(pattern))
                count = int(alike.get_column(_COUNT).sum())
                for name in names:
                    drops.add_lookalike(name, kind, count)

    def _count_phones(self, made: pl.DataFrame, key: KeyColumn, drops: Drops) -> None:
        kept = made.select(_REGION, _COUNT, _value(_struct(key)).is_not_null().alias("kept"), _valid(key)).filter("kept")
        by_region = kept.group_by(_REGION).agg(pl.col(_COUNT).sum(), pl.col(_COUNT).filter("valid").sum().alias("valid"))
        countries = by_region.with_columns(country_alpha2(pl.col(_REGION)).fill_null("??").alias(_REGION))
        for name, count, valid in countries.iter_rows():
            counts = drops.phones.setdefault(name, {"kept": 0, "valid": 0})
            counts["kept"] += count
            counts["valid"] += valid


def _distinct(inputs: pl.DataFrame, *, by_region: bool) -> tuple[pl.Series, pl.DataFrame]:
    """The place of each row's input among the distinct ones, and those, each with its ``count``.

    Null and nothing are the same to all recipes, and are one here.
    """
    code = _code(_SOURCE)
    if by_region:  # two numbers are joined and ranked in half the time that one text of both takes
        code = (code.cast(pl.UInt64) * 2**32 + _code(_REGION)).rank("dense") - 1
    codes = inputs.select(code.alias(_CODE)).to_series()
    counted = codes.to_frame().with_row_index(_FIRST).group_by(_CODE).agg(pl.col(_FIRST).first(), pl.len().alias(_COUNT))
    counted = counted.sort(_CODE)
    distinct = inputs.select(_SOURCE, _REGION)[counted.get_column(_FIRST)]
    return codes, distinct.with_columns(counted.get_column(_COUNT))


def _code(column: str) -> pl.Expr:
    """A number of 32 bits for each distinct text, from 0 without gaps."""
    return pl.col(column).fill_null("").cast(pl.Categorical(pl.Categories.random())).to_physical()


def derivations(keys: Iterable[KeyColumn], *, strict_phones: bool = False) -> tuple[Derivation, ...]:
    """The key columns by what they are made from."""
    found: dict[tuple[str, str | None], Derivation] = {}
    for key in keys:
        for source in key.sources:
            empty = Derivation(source, key.region, key.region_is_fixed, strict_phones)
            found.setdefault((source, key.region), empty).keys.append(key)
    return tuple(found.values())


def _akin(key: KeyColumn, made: Sequence[KeyColumn]) -> KeyColumn | None:
    """Of the hashed keys made before, the one whose values are most often the same."""
    if not key.recipe.hashed:
        return None
    of_base = [one for one in made if one.recipe.hashed and one.recipe.base == key.recipe.base]
    alike = [one for one in of_base if one.recipe.finish == key.recipe.finish]
    return next(iter(alike or of_base), None)


def _outgoing(key: KeyColumn, akin: KeyColumn | None) -> pl.Expr:
    """The value as the platform gets it. Where it is that of an akin key, whose column is there, its hash is taken."""
    value = _value(_struct(key))
    if not key.recipe.hashed:
        return value
    if akin is None:
        return sha256_hex(value)
    same = value.eq_missing(_value(_struct(akin)))
    return pl.when(same).then(pl.col(akin.name)).otherwise(sha256_hex(pl.when(~same).then(value)))


def _base(name: str) -> str:
    return f"base {name}"


def _struct(key: KeyColumn) -> str:
    return f"{key.name}?"


def _value(struct: str) -> pl.Expr:
    return pl.col(struct).struct.field("value")


def _reason(key: KeyColumn) -> pl.Expr:
    return pl.col(_struct(key)).struct.field("reason")


def _valid(key: KeyColumn) -> pl.Expr:
    return pl.col(_struct(key)).struct.field("valid")
