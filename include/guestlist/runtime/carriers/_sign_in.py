"""Answers to a sign-in: what says something of the credential, and what is only trouble on the way."""

from __future__ import annotations

from collections.abc import Mapping

from guestlist.destinations._reading import seconds
from guestlist.model.errors import TransientError

_ANSWERS = (200, 201, 400, 401, 403)


def trouble(status: int, headers: Mapping[str, str], *, malformed: bool) -> TransientError | None:
    """The error where an answer says nothing of the credential: it passes, after the wait that ``headers`` ask for."""
    if status in _ANSWERS and not malformed:
        return None
    wait = seconds(headers.get("retry-after", ""))
    return TransientError("the platform gives no access token at the moment", code=f"HTTP {status}", retry_after=wait)
