"""Text files of any encoding as UTF-8 streams: detection, transcoding, and where undecodable bytes stand."""

from __future__ import annotations

import codecs
import io
import re
from typing import Any, BinaryIO, Self

import pyarrow as pa

from guestlist.model.errors import ConfigError, DataError
from guestlist.sources.formats.location import DataFile

SAMPLE_BYTES = 1 << 18
_BLOCK = 1 << 20
_MARKS = (  # UTF-32's mark begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_LATIN = ["cp1251", "cp1253", "cp1256", "koi8_r", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr"]
_NO_CHARSETS = ("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape")
_GROWN_FREELY = 64 << 20
_MOST_GROWTH = 100
"""Real people compress to a tenth. What gzip makes of a single letter is a thousandth."""
_EVIDENCE = 8  # fewer bytes beyond ASCII speak for no other script
_LONE = re.compile(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])")
_HIGH = re.compile(rb"[\x80-\xff]")
_SYMBOL_IN_WORD = re.compile(r"(?<=\w)[\x80-\xbf](?<!\w)|[\x80-\xbf](?<!\w)(?=[^\W\d_])|[\xb2\xb3\xb9]")


class Utf8Stream(io.RawIOBase):
    """A file's text as UTF-8 without a byte order mark, its last line ended too, counting line breaks as they go by.

    Bytes of a file that is UTF-8 already pass through unchecked (Arrow checks what it reads).
    """

    def __init__(self, file: DataFile, encoding: str) -> None:
        self._file = file
        self._encoding = encoding
        self._raw = raw_bytes(file)
        self._decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)()
        self._buffer = b""
        self._last = b""
        self._ended = False
        self.line_breaks = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Close the file below."""
        if not self.closed:
            self._raw.close()
        super().close()

    def read(self, size: int | None = -1) -> bytes:
        """``size`` bytes, fewer only at the end: Arrow takes a short block for the last one.

        Raises:
            DataError: the bytes are not of the encoding, or the compressed data is broken.
        """
        wanted = _BLOCK if size is None or size < 0 else size
        while len(self._buffer) < wanted and not self._ended:
            self._buffer += self._next(wanted - len(self._buffer))
        block, self._buffer = self._buffer[:wanted], self._buffer[wanted:]
        self.line_breaks += block.count(b"\n")
        return block

    def readinto(self, buffer: Any) -> int:
        """What `io.BufferedReader` calls."""
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def _next(self, size: int) -> bytes:
        try:
            block = self._raw.read(size)
            text = block if self._decoder is None else self._decoder.decode(block, final=not block).encode()
        except UnicodeError:
            raise undecodable(self._file, self._encoding) from None
        except (OSError, EOFError) as error:
            raise _unreadable(self._file, error) from None
        self._ended = not block
        if not self._last:
            text = text.removeprefix(codecs.BOM_UTF8)
        if self._ended and (text or self._last)[-1:] not in (b"\n", b""):
            text += b"\n"
        self._last = text[-1:] or self._last
        return text


class _Unpacked:
    """Decompressed bytes; a file that is made to grow beyond all measure is refused while it grows."""

    def __init__(self, file: DataFile) -> None:
        self._file = file
        self._packed = file.open()
        self._bytes = pa.CompressedInputStream(self._packed, file.compression)
        self._given = 0

    def read(self, size: int) -> bytes:
        block: bytes = self._bytes.read(size)
        self._given += len(block)
        if self._given > _GROWN_FREELY and self._given > _MOST_GROWTH * self._packed.tell():
            raise DataError(
                f"{self._file.name} grows more than {_MOST_GROWTH}-fold when it is unpacked, as no file of people does; "
                "if it is right, unpack it first"
            )
        return block

    def close(self) -> None:
        self._bytes.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def raw_bytes(file: DataFile) -> BinaryIO | _Unpacked:
    """The file's bytes, decompressed where its ending says that it is compressed."""
    return _Unpacked(file) if file.compression else file.open()


def encoding_of(file: DataFile, declared: str | None) -> str:
    """Python's name of the file's encoding: declared, or told by its byte order mark, or guessed from its beginning.

    UTF-8 is assumed wherever the beginning is valid UTF-8.

    Raises:
        ConfigError: nobody knows the declared encoding.
    """
    if declared is not None:
        try:
            name = codecs.lookup(declared).name
            "".encode(name)  # a LookupError for what turns bytes into bytes, such as zip
        except (LookupError, ValueError):
            name = _NO_CHARSETS[0]
        if name in _NO_CHARSETS:
            raise ConfigError(f"{file.name}: no encoding is called {declared[:50]!r}; try utf-8, utf-16 or cp1252")
        return "utf-8" if name in ("utf-8-sig", "ascii") else name
    sample = sample_of(file)
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    return _without_mark(sample)


def _without_mark(sample: bytes) -> str:
    if (zeros := sample.count(0)) > len(sample) // 8:
        return "utf-16-le" if sample[1::2].count(0) > zeros // 2 else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return _legacy(sample)
    return "utf-8"


def _legacy(sample: bytes) -> str:
    """An 8-bit or East Asian encoding. Accents stand alone between ASCII letters; letters of other scripts stand together.

    Among the Latin ones only Windows-1250 is told from Windows-1252, and only where the latter would read signs such as
    superscripts inside words; other alphabets with the same bytes need a declared encoding.
    """
    from charset_normalizer import from_bytes

    lone, high = _LONE.findall(sample), _HIGH.findall(sample)
    if len(high) < _EVIDENCE or len(lone) > len(high) / 2:
        western = sample.decode("cp1252", errors="replace")
        return "cp1250" if len(_SYMBOL_IN_WORD.findall(western)) > len(high) / 10 else "cp1252"
    lines = [line for line in sample.split(b"\n") if not line.isascii()]  # only these tell anything
    best = from_bytes(b"\n".join(lines), cp_isolation=_NOT_LATIN).best()
    return best.encoding if best else "cp1252"


def sample_of(file: DataFile) -> bytes:
    """The beginning of the file, decompressed."""
    with raw_bytes(file) as raw:
        try:
            return raw.read(SAMPLE_BYTES)
        except (OSError, EOFError) as error:
            raise _unreadable(file, error) from None


def undecodable(file: DataFile, encoding: str) -> DataError:
    """Go through the file again and say where the first bytes stand that are not of its encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    before, line = 0, 1
    with raw_bytes(file) as raw:
        while block := raw.read(_BLOCK):
            waiting = len(decoder.getstate()[0])
            try:
                line += decoder.decode(block).count("\n")
            except UnicodeDecodeError as error:
                good = error.object[: error.start].decode(encoding, errors="ignore").count("\n")
                return _not_encoded(file, encoding, before - waiting + error.start, line + good)
            except UnicodeError:  # such as no byte order mark where there must be one
                break
            before += len(block)
    return _not_encoded(file, encoding, before, line)


def _not_encoded(file: DataFile, encoding: str, offset: int, line: int) -> DataError:
    return DataError(
        f"{file.name} is not {encoding.upper()}: byte {offset} (line {line}) cannot be read; "
        "declare the right `encoding`, such as cp1252, or export the file as UTF-8"
    )


def _unreadable(file: DataFile, error: Exception) -> DataError:
    what = f"broken {file.compression} data" if file.compression else f"{type(error).__name__}"
    return DataError(f"{file.name} cannot be read to its end: {what}; export it again")
