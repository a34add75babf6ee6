"""Plain REST platforms over httpx."""

from __future__ import annotations

import logging
from typing import Any

import httpx

from guestlist.model.conversation import Call, Reply
from guestlist.model.errors import OutcomeUnknown, TransientError


class HttpCarrier:
    """Sends ``body`` as JSON to ``path`` below the connection's endpoint."""

    def __init__(self, settings: Any) -> None:
        """Remember endpoint and time-out. httpx's own log is turned off: it shows whole addresses at INFO."""
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._client = httpx.Client(base_url=settings.endpoint or "", timeout=settings.timeout_seconds)

    def send(self, call: Call) -> Reply:
        """One request; an answer of any status is a reply."""
        try:
            answer = self._request(call)
        except TransientError as error:
            error.__context__ = None  # what httpx raised holds the whole request
            raise
        try:
            body, malformed = answer.json(), False
        except ValueError:
            body, malformed = None, bool(answer.content)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status_code, body, headers, headers.get("x-request-id"), malformed)

    def _request(self, call: Call) -> httpx.Response:
        try:
            return self._client.request(
                call.method, call.path, json=call.body, params=dict(call.query), headers=dict(call.headers)
            )
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise TransientError("the platform cannot be reached") from None
        except httpx.HTTPError as error:
            raise OutcomeUnknown(f"the request broke off: {type(error).__name__}") from None

    def refresh(self) -> None:
        """Nothing to refresh."""

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


CARRIER = HttpCarrier
