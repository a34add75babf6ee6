"""Encryption at rest for what platforms need in plain text: AES-256-GCM, whole files, one key of the installation."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
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

    def __init__(self, key: str) -> None:
        """Use a key as `new_key` makes it.

        Raises:
            ConfigError: it is none; the message does not repeat it.
        """
        try:
            raw = base64.urlsafe_b64decode(key.strip())
        except (ValueError, binascii.Error):
            raw = b""
        if len(raw) != _KEY_BYTES or base64.urlsafe_b64encode(raw).decode() != key.strip():
            raise ConfigError("the vault's key is none: it is 32 bytes in URL-safe base64; `guestlist vault create` makes one")
        self._cipher = AESGCM(raw)

    def lock(self, data: bytes, name: str) -> bytes:
        """Encrypt a file."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _MARK + nonce + self._cipher.encrypt(nonce, data, name.encode())

    def unlock(self, data: bytes, name: str) -> bytes:
        """Decrypt a file.

        Raises:
            ConfigError: it was locked with another key, is another file than its name says, or is damaged.
        """
        start = len(_MARK) + _NONCE_BYTES
        try:
            return self._cipher.decrypt(data[len(_MARK) : start], data[start:], name.encode())
        except (InvalidTag, ValueError):
            told = f"the vault's key does not open {name}: it was locked with another key, or is damaged"
            raise ConfigError(f"{told}. Restore the key, or run the segment with full resend on a fresh lake") from None


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
