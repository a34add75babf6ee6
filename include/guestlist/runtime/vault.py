"""Encryption at rest for what platforms need in plain text: AES-256-GCM, whole files, one key of the installation.

While a key is being changed there are two, the new one first: that one locks, and each of them opens (`runtime/rotation.py`).
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from guestlist.model.errors import ConfigError

CONNECTION = "guestlist_vault"
"""The connection whose password is the key, where there is no key file."""
_MARK = b"GLVAULT1"
_KEY_BYTES, _NONCE_BYTES = 32, 12


class Vault:
    """Locks and unlocks files. ``name`` goes into the seal: a file that was moved to another name does not open."""

    def __init__(self, keys: str) -> None:
        """Use a key as `new_key` makes it, or several: the first locks, all open.

        Raises:
            ConfigError: one of them is none; the message does not repeat it.
        """
        self.ciphers = [AESGCM(_raw(key)) for key in keys_in(keys) or [""]]

    def lock(self, data: bytes, name: str) -> bytes:
        """Encrypt a file."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _MARK + nonce + self.ciphers[0].encrypt(nonce, data, name.encode())

    def unlock(self, data: bytes, name: str) -> bytes:
        """Decrypt a file.

        Raises:
            ConfigError: it was locked with another key, is another file than its name says, or is damaged.
        """
        for cipher in self.ciphers:
            if (opened := _opened(cipher, data, name)) is not None:
                return opened
        told = f"the vault's key does not open {name}: it was locked with another key, or is damaged"
        raise ConfigError(f"{told}. Restore the key, or run the segment with full resend on a fresh lake")

    def relock(self, data: bytes, name: str) -> bytes | None:
        """The file as the first key locks it; None if it is so already.

        Raises:
            ConfigError: as `unlock`.
        """
        return None if _opened(self.ciphers[0], data, name) is not None else self.lock(self.unlock(data, name), name)


def _raw(key: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(key)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != _KEY_BYTES or base64.urlsafe_b64encode(raw).decode() != key:
        raise ConfigError("the vault's key is none: it is 32 bytes in URL-safe base64; `guestlist vault create` makes one")
    return raw


def _opened(cipher: AESGCM, data: bytes, name: str) -> bytes | None:
    start = len(_MARK) + _NONCE_BYTES
    try:
        return cipher.decrypt(data[len(_MARK) : start], data[start:], name.encode())
    except (InvalidTag, ValueError):
        return None


def keys_in(text: str) -> list[str]:
    """The keys of a key file or a password, with white space or commas between them."""
    return text.replace(",", " ").split()


def new_key() -> str:
    """A key for a vault, as text."""
    return base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def create_key_file(path: Path) -> None:
    """Make a key file that only its owner can read.

    Raises:
        ConfigError: there is one already; a new key would lock out everything that the old one has locked.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(f"there is a key in {path} already; it is kept, since files may be locked with it") from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(new_key() + "\n")


def key_from_file(path: Path) -> str | None:
    """The key in a file; None where there is no file.

    Raises:
        ConfigError: others than the owner may read it.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(f"{path} can be read by others than its owner: `chmod 600 {path}`, and consider the key known")
    return path.read_text(encoding="ascii", errors="replace")


def replace_key_file(path: Path, keys: Sequence[str]) -> None:
    """Write other keys into a key file, in one atomic step; it stays its owner's only.

    Raises:
        ConfigError: it cannot be written.
    """
    target = path.resolve()
    unfinished = target.with_name(f".{target.name}.tmp")
    try:
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), 0o600)
            file.writelines(f"{key}\n" for key in keys)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}): run this where it can") from None
