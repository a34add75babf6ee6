"""Excel workbooks: one sheet, its first row the names of the columns; read in a process of its own (`_sheet`)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from guestlist.model.errors import DataError
from guestlist.model.source import Source
from guestlist.sources.confined import Exceeded, confined
from guestlist.sources.formats import _sheet
from guestlist.sources.formats.location import DataFile

_BLOCK = 1 << 20
_MEMORY = 4 << 30  # a sheet of 300,000 rows and 20 columns of text takes 2 GiB
_SECONDS = 300


def schema(file: DataFile, source: Source, _wanted: Sequence[str] = ()) -> pa.Schema:
    """The names in the sheet's first row; all are read as text."""
    header, _ = _read(file, source, None)
    return pa.schema([(name, pa.string()) for name in header])


def rows(file: DataFile, source: Source, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """These columns of the sheet, which Excel limits to 1,048,576 rows and which is held in memory whole.

    Raises:
        DataError: the file is no workbook, has no such sheet, or is too large to be read.
    """
    _, stream = _read(file, source, list(dict.fromkeys(columns)))
    for batch in pa.ipc.open_stream(stream):
        yield pa.RecordBatch.from_arrays([_iso(column) for column in batch.columns], names=batch.schema.names)


def _iso(column: pa.Array) -> pa.Array:
    """Excel has only moments: one at midnight is a date."""
    dates = pc.replace_substring_regex(column, r"^(\d{4}-\d\d-\d\d) 00:00:00$", r"\1")
    return pc.replace_substring_regex(dates, r"^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)", r"\1T\2")


def _read(file: DataFile, source: Source, columns: Sequence[str] | None) -> tuple[list[str], bytes]:
    """The names in the first row, and these columns as an Arrow stream."""
    asked = json.dumps({"sheet": source.sheet, "columns": columns})
    try:
        output = confined(_sheet.__name__, asked, _blocks(file), memory=_MEMORY, seconds=_SECONDS)
    except Exceeded:
        raise DataError(
            f"{file.name} is a broken workbook, or one that needs more than {_MEMORY >> 30} GiB of memory or {_SECONDS} s; "
            "delete what is not needed in it, or export the sheet as CSV"
        ) from None
    line, _, stream = output.partition(b"\n")
    told = json.loads(line)
    if not told:
        raise DataError(f"{file.name} is not a readable Excel workbook; is it whole, and without a password?")
    if told["header"] is None:
        raise DataError(f"{file.name} has no sheet {source.sheet!r}; its sheets are: {', '.join(told['sheets'])}")
    if not any(told["header"]):
        raise DataError(f"{file.name} is empty; the sheet's first row must hold the names of the columns")
    return told["header"], stream


def _blocks(file: DataFile) -> Iterator[bytes]:
    with file.open() as raw:
        while block := raw.read(_BLOCK):
            yield block
