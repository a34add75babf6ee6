"""NDJSON: one JSON object a line; numbers and booleans become their text."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from guestlist.model.errors import DataError
from guestlist.model.source import Source
from guestlist.sources.base import NAMED_BY_ROWS
from guestlist.sources.formats.encodings import Utf8Stream, encoding_of, undecodable
from guestlist.sources.formats.location import DataFile

_BLOCK = 4 << 20
_LONGEST_LINE = 64 << 20
_SAMPLE_LINES = 2_000
_MOST_KEYS = 10_000


def schema(file: DataFile, source: Source, wanted: Sequence[str] = ()) -> pa.Schema:
    """The keys of the first 2,000 objects, or of as many as it takes to see all that are wanted, in order of appearance.

    They are text, or a list or struct where some value is one.
    """
    kinds: dict[str, pa.DataType] = {}
    unseen = {name.strip().casefold() for name in wanted}
    encoding = encoding_of(file, source.encoding)
    for number, line in enumerate(_lines(file, encoding), start=1):
        for name, value in (_object(file, encoding, number, line) if line.strip() else {}).items():
            if isinstance(value, list | dict):
                kinds[name] = pa.list_(pa.string()) if isinstance(value, list) else pa.struct([])
            kinds.setdefault(name, pa.string())
            unseen.discard(name.strip().casefold())
        if number >= _SAMPLE_LINES and not unseen:
            break
        if len(kinds) > _MOST_KEYS:
            raise DataError(f"{file.name}: its objects have more than {_MOST_KEYS} different keys; are keys values in it?")
    return pa.schema(list(kinds.items()), metadata={NAMED_BY_ROWS: b""})


def rows(file: DataFile, source: Source, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Stream these keys of all objects; a key that an object lacks is null.

    Raises:
        DataError: names the first line that is not a JSON object; or a column is a list or a struct.
    """
    import polars as pl

    encoding = encoding_of(file, source.encoding)
    wanted = pl.Schema(dict.fromkeys(columns, pl.String))
    line = 1
    for block in _blocks(file, encoding):
        try:
            frame = pl.read_ndjson(io.BytesIO(block), schema=wanted) if block.strip() else wanted.to_frame()
        except pl.exceptions.PolarsError:
            raise _broken(file, encoding, line, block) from None
        line += block.count(b"\n")
        yield from frame.to_arrow().to_batches()


def _blocks(file: DataFile, encoding: str) -> Iterator[bytes]:
    """The text in pieces of whole lines."""
    rest = b""
    with Utf8Stream(file, encoding) as text:
        while block := text.read(_BLOCK):
            cut = block.rfind(b"\n") + 1
            if cut:
                yield rest + block[:cut]
            rest = block[cut:] if cut else rest + block
            if len(rest) > _LONGEST_LINE:
                raise DataError(f"{file.name} has a line of more than {_LONGEST_LINE >> 20} MiB; write one object a line")
    if rest:
        yield rest


def _lines(file: DataFile, encoding: str) -> Iterable[bytes]:
    return (line for block in _blocks(file, encoding) for line in block.splitlines())


def _broken(file: DataFile, encoding: str, first: int, block: bytes) -> DataError:
    for number, line in enumerate(block.split(b"\n"), start=first):
        try:
            if line.strip():
                _object(file, encoding, number, line)
        except DataError as error:
            return error
    return DataError(f"{file.name}: between the lines {first} and {first + block.count(10)} is a value that is no single text")


def _object(file: DataFile, encoding: str, number: int, line: bytes) -> dict[str, object]:
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{file.name}, line {number}, character {error.pos + 1}: not JSON ({error.msg})") from None
    except UnicodeDecodeError:
        raise undecodable(file, encoding) from None
    except (ValueError, RecursionError):
        raise DataError(f"{file.name}, line {number}: nested too deeply, or a number of too many digits") from None
    if isinstance(found, dict) and any("\ud800" <= sign <= "\udfff" for name in found for sign in name):
        raise DataError(f"{file.name}, line {number}: a key is no text (half of a surrogate pair)")
    if not isinstance(found, dict):
        raise DataError(f"{file.name}, line {number}: not a JSON object; write one object a line, not an array of them")
    return found
