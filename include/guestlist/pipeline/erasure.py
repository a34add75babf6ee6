"""Whose rows are those of erased people: digests of all forms of a key, and the rows of members that have one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from guestlist.identity.hashing import is_sha256, sha256_hex
from guestlist.identity.recipes import RECIPES, Recipe, normalise_frame
from guestlist.model.capabilities import Capabilities
from guestlist.model.errors import DataError
from guestlist.model.vocabulary import IDENTIFYING, MULTI_VALUED, PREHASHED, Field
from guestlist.pipeline.audience import MEMBER, field_of

FIELD, FORM, DIGEST = "field", "form", "digest"


@dataclass(frozen=True)
class Given:
    """One thing that a person is known by: a raw value, or its SHA-256."""

    kind: Field
    value: str = field(repr=False)
    region: str | None = None


@dataclass(frozen=True)
class Erased:
    """Who was erased, for one segment: digests of their keys by field, and the names that they had as its members."""

    digests: Mapping[Field, frozenset[str]] = field(repr=False)
    members: frozenset[str] = field(repr=False)

    def __bool__(self) -> bool:
        """Whether anybody was."""
        return bool(self.members or self.digests)


NOBODY = Erased({}, frozenset())


def forms_of(given: Given) -> set[tuple[str, str]]:
    """All (form, digest) of a key: one for each recipe that takes its field; the digest itself where it came hashed.

    Digests are SHA-256 also of keys that platforms take unhashed.

    Raises:
        DataError: no recipe can use it; the message has the reason and not the value.
    """
    found: set[tuple[str, str]] = set()
    reasons: set[str] = set()
    row = {"value": given.value, "region": given.region}
    for form, rule in _recipes(given.kind):
        made = normalise_frame(pl.DataFrame([row], schema=dict.fromkeys(row, pl.String)), rule)
        digest = pl.col("normalised") if form == PREHASHED else sha256_hex(pl.col("normalised"))
        value, reason = made.select(digest, "reason").row(0)
        if value is None:
            reasons.add(reason)
        else:
            found.add((form, value))
    if not found:
        raise DataError(f"this {given.kind.value} cannot be used: {', '.join(sorted(reasons - {'not_a_sha256'}))}")
    return found


def _recipes(field_: Field) -> list[tuple[str, Recipe]]:
    """The recipes of a field are those that begin with its name; all of them, for a platform may be added later."""
    names = [name for name in RECIPES if name.split(".")[0] == field_.value]
    return [(name, RECIPES[name]) for name in (*names, PREHASHED)]


def belongs(erased: Erased, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """Whether a row of members is that of somebody who was erased: by its name, or by any key, hashed or not.

    Columns are named by their field, with or without the recipe behind it.
    """
    hits = [pl.col(MEMBER).is_in(pl.Series(sorted(erased.members), dtype=pl.String).implode())]
    for name, digests, kind in _columns(erased, schema):
        known = pl.Series(sorted(digests), dtype=pl.String).implode()
        column, field_ = pl.col(name), Field(field_of(name))
        if kind == pl.List(pl.String):
            hits.append(column.list.eval(_digest(pl.element(), field_).is_in(known)).list.any())
        else:
            hits.append(_digest(column, field_).is_in(known))
    return pl.any_horizontal(hit.fill_null(value=False) for hit in hits)


def _columns(erased: Erased, schema: Mapping[str, pl.DataType]) -> Iterable[tuple[str, frozenset[str], pl.DataType]]:
    for name, kind in schema.items():
        field_ = field_of(name)
        if field_ in IDENTIFYING and (digests := erased.digests.get(Field(field_))):
            yield name, digests, kind


def _digest(value: pl.Expr, field_: Field) -> pl.Expr:
    """The SHA-256 of a key, or the key where it is one. Advertising ids are kept in either case."""
    value = value.str.to_lowercase() if field_ is Field.MOBILE_AD_ID else value
    return pl.coalesce(sha256_hex(pl.when(~is_sha256(value)).then(value)), value)


def keys_of(members: pl.LazyFrame) -> pl.LazyFrame:
    """The digests of all keys that name their member by themselves: ``member``, ``field``, ``digest``, one row a key."""
    frames = []
    for name, kind in members.collect_schema().items():
        field_ = field_of(name)
        if field_ in IDENTIFYING:
            values = members.select(MEMBER, pl.col(name).alias(DIGEST))
            values = values.explode(DIGEST) if kind == pl.List(pl.String) else values
            digest = _digest(pl.col(DIGEST), Field(field_)).alias(DIGEST)
            frames.append(values.drop_nulls(DIGEST).select(MEMBER, pl.lit(field_).alias(FIELD), digest))
    nobody = pl.LazyFrame(schema=dict.fromkeys((MEMBER, FIELD, DIGEST), pl.String))
    return pl.concat([nobody, *frames]).unique()


def given_rows(listed: pl.DataFrame, columns: pl.DataFrame, capabilities: Capabilities) -> pl.DataFrame:
    """The given keys as one row to remove, for an audience whose books do not tell who is on it.

    Args:
        listed: ``field``, ``form`` and ``digest`` of the given keys.
        columns: no rows; the columns that the row has to have.
        capabilities: of the platform. What it takes unhashed is not known any more, and left out.
    """
    row: dict[str, list[object]] = {}
    for key in capabilities.keys:
        mine = listed.filter((pl.col(FIELD) == key.field.value) & pl.col(FORM).is_in([key.recipe, PREHASHED]))
        digests = mine.get_column(DIGEST).unique().sort().to_list()
        if digests and RECIPES[key.recipe].hashed and key.field.value in columns.columns:
            row[key.field.value] = [digests if key.field in MULTI_VALUED else digests[0]]
    if not row:
        return columns
    one = pl.DataFrame({MEMBER: [FORM], **row}, schema={name: columns.schema[name] for name in (MEMBER, *row)})
    return pl.concat([columns, one], how="diagonal")
