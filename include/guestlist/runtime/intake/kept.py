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
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, cast

from guestlist.model.errors import DataError
from guestlist.runtime.intake.stream import LockedReader, LockedWriter
from guestlist.runtime.lake import Lake
from guestlist.runtime.ledger.intake import Piece
from guestlist.runtime.storage import on_storage, written_at
from guestlist.runtime.vault import Vault
from guestlist.sources.formats.location import DataFile

UPLOADS = "_uploads"
_FORMATS = "csv|tsv|txt|tab|parquet|pq|ndjson|jsonl|json|xlsx|xlsm|xlsb|xls|ods"
_ENDING = re.compile(rf"\.({_FORMATS})(\.(gz|zst|bz2))?$", re.IGNORECASE)
_READ_AT_ONCE = 1 << 20


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


class Keeper:
    """The uploads of a lake."""

    def __init__(self, lake: Lake, vault: Vault) -> None:
        """Keep them encrypted with a vault's key."""
        self._lake, self._vault = lake, vault

    @on_storage
    def keep(self, upload_id: str, sequence: int, ending: str, chunks: Iterable[bytes], most: int) -> Piece:
        """Write one piece as it comes; when this returns it is on the disk, or in the store.

        Raises:
            DataError: it is empty, or larger than ``most`` bytes; nothing of it is kept then.
            TransientError: the disk is full, or the store is down.
        """
        path = f"{UPLOADS}/{upload_id}/{sequence:05d}-{secrets.token_hex(4)}{ending}"
        target = self._lake.root / path
        if not self._lake.root.protocol:
            os.umask(0o077)
            target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("wb") as file:
                counted = self._write(cast("BinaryIO", file), path, chunks, most)
                file.flush()
                if not self._lake.root.protocol:
                    os.fsync(file.fileno())
        except BaseException:
            self._lake.remove(path)
            raise
        return Piece(sequence, path, counted.bytes, counted.lines, counted.digest.hexdigest())

    def _write(self, file: BinaryIO, path: str, chunks: Iterable[bytes], most: int) -> _Counted:
        writer, counted = LockedWriter(file, self._vault, path), _Counted()
        for chunk in chunks:
            counted.add(chunk)
            if counted.bytes > most:
                raise DataError(f"the file is larger than the {most} bytes that this intake takes (`max_bytes`)")
            writer.write(chunk)
        if not counted.bytes:
            raise DataError("the file is empty")
        writer.finish()
        return counted

    def file(self, path: str) -> DataFile:
        """A piece, to be read as any source's file."""
        return DataFile("the upload", path, _Unlocked(self._lake, self._vault))

    @on_storage
    def remove_unlinked(self, linked: Collection[str], until: datetime) -> None:
        """Remove pieces that no upload names and that were written before a moment."""
        for name, facts in self._lake.root.fs.find(str(self._lake.root / UPLOADS), detail=True).items():
            path = f"{UPLOADS}/{name.rpartition(f'/{UPLOADS}/')[2]}"
            if path not in linked and written_at(facts) < until:
                self._lake.remove(path)


class _Counted:
    def __init__(self) -> None:
        self.bytes = self.lines = 0
        self.digest = hashlib.sha256()

    def add(self, chunk: bytes) -> None:
        self.bytes += len(chunk)
        self.lines += chunk.count(b"\n")
        self.digest.update(chunk)


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
