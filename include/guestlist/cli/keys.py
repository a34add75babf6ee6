"""JSON lines -> match keys, a block of lines at a time: Polars reads, normalises and writes, whole columns at once."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

import polars as pl

from guestlist.cli.lines import LINE, read_lines
from guestlist.cli.variants import keys_by_platform
from guestlist.identity.recipes import normalise_frame, recipe
from guestlist.model.errors import DataError
from guestlist.model.vocabulary import Field

BLOCK_BYTES = 32 * 2**20
"""About 250,000 lines: enough for whole-column work, little memory."""
_BOM = b"\xef\xbb\xbf"
_ANSWER = {"normalised": pl.String, "sha256": pl.String, "reason": pl.String, "valid": pl.Boolean}
_NOT_TAKEN = "not_taken"


def answers(source: BinaryIO, block_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
    """The answers to all lines of ``source``, as JSON lines, block by block.

    Raises:
        DataError: a line is no such object, or names a platform or a field that there is not; it tells the line's number.
    """
    first = 1
    for block in _blocks(source, block_bytes):
        asked = read_lines(block, first)
        first += block.count(b"\n")
        if asked.height:
            yield _written(_answered(asked))


def _blocks(source: BinaryIO, size: int) -> Iterator[bytes]:
    """The bytes of ``source``, cut behind ends of lines."""
    rest = source.read(len(_BOM)).removeprefix(_BOM)
    while block := source.read(size):
        end = block.rfind(b"\n") + 1
        if end:
            yield rest + block[:end]
            rest = block[end:]
        else:
            rest += block
    if rest:
        yield rest


def _answered(asked: pl.DataFrame) -> pl.DataFrame:
    """``id`` and the columns of the answer, a row for each line."""
    asked = asked.with_row_index("row").join(_recipes(), on=["platform", "field"], how="left", maintain_order="left")
    _check_names(asked)
    made = []
    for (name,), rows in asked.partition_by("recipe", as_dict=True).items():
        answer = _refused(rows) if name == _NOT_TAKEN else normalise_frame(rows.select("value", "region"), recipe(str(name)))
        made.append(pl.concat([rows.select("row", "id"), answer.cast(_ANSWER)], how="horizontal"))  # type: ignore[arg-type]
    return pl.concat(made).sort("row").drop("row")


def _refused(rows: pl.DataFrame) -> pl.DataFrame:
    nothing = {name: pl.lit(None, dtype=kind) for name, kind in _ANSWER.items()}
    return rows.with_columns(**{**nothing, "reason": pl.lit(_NOT_TAKEN)}).select(*_ANSWER)  # literals alone would be one row


def _recipes() -> pl.DataFrame:
    """The recipe of every pair of ``platform`` and ``field``; `not_taken` where the platform does not want the field."""
    rows = [
        (platform, field.value, keys[field].recipe if field in keys else _NOT_TAKEN)
        for platform, keys in keys_by_platform().items()
        for field in Field
    ]
    return pl.DataFrame(rows, schema={"platform": pl.String, "field": pl.String, "recipe": pl.String}, orient="row")


def _check_names(asked: pl.DataFrame) -> None:
    """Tell the first line with a name that nobody knows; the name itself may be anybody's data and is not repeated."""
    unknown = asked.filter(pl.col("recipe").is_null())
    if unknown.is_empty():
        return
    line, platform = unknown.select(LINE, "platform").row(0)
    known = keys_by_platform()
    if platform not in known:
        raise DataError(f"line {line}: no platform is called so; there are: {', '.join(sorted(known))}")
    raise DataError(f"line {line}: no field is called so; there are: {', '.join(Field)}")


def _written(answer: pl.DataFrame) -> bytes:
    """JSON lines. The id goes back as the text that it was; Polars writes the rest."""
    rest = pl.struct(_ANSWER.keys()).struct.json_encode().str.slice(1)
    lines = answer.select(pl.concat_str(pl.lit('{"id":'), pl.col("id"), pl.lit(","), rest))
    buffer = io.BytesIO()
    lines.write_csv(buffer, include_header=False, quote_style="never")  # one column, unquoted: the lines themselves
    return buffer.getvalue()
