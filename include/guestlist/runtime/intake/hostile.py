"""What nobody should be sent, found in a file while it comes: text that unpacks to a bomb, cells that a spreadsheet would run.

Nobody here opens them in a spreadsheet, but platforms and people export what they were sent.
"""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterator

from guestlist.model.errors import DataError

WITHOUT_HEADER = (".ndjson", ".jsonl", ".json")
"""Formats whose first line is a row already."""
MOST_GROWTH = 100
"""Real people compress to a tenth. What gzip makes of a single letter is a thousandth."""
_GROWS_FREELY = 64 << 20
_AT_ONCE = 1 << 20
_LONGEST_CELL = 256
_GZIP = 31
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_BEGINS = b',;\t|\r\n"'
"""What may stand before a cell's first character; quotes and line breaks inside of cells do no harm here."""
_RUN = re.compile(rb"""[,;\t|\r\n"][+@-](?:[A-Za-z][A-Za-z0-9._]*\(|[^,;\t\r\n"]*\| ?'[^,;\t\r\n"]*!)""")
"""A call such as ``@SUM(`` or a link such as ``+cmd|'...'!``; a phone such as ``+1 (650) 555-1212`` is none."""


def is_bomb(packed: int, unpacked: int) -> bool:
    """Whether so many bytes are more than those of people become."""
    return unpacked > max(_GROWS_FREELY, MOST_GROWTH * packed)


class Watch:
    """Looks at a file's bytes as they go by. Workbooks and Parquet are looked at once they are whole: see `examine`."""

    def __init__(self, ending: str) -> None:
        """Begin; ``ending`` tells the format, as `kept.ending_of` does."""
        self._unpacked = _Unpacked() if ending.endswith(".gz") else None
        self._cells = None if ending in (".xlsx", ".parquet", ".pq") else _Cells()
        self._has_header = not ending.startswith(WITHOUT_HEADER)

    def look(self, chunk: bytes) -> None:
        """Look at what comes next.

        Raises:
            DataError: it is not to be taken.
        """
        if self._cells is None:
            return
        for text in self._unpacked.unpack(chunk) if self._unpacked else (chunk,):
            self._cells.look(text)

    def finish(self) -> None:
        """Nothing more comes.

        Raises:
            DataError: it was cut off, or after its header.
        """
        if self._unpacked:
            self._unpacked.finish()
        if self._cells and self._has_header and self._cells.filled == 1:
            raise DataError("the file has no rows below its header: to take everybody off, delete the audience")


class _Unpacked:
    """The plain bytes of a gzip file, at most a mebibyte of them at a time."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP)
        self._taken = self._given = 0

    def unpack(self, chunk: bytes) -> Iterator[bytes]:
        self._taken += len(chunk)
        while chunk:
            if self._stream.eof:  # several files one after the other are one
                self._stream = zlib.decompressobj(_GZIP)
            try:
                block = self._stream.decompress(chunk, _AT_ONCE)
            except zlib.error:
                raise DataError("the file is no whole gzip file: pack it again") from None
            chunk = self._stream.unconsumed_tail or self._stream.unused_data
            self._given += len(block)
            if is_bomb(self._taken, self._given):
                raise DataError(f"the file grows more than {MOST_GROWTH}-fold when it is unpacked, as no file of people does")
            yield block

    def finish(self) -> None:
        if not self._stream.eof:
            raise DataError("the file is no whole gzip file: it was cut off")


class _Cells:
    """The text of a file; of the bytes before the newest ones as many are kept as a formula's beginning may have."""

    def __init__(self) -> None:
        self._decoder: codecs.IncrementalDecoder | None = None
        self._head: bytes | None = b""
        self._before = b"\n"
        self._lines = 1
        self.filled = 0
        """Lines that hold something, of which no more than two are counted."""
        self._in_filled = False

    def look(self, block: bytes) -> None:
        if self._head is not None:
            block = self._head + block
            if len(block) < len(codecs.BOM_UTF8):
                self._head = block
                return
            self._begin(block)
            block = block.removeprefix(codecs.BOM_UTF8)
        if self._decoder:
            block = self._decoder.decode(block).encode()
        self._count(block)
        text = self._before + block
        if (place := _formula(text)) is not None:
            line = self._lines + text.count(b"\n", 1, place + 1)
            told = "a cell is a formula, which a spreadsheet would run: write it as plain text, without its first sign"
            raise DataError(f"the file's line {line}: {told}")
        kept = text[-_LONGEST_CELL:]
        self._lines += text.count(b"\n", 1, len(text) - len(kept) + 1)
        self._before = kept

    def _count(self, block: bytes) -> None:
        for line in block.splitlines(keepends=True) if self.filled < 2 else ():
            if line.strip() and not self._in_filled:
                self.filled, self._in_filled = self.filled + 1, True
            if line.endswith((b"\n", b"\r")):
                self._in_filled = False

    def _begin(self, block: bytes) -> None:
        self._head = None
        if mark := _MARKS.get(block[:2]):
            self._decoder = codecs.getincrementaldecoder(mark)(errors="replace")


def _formula(text: bytes) -> int | None:
    """Where a cell begins that is a formula. Signs that formulas cannot do without are looked for first, which is fast."""
    at = text.find(b"=", 1)
    while at > 0:
        if text[at - 1] in _BEGINS:
            return at - 1
        at = text.find(b"=", at + 1)
    for sign in (b"(", b"!"):
        at = text.find(sign)
        while at > 0:
            if sign == b"!" or text[at - 1 : at].isalnum():
                found = _RUN.search(text, max(0, at - _LONGEST_CELL), at + 1)
                if found and found.end() == at + 1:
                    return found.start()
            at = text.find(sign, at + 1)
    return None
