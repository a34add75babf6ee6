"""Prepared members as one platform sees them: its fields, its identity keys, its wire rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from guestlist.model.capabilities import Capabilities, Composite
from guestlist.model.vocabulary import MULTI_VALUED, Field

MEMBER = "member"
KEYS = "keys"
VALUE = "value"
_UNIT = "\x1f"
_PIPE = "|"


def column_of(field: Field, recipe: str) -> str:
    """The prepared column of a field: the recipe and its version are part of the name."""
    return f"{field.value}:{recipe}"


def field_of(column: str) -> str:
    """The field of a prepared column."""
    return column.split(":", 1)[0]


def fields_of(capabilities: Capabilities, mapped: Sequence[Field]) -> tuple[Field, ...]:
    """The fields that both the segment maps and the platform takes, in the platform's order."""
    return tuple(key.field for key in capabilities.keys if key.field in mapped)


def complete(frame: pl.LazyFrame, composites: Sequence[Composite]) -> pl.LazyFrame:
    """Null every part of a composite that lacks a required one; a column that the segment does not map lacks everywhere.

    Composites whose parts also help on their own (``only_alone``) are left as they are.
    """
    names = set(frame.collect_schema().names())
    for composite in composites:
        if composite.only_alone:
            continue
        present = [part.value for part in composite.parts if part.value in names]
        missing = [part for part in composite.required if part.value not in names]
        whole = pl.lit(value=False) if missing else _all_there(composite)
        frame = frame.with_columns(pl.when(whole).then(pl.col(name)).alias(name) for name in present)
    return frame


def with_keys(frame: pl.LazyFrame, capabilities: Capabilities) -> pl.LazyFrame:
    """Add ``keys``: what identifies a member on this platform, as sorted strings such as ``email|<hash>``."""
    names = set(frame.collect_schema().names())
    singles = [_single_keys(field) for field in capabilities.singles if field.value in names]
    composites = [
        pl.concat_list(
            pl.when(_identifies(composite, capabilities, names)).then(composite_key(composite, names))
        ).list.drop_nulls()
        for composite in _composites(capabilities, names)
    ]
    keys = [*singles, *composites]
    return frame.with_columns((pl.concat_list(keys) if keys else _no_keys()).list.unique().list.sort().alias(KEYS))


def has_key(capabilities: Capabilities, names: set[str]) -> pl.Expr:
    """Whether `with_keys` finds anything, without making the keys."""
    composites = [_identifies(composite, capabilities, names) for composite in _composites(capabilities, names)]
    return pl.any_horizontal(pl.lit(value=False), _has_single(capabilities, names), *composites)


def keys_of_kind(frame: pl.LazyFrame, capabilities: Capabilities, kind: str) -> pl.LazyFrame:
    """Column ``key``: one row for each of the members' keys of one kind, a field's name or a composite's."""
    names = set(frame.collect_schema().names())
    for composite in _composites(capabilities, names):
        if composite.name == kind:
            return frame.filter(_identifies(composite, capabilities, names)).select(key=composite_key(composite, names))
    values = frame.select(key=kind)
    if frame.collect_schema()[kind] == pl.List(pl.String):
        values = values.explode("key")
    return values.drop_nulls("key").select(key=pl.lit(f"{kind}{_PIPE}") + pl.col("key"))


def _composites(capabilities: Capabilities, names: set[str]) -> list[Composite]:
    """Those of which every required part is there."""
    return [one for one in capabilities.composites if all(part.value in names for part in one.required)]


def _identifies(composite: Composite, capabilities: Capabilities, names: set[str]) -> pl.Expr:
    """Whether a member has the composite as a key; one that is ``only_alone`` counts for those who have nothing else."""
    if not composite.only_alone:
        return _all_there(composite)
    others = [_all_there(other) for other in _composites(capabilities, names) if not other.only_alone]
    return _all_there(composite) & ~pl.any_horizontal(_has_single(capabilities, names), *others)


def _has_single(capabilities: Capabilities, names: set[str]) -> pl.Expr:
    singles = [field for field in capabilities.singles if field.value in names]
    there = [
        (pl.col(field.value).list.len() > 0).fill_null(value=False)
        if field in MULTI_VALUED
        else pl.col(field.value).is_not_null()
        for field in singles
    ]
    return pl.any_horizontal(pl.lit(value=False), *there)


def composite_key(composite: Composite, names: set[str]) -> pl.Expr:
    """``address|first|last|country|zip``; an absent optional part is empty."""
    parts = [pl.col(part.value).fill_null("") if part.value in names else pl.lit("") for part in composite.parts]
    return pl.concat_str([pl.lit(composite.name), *parts], separator=_PIPE)


def signature(fields: Sequence[str]) -> pl.Expr:
    """A 64-bit hash over all that is sent of a member; only ever compared within one process."""
    texts = [
        pl.col(name).list.join(_UNIT).fill_null("") if name in MULTI_VALUED else pl.col(name).cast(pl.String).fill_null("")
        for name in fields
    ]
    return pl.concat_str(texts, separator="\x1e").hash(seed=0)


def wire_rows(frame: pl.DataFrame, capabilities: Capabilities) -> pl.DataFrame:
    """Members as the rows of requests: several for one who has more values than a row can hold.

    Columns: ``member``, the platform's fields, ``value`` where there is one. Sorted by member, so a plan is deterministic.
    """
    frame = frame.sort(MEMBER, maintain_order=True)
    lists = [name for name in frame.columns if name in MULTI_VALUED]
    limits = capabilities.limits
    if limits.one_value_per_field:
        return _one_value_per_field(frame, lists)
    if limits.identifiers_per_row is None or not lists:
        return frame
    return _windows(frame, lists, limits.identifiers_per_row - len(capabilities.composites))


def identifiers_in(rows: pl.DataFrame, capabilities: Capabilities) -> pl.Series:
    """How many identifiers each wire row carries, for platforms that limit them."""
    counts = [pl.lit(0)]
    for key in capabilities.singles:
        if key.value in rows.columns:
            column = pl.col(key.value)
            is_list = rows.schema[key.value] == pl.List(pl.String)
            counts.append(column.list.len().fill_null(0) if is_list else column.is_not_null().cast(pl.UInt32))
    for composite in capabilities.composites:
        if composite.required[0].value in rows.columns:
            counts.append(pl.col(composite.required[0].value).is_not_null().cast(pl.UInt32))
    return rows.select(pl.sum_horizontal(counts).alias("identifiers")).to_series()


def named_rows(rows: pl.DataFrame, named: Mapping[str, str]) -> dict[int, str]:
    """The rows that hold one of the values of ``named`` in any column: row index -> reason."""
    found: dict[int, str] = {}
    values = pl.DataFrame(list(named.items()), schema={"value": pl.String, "reason": pl.String}, orient="row")
    for name in rows.columns:
        column = rows.select(pl.col(name).alias("value")).with_row_index("row")
        column = column.explode("value") if column.schema["value"] == pl.List(pl.String) else column
        if column.schema["value"] == pl.String:
            found |= dict(column.join(values, on="value").select("row", "reason").iter_rows())
    return found


def _one_value_per_field(frame: pl.DataFrame, lists: list[str]) -> pl.DataFrame:
    if not lists:
        return frame
    most = pl.max_horizontal(*(pl.col(name).list.len().fill_null(0) for name in lists), pl.lit(1, dtype=pl.UInt32))
    numbered = frame.with_columns(pl.int_ranges(0, most).alias("_row")).explode("_row", empty_as_null=True)
    return numbered.with_columns(pl.col(name).list.get(pl.col("_row"), null_on_oob=True) for name in lists).drop("_row")


def _windows(frame: pl.DataFrame, lists: list[str], room: int) -> pl.DataFrame:
    """Rows of at most ``room`` list values; the first keeps the other fields."""
    width = max(room // len(lists), 1)
    longest = pl.max_horizontal(*(pl.col(name).list.len().fill_null(0) for name in lists))
    total = pl.sum_horizontal(*(pl.col(name).list.len().fill_null(0) for name in lists))
    crowded = frame.filter(total > room)
    if crowded.is_empty():
        return frame
    numbered = crowded.with_columns(pl.int_ranges(0, (longest + width - 1) // width).alias("_row")).explode("_row")
    first = pl.col("_row") == 0
    others = [name for name in frame.columns if name not in (*lists, MEMBER, VALUE)]
    split = numbered.with_columns(
        *(pl.col(name).list.slice(pl.col("_row") * width, width) for name in lists),
        *(pl.when(first).then(pl.col(name)).alias(name) for name in others),
    ).drop("_row")
    return pl.concat([frame.filter(total <= room), split]).sort(MEMBER, maintain_order=True)


def _single_keys(field: Field) -> pl.Expr:
    column = pl.col(field.value)
    prefix = f"{field.value}{_PIPE}"
    if field in MULTI_VALUED:
        return column.list.eval(pl.lit(prefix) + pl.element()).fill_null(pl.lit([], dtype=pl.List(pl.String)))
    return pl.concat_list(pl.lit(prefix) + column).list.drop_nulls()


def _no_keys() -> pl.Expr:
    return pl.lit([], dtype=pl.List(pl.String))


def _all_there(composite: Composite) -> pl.Expr:
    return pl.all_horizontal(pl.col(part.value).is_not_null() for part in composite.required)
