"""Access tokens: given out by `oauth`, checked by the platforms that take them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guestlist.sandbox._store import Clock, Json, Records


class Tokens:
    """The access tokens that are in the world. They expire by the real clock: their holders know no other."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def issue(self, scopes: list[str], seconds: float) -> str:
        """A new token for these scopes."""
        token = f"sandbox-access-{secrets.token_hex(12)}"
        self._records.put("token", token, {"scopes": scopes, "expires": self._clock.real() + seconds, "revoked": False})
        return token

    def state(self, token: str | None) -> str:
        """``missing``, ``unknown``, ``expired``, ``revoked`` or ``good``."""
        if not token:
            return "missing"
        found = self._records.get("token", token)
        if found is None:
            return "unknown"
        if found["revoked"]:
            return "revoked"
        return "expired" if found["expires"] <= self._clock.real() else "good"

    def scopes(self, token: str) -> list[str]:
        """What the token may be used for."""
        found = self._records.get("token", token)
        return list(found["scopes"]) if found else []

    def expire(self, token: str | None) -> None:
        """Make a token expired, if there is such a token."""
        if token and (found := self._records.get("token", token)):
            self._records.put("token", token, {**found, "expires": 0.0})

    def export(self) -> list[tuple[str, Json]]:
        """All tokens, as `restore` takes them."""
        return self._records.all("token")

    def restore(self, tokens: list[tuple[str, Json]]) -> None:
        """Put tokens back."""
        for token, data in tokens:
            self._records.put("token", token, data)
