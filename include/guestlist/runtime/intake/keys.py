"""Keys for pushing: shown once, kept as digests, for some intakes and for some time."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from guestlist.model.errors import ConfigError
from guestlist.runtime import clock
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.ledger.rows import aware

PREFIX = "glk_"
"""By which people and programs that look for leaked secrets know a key."""
_BYTES = 32
_LONGEST_NAME = 100


def create_key(ledger: Ledger, name: str, intakes: Sequence[str], expires_at: datetime) -> tuple[str, str]:
    """Make a key; returns its id and the secret, which nobody can be told again.

    Raises:
        ConfigError: it has no name, or a very long one.
    """
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise ConfigError(f"a key's name tells who pushes with it, in up to {_LONGEST_NAME} characters")
    key_id, secret = f"key_{secrets.token_hex(6)}", PREFIX + secrets.token_urlsafe(_BYTES)
    values = {"id": key_id, "digest": _digest(secret), "name": name, "segments": list(intakes), "expires_at": expires_at}
    ledger.enter_key(values)
    return key_id, secret


def key_of(ledger: Ledger, secret: str) -> Row[Any] | None:
    """The key that this is the secret of, if it still holds."""
    found = ledger.intake_key(_digest(secret))
    return found if found is not None and is_valid(found) else None


def is_valid(key: Row[Any]) -> bool:
    """Whether somebody may push with it now."""
    return key.revoked_at is None and (key.expires_at is None or aware(key.expires_at) > clock.now())


def _digest(secret: str) -> str:
    """A secret of 256 random bits needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
