"""Excel workbooks: one sheet, its first row the names of the columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from guestlist.model.errors import DataError
from guestlist.model.segment import Source
from guestlist.sources.base import ROWS_PER_BATCH
from guestlist.sources.formats.location import DataFile


def schema(file: DataFile, source: Source, _wanted: Sequence[str] = ()) -> pa.Schema:
    """The names in the sheet's first row; all are read as text."""
    with _opened(file) as book:
        return pa.schema([(name, pa.string()) for name in _header(file, book, source)])


def rows(file: DataFile, source: Source, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """These columns of the sheet, which Excel limits to 1,048,576 rows and which is held in memory whole.

    Raises:
        DataError: the file is no workbook, or has no such sheet.
    """
    with _opened(file) as book:
        header = _header(file, book, source)
        wanted = [header.index(name) for name in dict.fromkeys(columns)]
        loaded = book.load_sheet(_sheet(file, book, source), use_columns=sorted(wanted), dtypes="string", eager=True)
    by_place = dict(zip(sorted(wanted), loaded.columns, strict=True))
    texts = [_iso(by_place[place]) for place in wanted]
    batch = pa.RecordBatch.from_arrays(texts, names=list(dict.fromkeys(columns)))
    for start in range(0, batch.num_rows, ROWS_PER_BATCH):
        yield batch.slice(start, ROWS_PER_BATCH)


def _iso(column: pa.Array) -> pa.Array:
    """Excel has only moments: one at midnight is a date."""
    dates = pc.replace_substring_regex(column, r"^(\d{4}-\d\d-\d\d) 00:00:00$", r"\1")
    return pc.replace_substring_regex(dates, r"^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)", r"\1T\2")


def _sheet(file: DataFile, book: Any, source: Source) -> str:
    there = book.sheet_names
    if source.sheet is None:
        return str(there[0])
    if source.sheet not in there:
        raise DataError(f"{file.name} has no sheet {source.sheet!r}; its sheets are: {', '.join(there)}")
    return source.sheet


def _header(file: DataFile, book: Any, source: Source) -> list[str]:
    """As written in the first row; fastexcel itself renames what stands twice."""
    first = book.load_sheet(_sheet(file, book, source), header_row=None, n_rows=1, dtypes="string", eager=True)
    names = [column[0].as_py() or "" for column in first.columns] if first.num_rows else []
    if not any(names):
        raise DataError(f"{file.name} is empty; the sheet's first row must hold the names of the columns")
    return names


@contextmanager
def _opened(file: DataFile) -> Iterator[Any]:
    import fastexcel

    with file.open() as raw:
        content = raw.read()
    try:
        yield fastexcel.read_excel(content)
    except fastexcel.FastExcelError:
        raise DataError(f"{file.name} is not a readable Excel workbook; is it whole, and without a password?") from None
