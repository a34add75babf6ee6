"""Warehouses that are asked over HTTPS: one request, its JSON answer, and refusals as one kind of error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError

_HERE = ("127.0.0.1", "localhost", "::1")
_SECONDS = 60.0
_TRANSIENT = (408, 425, 429)


@dataclass(eq=False)
class Refused(Exception):
    """What a warehouse answered in place of a result. ``status`` is 0 where it could not be reached."""

    status: int
    reason: str
    message: str

    def __str__(self) -> str:
        """Its own words."""
        return self.message

    @property
    def passing(self) -> bool:
        """Whether it may answer otherwise later."""
        return self.status in (0, *_TRANSIENT) or self.status >= 500


def base_of(address: str, connection: Connection) -> str:
    """``https://host``, of a host or an address; plain HTTP only on this machine, where emulators are.

    Raises:
        ConfigError: it is another machine's, without encryption.
    """
    parts = urlsplit(address if "://" in address else f"https://{address}")
    if parts.scheme != "https" and parts.hostname not in _HERE:
        raise ConfigError(f"connection {connection.id!r}: its host must be asked by https, since the answers hold people")
    return f"{parts.scheme}://{parts.netloc}"


class Door:
    """Requests with one token. Answers of refusals are read by ``reason_of``, which gives a reason and a sentence."""

    def __init__(self, base: str, token: str, reason_of: Any) -> None:
        import httpx

        self._client = httpx.Client(base_url=base, timeout=_SECONDS, headers={"Authorization": f"Bearer {token}"})
        self._reason_of = reason_of

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The answer's JSON object.

        Raises:
            Refused: the warehouse refuses, or cannot be reached.
        """
        import httpx

        try:
            response = self._client.request(method, path, **options)
        except httpx.TransportError as error:
            raise Refused(0, "", str(error) or type(error).__name__) from None
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if response.is_success and isinstance(answer, dict):
            return answer
        reason, message = self._reason_of(answer) if isinstance(answer, dict) else ("", "")
        raise Refused(response.status_code, reason, message or f"HTTP {response.status_code}")

    def fetch(self, url: str) -> bytes:
        """What lies behind a signed address, which is asked without the token."""
        import httpx

        try:
            response = httpx.get(url, timeout=_SECONDS)
        except httpx.TransportError as error:
            raise Refused(0, "", type(error).__name__) from None
        if not response.is_success:
            raise Refused(response.status_code, "", f"HTTP {response.status_code} of the store with the results")
        return response.content
