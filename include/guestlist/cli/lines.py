"""Reads JSON lines of raw values. Polars reads whole blocks; only lines that it might read otherwise are read one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Never

import polars as pl

from guestlist.model.errors import DataError

INPUT = dict.fromkeys(("id", "platform", "field", "value", "region"), pl.String)
LINE = "line"
_ROW = {LINE: pl.UInt32, **INPUT}
_ID = r'"id"\s*:\s*("(?:[^"\\]|\\.)*"|[^",}\s]+)'
_MOST_DIGITS = 100
"""1e999999999 is a number too: written out it would fill the memory."""
_SHAPE = 'write {"id": ..., "platform": ..., "field": ..., "value": ..., "region": ...} on each line'


def read_lines(block: bytes, first: int) -> pl.DataFrame:
    """A row for each line that is not blank: ``line`` (its number, from ``first``), ``id`` as JSON text, the rest as text.

    Raises:
        DataError: with the number of the first line that is no such object.
    """
    try:
        rows = pl.read_ndjson(block, schema=INPUT)
        texts = pl.read_lines(block, name="text")
    except pl.exceptions.ComputeError:  # some line is wrong, or a number is larger than it takes
        return _one_by_one(block, first)
    numbered = texts.with_row_index(LINE, offset=first).filter(pl.col("text").str.strip_chars().str.len_bytes() > 0)
    if numbered.height != rows.height:
        return _one_by_one(block, first)
    return _checked(pl.concat([numbered, rows], how="horizontal"))


def _checked(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with the ids' own text; those where a regular expression may be mistaken are read again."""
    rows = rows.with_columns(raw=pl.col("text").str.extract(_ID))
    mistaken = rows.filter(_doubtful())
    plain = rows.select(LINE, id="raw", **{name: pl.col(name) for name in INPUT if name != "id"})
    if mistaken.is_empty():
        return plain
    again = _frame(_parsed(text, line) for line, text in mistaken.select(LINE, "text").iter_rows())
    return plain.update(again, on=LINE, include_nulls=True)


def _doubtful() -> pl.Expr:
    """An id that is not what Polars read, or has escapes; an object or a list; a key that may be missing."""
    text, raw = pl.col("text"), pl.col("raw")
    nested = pl.any_horizontal(pl.col(name).str.contains(r"^[\[{]") for name in ("value", "region"))
    absent = pl.col("value").is_null() & ~text.str.contains('"value"', literal=True)
    lacking = pl.any_horizontal(pl.col(name).is_null() for name in ("id", "platform", "field", "raw"))
    return (lacking | absent | nested | (raw.str.strip_chars('"') != pl.col("id"))).fill_null(value=True)


def _one_by_one(block: bytes, first: int) -> pl.DataFrame:
    lines = enumerate(block.split(b"\n"), start=first)
    return _frame(_parsed(text, line) for line, text in lines if text.strip())


def _frame(rows: Iterator[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=_ROW, orient="row")


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


def _refuse(_constant: str) -> Never:
    raise ValueError


def _parsed(text: str | bytes, line: int) -> tuple[Any, ...]:
    try:
        found = json.loads(text, parse_int=_Number, parse_float=_Number, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise DataError(f"line {line} is not JSON; {_SHAPE}") from None
    if not isinstance(found, dict) or not {"id", "platform", "field", "value"} <= found.keys():
        raise DataError(f"line {line} is not such an object; {_SHAPE}")
    for name in INPUT:
        allowed = (str,) if name in ("id", "platform", "field") else (str, bool, type(None))
        if not isinstance(found.get(name), allowed):
            raise DataError(f"line {line}: {name} is not a single value of its kind; {_SHAPE}")
    return line, _raw(found["id"]), *(_plain(found.get(name)) for name in INPUT if name != "id")


def _raw(value: str) -> str:
    return str(value) if isinstance(value, _Number) else json.dumps(value, ensure_ascii=False)


def _plain(value: Any) -> str | None:
    """What a person would write: plain digits, ``true`` and ``false``."""
    if isinstance(value, _Number):
        if abs(Decimal(value).adjusted()) > _MOST_DIGITS:
            return str(value)
        number = format(Decimal(value), "f")
        return number.rstrip("0").rstrip(".") if "." in number else number
    return str(value).lower() if isinstance(value, bool) else value
