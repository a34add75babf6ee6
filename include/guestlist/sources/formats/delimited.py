"""CSV and TSV: every value read as text exactly as written, by Arrow's parser; a broken row is an error with its line."""

from __future__ import annotations

import csv
import io
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue

import pyarrow as pa
from pyarrow import csv as arrow_csv

from guestlist.model.errors import DataError, GuestlistError
from guestlist.model.source import Source
from guestlist.sources.formats.encodings import SAMPLE_BYTES, Utf8Stream, encoding_of, undecodable
from guestlist.sources.formats.location import DataFile

_BLOCK = 4 << 20  # the fastest of 1, 4 and 16 MiB
_DELIMITERS = ",;\t|"
_SNIFFED_ROWS = 50
_RETURNED_SECONDS = 60.0
_LONGEST_ROW = 2 * _BLOCK
"""Arrow gives up on a row that does not end in the block after its own."""
csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_ROW))  # the library's own is 128 KiB, also for columns not read


def schema(file: DataFile, source: Source, _wanted: Sequence[str] = ()) -> pa.Schema:
    """The header's names; all are text."""
    encoding = encoding_of(file, source.encoding)
    header = _header(file, encoding, _delimiter(file, source, encoding))
    return pa.schema([(name, pa.string()) for name in header])


def rows(file: DataFile, source: Source, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Stream these columns of the file, as strings.

    Raises:
        DataError: names the line of the first row that has too many or too few fields, an open quote or broken bytes, or
            that is longer than 8 MiB.
    """
    encoding = encoding_of(file, source.encoding)
    delimiter = _delimiter(file, source, encoding)
    read = 0
    errors: list[GuestlistError] = []
    with Utf8Stream(file, encoding) as text:
        try:
            for batch in _open(text, errors, delimiter, columns):
                read += batch.num_rows
                yield batch
        except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
            raise (errors[0] if errors else _broken(file, encoding, delimiter, error)) from None
    if errors:
        raise errors[0]
    if (
        read + 1 != text.line_breaks
    ):  # some value spans lines, or an open quote has swallowed rows, which Arrow takes for the same
        _check_quotes(file, encoding, delimiter, read)


class _Lent:
    """The text for Arrow, whose threads read ahead: an error ends it there, and is kept for our own thread to raise."""

    closed = False

    def __init__(self, text: Utf8Stream, errors: list[GuestlistError], watch: Callable[[object], None]) -> None:
        self._text = text
        self._errors = errors
        self._watch = watch

    def read(self, size: int) -> memoryview:
        """``size`` bytes, fewer only at the end."""
        block = b""
        try:
            block = b"" if self._errors else self._text.read(size)
        except GuestlistError as error:
            error.__traceback__ = error.__context__ = None  # their frames would hold this object
            self._errors.append(error)
        view = memoryview(block)
        self._watch(view)
        return view


@contextmanager
def _all_returned() -> Iterator[Callable[[object], None]]:
    """What is watched, and held by threads of Arrow's, is given back before this ends.

    A thread that is in Python, or frees what is Python's, while a process ends is stopped by it, and so aborts it.
    """
    watched: list[weakref.ref[object]] = []
    returned: SimpleQueue[object] = SimpleQueue()  # it is written in C: a callback in Python would be such a thread itself
    try:
        yield lambda lent: watched.append(weakref.ref(lent, returned.put))
    finally:
        with suppress(Empty):
            while any(lent() is not None for lent in watched):
                returned.get(timeout=_RETURNED_SECONDS)


def _open(text: Utf8Stream, errors: list[GuestlistError], delimiter: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    options = {
        "read_options": arrow_csv.ReadOptions(block_size=_BLOCK),
        "parse_options": arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        "convert_options": arrow_csv.ConvertOptions(
            include_columns=list(columns), column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
        ),
    }
    with _all_returned() as watch:
        lent, reader = _Lent(text, errors, watch), None
        watch(lent)
        try:
            file = pa.PythonFile(lent, mode="r")
            del lent
            reader = arrow_csv.open_csv(file, **options)
            yield from reader
        finally:
            del file, reader


def _sample(file: DataFile, encoding: str) -> str:
    with Utf8Stream(file, encoding) as text:
        return text.read(SAMPLE_BYTES).decode("utf-8", errors="replace")


def _header(file: DataFile, encoding: str, delimiter: str) -> list[str]:
    sample = _sample(file, encoding)
    records = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    header = next((record for record in records if record), None)
    if header is None:
        raise DataError(f"{file.name} is empty; its first row must hold the names of the columns")
    if len(sample) >= SAMPLE_BYTES // 4 and next(records, None) is None:
        raise DataError(
            f"{file.name}, line 1: the row with the names of the columns is longer than {SAMPLE_BYTES >> 10} KiB; "
            "is a quote opened and not closed in it, or the file none of this format?"
        )
    return header


def _delimiter(file: DataFile, source: Source, encoding: str) -> str:
    """Declared, or a tab for TSV, or the one that cuts the first rows into the same number of fields, at least two."""
    if source.delimiter is not None:
        return source.delimiter
    if source.format == "tsv" or (source.format is None and file.ending in (".tsv", ".tab")):
        return "\t"
    sample = _sample(file, encoding)
    if len(sample) >= SAMPLE_BYTES // 4:
        sample = sample[: sample.rfind("\n")]  # the last row may be cut in two
    return max(_DELIMITERS, key=lambda delimiter: _agreement(sample, delimiter))


def _agreement(sample: str, delimiter: str) -> tuple[float, int]:
    """The share of rows with as many fields as the header, and that number; nothing if the header is not cut."""
    records = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    widths = [len(record) for record, _ in zip((r for r in records if r), range(_SNIFFED_ROWS), strict=False)]
    if not widths or widths[0] < 2:
        return 0.0, 0
    return widths.count(widths[0]) / len(widths), widths[0]


def _broken(file: DataFile, encoding: str, delimiter: str, error: Exception) -> DataError:
    """Why Arrow stopped. Its own message quotes the row, so the place is looked up anew."""
    if "UTF8" in str(error):
        return undecodable(file, encoding)
    for _ in _records(file, encoding, delimiter):
        pass
    return DataError(f"{file.name} cannot be cut into rows of fields; is {delimiter!r} its delimiter?")


def _check_quotes(file: DataFile, encoding: str, delimiter: str, read: int) -> None:
    strict = sum(1 for _ in _records(file, encoding, delimiter)) - 1
    if strict != read:
        raise DataError(f"{file.name} gave {read} rows where {strict} stand: its quotes are broken; export it again")


def _records(file: DataFile, encoding: str, delimiter: str) -> Iterator[list[str]]:
    """The records by the rules of RFC 4180, strictly; slower than Arrow, and knows its lines."""
    with Utf8Stream(file, encoding) as text:
        wrapped = io.TextIOWrapper(io.BufferedReader(text), "utf-8", errors="replace", newline="")
        records = csv.reader(_lines(file, wrapped), delimiter=delimiter, strict=True)
        width, begin = 0, 1
        try:
            for record in records:
                width = width or len(record)
                if record and len(record) != width:
                    raise DataError(
                        f"{file.name}, line {begin}: the row has {len(record)} fields and the header has {width}; "
                        "mend the row, or quote the value that holds the delimiter or a line break"
                    )
                if record:
                    yield record
                begin = records.line_num + 1
        except csv.Error:
            raise DataError(
                f"{file.name}, line {begin}: a quote is opened and not closed, or stands in the wrong place"
            ) from None


def _lines(file: DataFile, text: io.TextIOWrapper) -> Iterator[str]:
    number = 1
    while line := text.readline(_LONGEST_ROW):
        if len(line) == _LONGEST_ROW:
            raise DataError(f"{file.name}, line {number}: the row is longer than {_LONGEST_ROW >> 20} MiB; mend the export")
        yield line
        number += 1
