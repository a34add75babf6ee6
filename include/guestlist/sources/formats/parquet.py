"""Parquet, row group by row group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
from pyarrow import parquet

from guestlist.model.errors import DataError
from guestlist.model.source import Source
from guestlist.sources.base import ROWS_PER_BATCH
from guestlist.sources.formats.location import DataFile


def schema(file: DataFile, _source: Source, _wanted: Sequence[str] = ()) -> pa.Schema:
    """The columns and their types, from the file's footer."""
    with _opened(file) as opened:
        return opened.schema_arrow


def rows(file: DataFile, _source: Source, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Stream these columns of the file.

    Raises:
        DataError: the file is not Parquet, or is cut off.
    """
    with _opened(file) as opened:
        wanted = list(dict.fromkeys(columns))
        for batch in opened.iter_batches(ROWS_PER_BATCH, columns=wanted):
            batch.validate(full=True)  # Arrow reads damaged text as it is, and Polars takes for granted that it is UTF-8
            yield batch.select(wanted)


@contextmanager
def _opened(file: DataFile) -> Iterator[parquet.ParquetFile]:
    with file.open() as raw:
        try:
            with parquet.ParquetFile(raw, pre_buffer=False) as opened:
                yield opened
        except (pa.ArrowInvalid, OSError, UnicodeDecodeError):  # the last for the names of columns
            raise DataError(f"{file.name} is not a whole Parquet file; export it again") from None
