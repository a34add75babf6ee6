"""Addresses that take one file: what a token in one says was locked by the vault, so that nobody else can have made it."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import NamedTuple

from guestlist.model.errors import AuthError, ConfigError
from guestlist.runtime import clock
from guestlist.runtime.vault import Vault

_NAME = "the address of an upload"


class Announced(NamedTuple):
    """An upload whose file may come, or the piece of it that does. ``intake`` names the intake where the upload does not."""

    upload_id: str
    ending: str
    sequence: int = 1
    intake: str = ""


def sign(vault: Vault, announced: Announced, expires_at: datetime) -> str:
    """A token for it, of letters that an address may have."""
    said = json.dumps([*announced, expires_at.timestamp()]).encode()
    return base64.urlsafe_b64encode(vault.lock(said, _NAME)).decode().rstrip("=")


def signed(vault: Vault, token: str) -> Announced:
    """What a token is for.

    Raises:
        AuthError: it is none of ours, or its time is over.
    """
    try:
        said = vault.unlock(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), _NAME)
    except (ConfigError, ValueError, binascii.Error):
        raise AuthError("this address was not given out here: ask for another one") from None
    *told, until = json.loads(said)
    if until < clock.now().timestamp():
        raise AuthError("the time of this address is over: ask for another one")
    return Announced(*told)
