"""What is found out about a file before it counts: it is whole, harmless, of its format, and has its columns.

Its rows are read by the run alone, in a task: a row that cannot be read is told with its number in the audience's state.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from guestlist.model.errors import DataError
from guestlist.model.source import Source
from guestlist.runtime.intake import _workbook
from guestlist.runtime.intake.hostile import MOST_GROWTH, is_bomb
from guestlist.runtime.intake.kept import Keeper
from guestlist.runtime.intake.reading import Pieces
from guestlist.runtime.ledger.intake import Piece
from guestlist.sources.base import find_columns
from guestlist.sources.confined import Exceeded, confined
from guestlist.sources.formats.location import DataFile

_LARGEST_WORKBOOK = 256 << 20
_WORKBOOK_MEMORY, _WORKBOOK_SECONDS = 1 << 30, 60
_BLOCK = 1 << 20


def examine(keeper: Keeper, pieces: Iterable[Piece], columns: Sequence[str]) -> None:
    """Look at files that have come; pieces of one upload each have all columns.

    Raises:
        DataError: one is broken, made to do harm, empty, or lacks a column; it tells which.
    """
    for piece in pieces:
        file = keeper.file(piece.path)
        find_columns(columns, _schema(file), file.name)


def columns_in(keeper: Keeper, piece: Piece) -> list[str]:
    """The columns that a file has; raises as `examine`."""
    return list(_schema(keeper.file(piece.path)).names)


def _schema(file: DataFile) -> pa.Schema:
    if file.ending == ".xlsx":
        _refuse_hostile_workbook(file)
    elif file.ending in (".parquet", ".pq"):
        _refuse_grown_parquet(file)
    return Pieces(Source.model_validate({"file": file.name}), "", Path(), (), pieces=(file,)).schema()


def _refuse_hostile_workbook(file: DataFile) -> None:
    size = file.filesystem.info(file.path)["size"]
    if size > _LARGEST_WORKBOOK:
        raise DataError(f"{file.name} is a workbook of more than {_LARGEST_WORKBOOK >> 20} MiB: export its sheet as CSV")
    try:
        found = confined(_workbook.__name__, "", _blocks(file), memory=_WORKBOOK_MEMORY, seconds=_WORKBOOK_SECONDS)
    except Exceeded:
        told = "is a broken workbook, or one that takes too long to look at: export its sheet as CSV"
        raise DataError(f"{file.name} {told}") from None
    if problem := json.loads(found):
        raise DataError(f"{file.name} {problem}")


def _refuse_grown_parquet(file: DataFile) -> None:
    """By what the file says of itself; a file that lies is noticed where it is read."""
    with file.open() as raw:
        try:
            facts = parquet.read_metadata(raw)
        except (pa.ArrowInvalid, OSError):
            raise DataError(f"{file.name} is not a whole Parquet file; export it again") from None
    grown = sum(facts.row_group(index).total_byte_size for index in range(facts.num_row_groups))
    if is_bomb(file.filesystem.info(file.path)["size"], grown):
        raise DataError(f"{file.name} grows more than {MOST_GROWTH}-fold when it is unpacked, as no file of people does")
    if not facts.num_rows:
        raise DataError(f"{file.name} has no rows")


def _blocks(file: DataFile) -> Iterable[bytes]:
    with file.open() as raw:
        while block := raw.read(_BLOCK):
            yield block
