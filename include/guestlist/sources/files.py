"""Files as sources: CSV, TSV, Parquet, NDJSON and Excel; a path, a glob, or an address on an object store or SFTP server."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError, DataError
from guestlist.model.source import Source
from guestlist.sources.base import as_text, find_columns, in_pieces, shaped
from guestlist.sources.formats.location import DataFile, locate, shown_address

SERVES = ("file",)
_MODULES = {"csv": "delimited", "tsv": "delimited", "parquet": "parquet", "ndjson": "ndjson", "excel": "excel"}
_ENDINGS = {
    **dict.fromkeys((".csv", ".txt"), "csv"),
    **dict.fromkeys((".tsv", ".tab"), "tsv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".ndjson", ".jsonl", ".json"), "ndjson"),
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), "excel"),
}


class _Format(Protocol):
    def schema(self, file: DataFile, source: Source, wanted: Sequence[str] = ()) -> pa.Schema:
        """The columns of the file; none if the format names them with each row and there is no row."""

    def rows(self, file: DataFile, source: Source, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Some of them, under the file's own names, each once."""


def open_reader(source: Source, connection: Connection | None, base: Path, roots: Sequence[Path] = ()) -> FileReader:
    """Read what ``source.file`` names; a relative path starts from ``base``. The connection logs in where the file lies."""
    return FileReader(source, source.file or "", base, roots, connection)


@dataclass(frozen=True)
class FileReader:
    """All files of one address, one after the other; each may have its columns in an order of its own."""

    source: Source
    address: str
    base: Path
    roots: Sequence[Path]
    connection: Connection | None = None
    only: tuple[str, ...] = ()
    """Paths of those of the files that are wanted; all where it is empty."""

    def files(self) -> list[DataFile]:
        """The files, in the order of their names.

        Raises:
            DataError: there are none, or one that is wanted is not there any more.
        """
        found = locate(self.address, self.base, self.roots, self.connection)
        if not self.only:
            return found
        there = {file.path: file for file in found}
        if gone := [path for path in self.only if path not in there]:
            told = f"{len(gone)} of the files of {self.describe()} went away after the run had listed them"
            raise DataError(f"{told}: clear the run's first task, so that they are listed anew")
        return [there[path] for path in self.only]

    def describe(self) -> str:
        """What is read."""
        return f"file {shown_address(self.address)}"

    def schema(self) -> pa.Schema:
        """The columns of the first file."""
        first = self.files()[0]
        return self._format(first).schema(first, self.source)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """See `guestlist.sources.base.Reader`."""
        rows = (batch for file in self.files() for batch in self._rows(file, columns))
        return shaped(rows, columns, self.describe())

    def _rows(self, file: DataFile, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        form = self._format(file)
        schema = form.schema(file, self.source, columns)
        if not schema.names:
            return
        names = find_columns(columns, schema, file.name)
        for batch in form.rows(file, self.source, list(dict.fromkeys(names))):
            for piece in in_pieces(batch.select(names), file.name):
                yield as_text(piece, file.name).rename_columns(list(columns))

    def _format(self, file: DataFile) -> _Format:
        name = self.source.format or _ENDINGS.get(file.ending)
        if name is None:
            raise ConfigError(f"{file.name}: its ending does not tell its format; set `format` to one of {', '.join(_MODULES)}")
        return importlib.import_module(f"guestlist.sources.formats.{_MODULES[name]}")
