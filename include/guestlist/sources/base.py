"""What every source shares: the reader's protocol, finding columns, and turning any value into its plain text."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from guestlist.model.errors import DataError, NoRows

ROWS_PER_BATCH = 65_536
NAMED_BY_ROWS = b"guestlist.named_by_rows"
"""In a schema's metadata: the columns are those that a sample of the rows has named."""
_BYTES_PER_BATCH = 64 << 20
LONGEST_VALUE = 128 << 10
"""Bytes. No identifier is longer than a few hundred; what is longer comes from a broken export, or wants to fill the memory."""
_MOST_COLUMNS = 10_000
_SHOWN_COLUMNS = 40
_LONGEST_SHOWN = 100
_LOOKS_LIKE_A_VALUE = re.compile(r"[@=]|\d{6}|:.*:")
_EXACT_FLOAT = 2.0**63  # from here on a double does not fit into the integers that give its plain digits


class Reader(Protocol):
    """One source of rows. It opens its file or connection anew for each call and closes it at the end."""

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Stream exactly these columns, in this order and under these names, as strings; about 65,536 rows a batch.

        Raises:
            NoRows: it is empty. DataError: it is missing or broken, or has no such columns.
            ConfigError: the connection is wrong.
            AuthError: the database refuses the login.
            TransientError: the database cannot be reached or is locked.
        """

    def schema(self) -> pa.Schema:
        """Names and types as the source has them, without reading its rows; raises what `batches` raises."""

    def describe(self) -> str:
        """What is read, for messages: ``table customers of connection warehouse``. Holds no secret."""


def find_columns(wanted: Sequence[str], schema: pa.Schema, where: str) -> list[str]:
    """The source's own names of the wanted columns: exactly so written, or else the only one that differs just in case.

    Raises:
        DataError: lists every wanted column that is missing or ambiguous, the columns that are there and near misses; or
            a column holds no single values.
    """
    there = schema.names
    if len(there) > _MOST_COLUMNS:
        raise DataError(f"{where} has {len(there)} columns, more than {_MOST_COLUMNS}; is it the right file?")
    found = {name: _spelling(name, there) for name in wanted}
    problems = [_column_problem(name, there) for name, spelling in found.items() if spelling is None]
    if problems:
        raise DataError(f"{where} {'; '.join(problems)}; {_columns_there(there)}")
    names = [spelling for name in wanted if (spelling := found[name]) is not None]
    for name in names:
        if _no_single_value(schema.field(name).type):
            raise _wrong_type(name, schema.field(name).type, where)
    return names


def declared_columns(schema: pa.Schema) -> dict[str, str]:
    """Column -> type, for telling a change of schema from one run to the next; case and white space in names do not count.

    Empty where each row names its own columns: what a sample of the rows shows is no promise. A name that looks like
    somebody's data is left out.
    """
    if NAMED_BY_ROWS in (schema.metadata or {}):
        return {}
    named = ((field.name.strip().casefold(), str(field.type)) for field in schema)
    return {name: kind for name, kind in named if not _is_a_value(name)}


def _columns_there(there: Sequence[str]) -> str:
    if any(_is_a_value(name) for name in there):  # somebody's data, or another program's: it must not be shown
        return "its first row holds values, not the names of columns; put the names there"
    return f"its columns are: {', '.join(there[:_SHOWN_COLUMNS])}{', ...' if len(there) > _SHOWN_COLUMNS else ''}"


def _is_a_value(name: str) -> bool:
    return len(name) > _LONGEST_SHOWN or not name.isprintable() or bool(_LOOKS_LIKE_A_VALUE.search(name))


def _spelling(name: str, there: Sequence[str]) -> str | None:
    if name in there:
        return name if there.count(name) == 1 else None
    alike = _alike(name, there)
    return alike[0] if len(alike) == 1 else None


def _alike(name: str, there: Sequence[str]) -> list[str]:
    return [other for other in there if other.strip().casefold() == name.strip().casefold()]


def _column_problem(name: str, there: Sequence[str]) -> str:
    if there.count(name) > 1:
        return f"has {there.count(name)} columns called {name!r}: rename one of them"
    if alike := _alike(name, there):
        return f"has no column {name!r} but {' and '.join(alike)}: write the one that is meant"
    folded = {other.strip().casefold(): other for other in there}
    near = [folded[match] for match in difflib.get_close_matches(name.strip().casefold(), folded, n=2)]
    hint = f" (is it {' or '.join(near)}?)" if near and not any(map(_is_a_value, near)) else ""
    return f"has no column {name!r}{hint}"


def shaped(batches: Iterable[pa.RecordBatch], columns: Sequence[str], where: str) -> Iterator[pa.RecordBatch]:
    """Name the columns ``columns``, make all values text, and even out the batches' sizes.

    ``batches`` have the wanted columns in the wanted order, under the source's own names.

    Raises:
        NoRows: there is not a single one. DataError: a column is of a type that has no plain text.
    """
    rows = 0
    texts = (as_text(piece, where).rename_columns(list(columns)) for batch in batches for piece in in_pieces(batch, where))
    for batch in _evened(texts):
        rows += batch.num_rows
        yield batch
    if rows == 0:
        raise NoRows(f"{where} gave no rows; an empty source never empties an audience")


def in_pieces(batch: pa.RecordBatch, where: str) -> Iterator[pa.RecordBatch]:
    """The batch in slices that stay small as text: a dictionary of a few long values may stand for any number of rows.

    Raises:
        DataError: a value is longer than `LONGEST_VALUE`.
    """
    longest = 1
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        length = _longest(array)
        if length > LONGEST_VALUE:
            raise DataError(
                f"{where}: column {name!r} holds a value of {length} bytes, more than {LONGEST_VALUE}; "
                "no identifier is as long: mend the export, or cut the value off in the query"
            )
        longest += length
    rows = max(1, min(ROWS_PER_BATCH, _BYTES_PER_BATCH // longest))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _longest(array: pa.Array) -> int:
    """The length of the longest text in bytes; 0 for what is no text."""
    values = array.dictionary if pa.types.is_dictionary(array.type) else array
    if values.type in (pa.string_view(), pa.binary_view()):
        values = values.cast(pa.large_binary())
    if values.type not in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary()):
        return 0
    return pc.max(pc.binary_length(values)).as_py() or 0


def _evened(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    small: list[pa.RecordBatch] = []
    for batch in batches:
        for start in range(0, batch.num_rows, ROWS_PER_BATCH):
            small.append(batch.slice(start, ROWS_PER_BATCH))
            rows, size = sum(piece.num_rows for piece in small), sum(piece.nbytes for piece in small)
            if rows > ROWS_PER_BATCH // 2 or size > _BYTES_PER_BATCH:
                yield from pa.Table.from_batches(small).combine_chunks().to_batches(ROWS_PER_BATCH)
                small = []
    if small:
        yield from pa.Table.from_batches(small).combine_chunks().to_batches(ROWS_PER_BATCH)


def as_text(batch: pa.RecordBatch, where: str) -> pa.RecordBatch:
    """Every column as strings that say what a person would write.

    Integers and floats and decimals without a fraction become plain digits (a phone held as 4915112345678.0 is
    ``4915112345678``), booleans ``true`` and ``false``, dates ``2026-01-31``, timestamps ISO 8601 (``...Z`` in UTC where
    they have a zone); NaN becomes null.

    Raises:
        DataError: a list, a struct or another type that is no single value; or bytes that are no UTF-8.
    """
    texts = []
    for field, array in zip(batch.schema, batch.columns, strict=True):
        try:
            texts.append(_text(array))
        except (pa.ArrowNotImplementedError, TypeError):
            problem = _wrong_type(field.name, field.type, where)
        except pa.ArrowInvalid:
            problem = DataError(f"{where}: column {field.name!r} holds bytes that are not UTF-8; make it a text column")
        else:
            continue
        raise problem
    return pa.RecordBatch.from_arrays(texts, names=batch.schema.names)


def _wrong_type(name: str, kind: pa.DataType, where: str) -> DataError:
    return DataError(f"{where}: column {name!r} is of type {_kind(kind)}; make it a single text, number, date or boolean")


def _no_single_value(kind: pa.DataType) -> bool:
    return bool(pa.types.is_nested(kind) or pa.types.is_duration(kind) or pa.types.is_interval(kind))


def _kind(data_type: pa.DataType) -> str:
    return str(getattr(data_type, "type_name", None) or data_type).split("<", maxsplit=1)[0]


def _text(array: pa.Array) -> pa.Array:
    kind = array.type
    if kind == pa.string():
        return array
    if isinstance(kind, pa.BaseExtensionType):
        return _extension_text(array)
    if pa.types.is_dictionary(kind):
        return _text(array.dictionary_decode())
    if pa.types.is_floating(kind):
        return _float_text(array)
    if pa.types.is_decimal(kind):
        return _decimal_text(array)
    if pa.types.is_timestamp(kind):
        return _timestamp_text(array)
    if pa.types.is_time(kind):
        return without_zeros(array.cast(pa.string()))
    if _no_single_value(kind):
        raise TypeError
    return array.cast(pa.string())


def _extension_text(array: pa.Array) -> pa.Array:
    """Strings under another name (JSON, PostgreSQL's numeric) and UUIDs; anything else has no known text."""
    storage = array.storage
    if array.type.extension_name == "arrow.uuid":
        return pa.array((value and _uuid_text(value.hex()) for value in storage.to_pylist()), pa.string())
    if not (pa.types.is_string(storage.type) or pa.types.is_large_string(storage.type)):
        raise TypeError
    text = storage.cast(pa.string())
    return without_zeros(text) if getattr(array.type, "type_name", "") == "numeric" else text


def _uuid_text(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _float_text(array: pa.Array) -> pa.Array:
    if pa.types.is_float16(array.type):
        array = array.cast(pa.float32())  # Arrow rounds no halves
    finite = pc.if_else(pc.is_finite(array), array, pa.scalar(None, array.type))
    whole = pc.and_(pc.equal(pc.trunc(finite), finite), pc.less(pc.abs(finite), _EXACT_FLOAT))
    digits = pc.if_else(whole, finite, pa.scalar(None, array.type)).cast(pa.int64()).cast(pa.string())
    return pc.coalesce(digits, finite.cast(pa.string()))


def _decimal_text(array: pa.Array) -> pa.Array:
    text = array.cast(pa.string())
    tiny = pc.match_substring(text, "E")  # Arrow writes 0.00000001 as 1E-8, and a zero of that scale as 0E-8
    return pc.if_else(tiny, _float_text(array.cast(pa.float64())), without_zeros(text))


def without_zeros(text: pa.Array) -> pa.Array:
    """Numbers and times as text, without the zeros that end their fraction."""
    fraction = pc.match_substring(text, ".")
    return pc.if_else(fraction, pc.replace_substring_regex(text, r"\.?0+$", ""), text)


def _timestamp_text(array: pa.Array) -> pa.Array:
    zoned = array.type.tz is not None
    moment = array.cast(pa.timestamp(array.type.unit)) if zoned else array  # a zone only labels an instant kept in UTC
    text = pc.replace_substring(moment.cast(pa.string()), " ", "T")
    text = without_zeros(text)
    return pc.binary_join_element_wise(text, "Z", "") if zoned else text
