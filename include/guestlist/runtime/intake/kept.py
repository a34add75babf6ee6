"""The files of uploads: encrypted in the lake from their first byte, read as any source's files are, and removed in the end.

_uploads/<id>/<n>.<ending>     one piece; raw personal data, so that it is never in the clear on a disk
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import secrets
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from guestlist.model.errors import DataError
from guestlist.runtime.intake.hostile import Watch
from guestlist.runtime.intake.stream import LockedReader, LockedWriter
from guestlist.runtime.lake import Lake
from guestlist.runtime.storage import on_storage, written_at
from guestlist.runtime.vault import Vault
from guestlist.sources.formats.location import DataFile

if TYPE_CHECKING:  # what reads rows has no use for SQLAlchemy
    from guestlist.runtime.ledger.intake import Piece

UPLOADS = "_uploads"
_ENDING = re.compile(r"\.((csv|tsv|txt|tab|ndjson|jsonl|json)(\.gz)?|parquet|pq|xlsx)$", re.IGNORECASE)
"""What can be looked at before it counts; other kinds of workbooks hide their formulas better."""
_TOLD_BY_LINES = (".csv", ".tsv", ".txt", ".tab", ".ndjson", ".jsonl", ".json")
"""Formats whose lines tell how many rows there are; in others the same byte means anything."""
_READ_AT_ONCE = 1 << 20
_IN_A_STORE = {"block_size": 8 << 20}
"""What waits in memory for the store's next request; 10,000 of these are the most that S3 takes."""
_NEW_FOLDERS = 3
"""The upload's own, `UPLOADS`, and the lake: each of them may be new."""


def ending_of(filename: str) -> str:
    """What tells a file's format; the rest of its name may be anything, also somebody's, and is not kept.

    Raises:
        DataError: it tells no format that is read here.
    """
    if (match := _ENDING.search(filename)) is None:
        raise DataError("the file's name tells no format: it ends in .csv, .tsv, .parquet, .ndjson or .xlsx, also with .gz")
    return match[0].lower()


def new_upload_id() -> str:
    """A name for an upload that nobody can guess."""
    return f"up_{secrets.token_hex(12)}"


class TooLarge(DataError):
    """It is larger than its intake takes."""


class Keeper:
    """The uploads of a lake."""

    def __init__(self, lake: Lake, vault: Vault) -> None:
        """Keep them encrypted with a vault's key."""
        self._lake, self._vault = lake, vault

    def keep(self, upload_id: str, sequence: int, ending: str, chunks: Iterable[bytes], most: int) -> Piece:
        """Write one piece as it comes; when this returns it is on the disk, or in the store.

        Raises: as `Arriving`.
        """
        arriving = self.begin(upload_id, sequence, ending, most)
        try:
            for chunk in chunks:
                arriving.write(chunk)
            return arriving.finish()
        finally:
            arriving.close()

    def begin(self, upload_id: str, sequence: int, ending: str, most: int) -> Arriving:
        """A piece of at most ``most`` bytes that is about to come; whoever begins it closes it."""
        path = f"{UPLOADS}/{upload_id}/{sequence:05d}-{secrets.token_hex(4)}{ending}"
        return Arriving(self._lake, self._vault, sequence, path, most)

    def remove(self, path: str) -> None:
        """Remove a piece that is not to count."""
        self._lake.remove(path)

    def file(self, path: str) -> DataFile:
        """A piece, to be read as any source's file."""
        return DataFile("the upload", path, _Unlocked(self._lake, self._vault))

    @on_storage
    def relock(self, path: str) -> bool:
        """Lock a piece with the vault's first key; False if it was so, or has gone meanwhile."""
        target = self._lake.root / path
        if not target.exists():
            return False
        with _Unlocked(self._lake, self._vault).open(path) as file:
            if file.raw.opened_by_first:
                return False
            unfinished = target if self._lake.root.protocol else target.with_name(f".{target.name}.tmp")
            with unfinished.open("wb") as again:
                writer = LockedWriter(cast("BinaryIO", again), self._vault, path)
                while block := file.read(_READ_AT_ONCE):
                    writer.write(block)
                writer.finish()
        if not self._lake.root.protocol:
            unfinished.replace(target)
        return True

    @on_storage
    def remove_unlinked(self, linked: Collection[str], until: datetime) -> None:
        """Remove pieces that no upload names and that were written before a moment."""
        for name, facts in self._lake.root.fs.find(str(self._lake.root / UPLOADS), detail=True).items():
            path = f"{UPLOADS}/{name.rpartition(f'/{UPLOADS}/')[2]}"
            if path not in linked and written_at(facts) < until:
                self._lake.remove(path)


class Arriving:
    """A piece on its way into the lake: encrypted from its first byte, and gone again unless it was finished.

    Its methods raise:
        DataError: it is empty, or made to do harm. TooLarge: it is.
        TransientError: the disk is full, or the store is down.
    """

    @on_storage
    def __init__(self, lake: Lake, vault: Vault, sequence: int, path: str, most: int) -> None:
        """Make the file."""
        self._lake, self._sequence, self._path, self._most = lake, sequence, path, most
        self._target = lake.root / path
        self._local = not lake.root.protocol
        self._bytes = self._lines = 0
        self._digest, self._watch = hashlib.sha256(), Watch(ending_of(path))
        self._whole, self._in_line = False, False
        self._counts = path.endswith(_TOLD_BY_LINES)
        if self._local:
            os.umask(0o077)
            self._target.parent.mkdir(parents=True, exist_ok=True)
        self._file = cast("BinaryIO", self._target.open("wb", **({} if self._local else _IN_A_STORE)))
        self._writer = LockedWriter(self._file, vault, path)

    @on_storage
    def write(self, chunk: bytes) -> None:
        """Take what comes next."""
        self._bytes += len(chunk)
        if self._bytes > self._most:
            raise TooLarge(f"the file is larger than the {self._most} bytes that this intake takes (`max_bytes`)")
        self._watch.look(chunk)
        if self._counts and chunk:
            self._lines += chunk.count(b"\n")
            self._in_line = not chunk.endswith(b"\n")
        self._digest.update(chunk)
        self._writer.write(chunk)

    @on_storage
    def finish(self) -> Piece:
        """All has come; when this returns it is on the disk, or in the store."""
        from guestlist.runtime.ledger.intake import Piece

        if not self._bytes:
            raise DataError("the file is empty")
        self._watch.finish()
        self._writer.finish()
        self._file.flush()
        if self._local:
            os.fsync(self._file.fileno())
        self._file.close()
        if self._local:
            for folder in list(Path(self._target.path).parents)[:_NEW_FOLDERS]:
                _sync(folder)
        self._whole = True
        return Piece(self._sequence, self._path, self._bytes, self._lines + self._in_line, self._digest.hexdigest())

    def close(self) -> None:
        """Remove what has come of a piece that was not finished."""
        if self._whole:
            return
        with suppress(OSError):  # a full disk refuses what is still in the buffer
            self._file.close()
        self._lake.remove(self._path)


def _sync(folder: Path) -> None:
    """A new name is on the disk only once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True)
class _Unlocked:
    """As much of a file system as the readers of files ask for."""

    lake: Lake
    vault: Vault

    def open(self, path: str, _mode: str = "rb") -> Any:
        """The plain bytes of a file of the lake."""
        target = self.lake.root / path
        size = target.stat().st_size
        return io.BufferedReader(LockedReader(cast("BinaryIO", target.open("rb")), size, self.vault, path), _READ_AT_ONCE)

    def info(self, path: str) -> dict[str, Any]:
        """Its size in plain bytes."""
        with self.open(path) as file:
            return {"name": path, "type": "file", "size": file.raw.size}
