"""The reader of an upload: its pieces one after the other, and a key of their own for rows that were pushed without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from guestlist.model.errors import DataError
from guestlist.model.source import ROW_KEY, Upload
from guestlist.runtime.intake.kept import Keeper
from guestlist.sources.base import Reader
from guestlist.sources.files import FileReader
from guestlist.sources.formats.location import DataFile

if TYPE_CHECKING:
    from guestlist.runtime.ledger import Ledger

_BETWEEN = "\x1f"
_TOLD_EACH = 200_000


def reader_of(upload: Upload, ledger: Ledger, keeper: Keeper) -> Reader:
    """What reads an upload; the ledger is told how far it has come.

    Raises:
        DataError: it is not whole, or its files are gone.
    """
    if upload.leaves:
        return Nobody()
    row, pieces = ledger.upload(upload.upload_id), ledger.pieces(upload.upload_id)
    if row is None or row.cleared_at or len(pieces) < row.pieces:
        raise DataError("the upload's files are gone: push it again")
    files = tuple(keeper.file(piece.path) for piece in pieces)
    told = 0

    def tell(read: int) -> None:
        nonlocal told
        if read - told >= _TOLD_EACH:
            ledger.set_upload(upload.upload_id, rows_read=read)
            told = read

    return UploadReader(Pieces(upload, "", Path(), (), pieces=files), upload.identifying, tell)


@dataclass(frozen=True)
class Pieces(FileReader):
    """Files that are known already."""

    pieces: tuple[DataFile, ...] = ()

    def files(self) -> list[DataFile]:
        """As they were pushed."""
        return list(self.pieces)

    def describe(self) -> str:
        """What is read."""
        return "the upload"


@dataclass(frozen=True)
class UploadReader:
    """A reader whose rows have `ROW_KEY`: all that identifies somebody, so that rows that say the same are one member's."""

    rows: Reader
    identifying: Sequence[str]
    told: Callable[[int], None]
    """Told how many rows were read so far, after each batch."""

    def describe(self) -> str:
        """What is read."""
        return self.rows.describe()

    def schema(self) -> pa.Schema:
        """The columns as they were pushed."""
        return self.rows.schema()

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """See `guestlist.sources.base.Reader`."""
        keyed, read = ROW_KEY in columns, 0
        wanted = dict.fromkeys([*columns, *(self.identifying if keyed else ())])
        wanted.pop(ROW_KEY, None)
        for batch in self.rows.batches(list(wanted)):
            read += batch.num_rows
            yield self._with_key(batch, columns) if keyed else batch
            self.told(read)

    def _with_key(self, batch: pa.RecordBatch, columns: Sequence[str]) -> pa.RecordBatch:
        """A row without any value has no key, and is dropped as such."""
        texts = [pc.utf8_trim_whitespace(batch.column(name)) for name in self.identifying]
        key = pc.binary_join_element_wise(*texts, _BETWEEN, null_handling="replace", null_replacement="")
        empty = pc.equal(pc.binary_length(key), len(_BETWEEN) * (len(texts) - 1))
        keys = pc.if_else(empty, pa.scalar(None, pa.string()), key)
        arrays = [keys if name == ROW_KEY else batch.column(name) for name in columns]
        return pa.RecordBatch.from_arrays(arrays, names=list(columns))


class Nobody:
    """No rows, on purpose: everybody is to leave."""

    def describe(self) -> str:
        """What is read."""
        return "nobody"

    def schema(self) -> pa.Schema:
        """No columns."""
        return pa.schema([])

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """One batch without rows, so that what is prepared has columns."""
        yield pa.RecordBatch.from_pydict({name: pa.array([], pa.string()) for name in columns})
