"""Encrypted files that are too large for the memory: written piece by piece, and read at any place.

AES-256-GCM over chunks of 1 MiB, each with its number and whether it is the last in its nonce, and the file's name in its seal:
chunks that were swapped, left out or cut off do not open (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizar).
"""

from __future__ import annotations

import io
import secrets
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from guestlist.model.errors import ConfigError, DataError
from guestlist.runtime.vault import Vault

_MARK = b"GLVAULT2"
_PREFIX_BYTES, _TAG_BYTES = 7, 16
_HEAD = len(_MARK) + _PREFIX_BYTES
CHUNK = 1 << 20


class LockedWriter:
    """Writes an encrypted file. It is whole only once it was closed without an error."""

    def __init__(self, file: BinaryIO, vault: Vault, name: str) -> None:
        """Begin; ``name`` is what it is to be opened with."""
        self._file, self._cipher, self._name = file, vault.ciphers[0], name.encode()
        self._prefix = secrets.token_bytes(_PREFIX_BYTES)
        self._waiting = bytearray()
        self._number = 0
        file.write(_MARK + self._prefix)

    def write(self, data: bytes) -> None:
        """Encrypt some more. What fills the last chunk waits, since only the end tells which one that is."""
        self._waiting += data
        while len(self._waiting) > CHUNK:
            self._put(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]

    def finish(self) -> None:
        """Write the last chunk."""
        self._put(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _put(self, chunk: bytes, *, last: bool) -> None:
        nonce = _nonce(self._prefix, self._number, last=last)
        self._file.write(self._cipher.encrypt(nonce, chunk, self._name))
        self._number += 1


class LockedReader(io.RawIOBase):
    """The plain bytes of an encrypted file, from any place; no more than a chunk of them is in memory."""

    def __init__(self, file: BinaryIO, size: int, vault: Vault, name: str) -> None:
        """Read a file of ``size`` bytes.

        Raises (here, and whenever it is read):
            ConfigError: no key of the vault opens it. DataError: it was cut off.
        """
        self._file, self._name, self._shown = file, name.encode(), name
        head = file.read(_HEAD)
        body = size - _HEAD
        if head[: len(_MARK)] != _MARK or body < _TAG_BYTES:
            raise DataError(f"the upload {name} is not whole: push it again")
        self._prefix = head[len(_MARK) :]
        self._chunks = max(1, -(-body // (CHUNK + _TAG_BYTES)))
        self.size = body - self._chunks * _TAG_BYTES
        self._at, self._opened, self._chunk = 0, -1, b""
        self._cipher = next((cipher for cipher in vault.ciphers if self._open(cipher, 0)), None)
        if self._cipher is None:
            raise ConfigError(f"the vault's key does not open the upload {name}: restore the key, or push it again")
        self.opened_by_first = self._cipher is vault.ciphers[0]
        """Of the vault's keys."""
        if not self._open(self._cipher, self._chunks - 1):  # the end is looked at first: without it all may be cut off
            raise DataError(f"the upload {name} is not whole: push it again")

    def _open(self, cipher: AESGCM, number: int) -> bool:
        self._file.seek(_HEAD + number * (CHUNK + _TAG_BYTES))
        nonce = _nonce(self._prefix, number, last=number == self._chunks - 1)
        try:
            self._chunk = cipher.decrypt(nonce, self._file.read(CHUNK + _TAG_BYTES), self._name)
        except (InvalidTag, ValueError):
            return False
        self._opened = number
        return True

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next byte comes from."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as one chunk goes."""
        if self._at >= self.size or self._cipher is None:
            return 0
        number, start = divmod(self._at, CHUNK)
        if number != self._opened and not self._open(self._cipher, number):
            raise DataError(f"the upload {self._shown} is damaged: push it again")
        view = memoryview(buffer)
        piece = self._chunk[start : start + len(view)]
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def close(self) -> None:
        """Close the file beneath as well."""
        self._file.close()
        super().close()


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([last])
