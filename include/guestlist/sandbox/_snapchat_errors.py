"""Snapchat's envelope: successes, failures of a request, and failures of one of its elements, which come with status 200."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from guestlist.sandbox.core import Answer, Json, Refused

# status: (error_code where one is documented, message)
_FAILURES: dict[int, tuple[str | None, str]] = {
    400: ("E1001", "The request is malformed"),
    401: (None, "The access token is missing, unknown or has expired"),
    403: ("E3002", "The user lacks the permission for this"),
    404: (None, "The resource is not there"),
    408: (None, "The request took too long"),
    413: (None, "The request is too large"),
    429: (None, "Too many requests"),
    500: (None, "Something went wrong"),
    502: (None, "Bad gateway"),
    503: (None, "The service is not available"),
}
IMMUTABLE = "E2023"


def failed(status: int, message: str = "", code: str | None = None) -> Refused:
    """The refusal of a whole request."""
    documented, text = _FAILURES[status]
    body = {
        "request_status": "ERROR",
        "request_id": secrets.token_hex(12),
        "debug_message": message or text,
        "display_message": "We're sorry, but the requested action cannot be done",
    }
    shown = code or documented
    return Refused(Answer(status, {**body, **({"error_code": shown} if shown else {})}))


def element_failed(entities: str, entity: str, reason: str) -> Refused:
    """The refusal of one element of a request, in a body that otherwise is a success."""
    return Refused(Answer(200, envelope(entities, entity, [{}], reason=reason)))


def envelope(
    entities: str, entity: str, found: Sequence[Mapping[str, Json]], *, word: str = "SUCCESS", reason: str | None = None
) -> dict[str, Json]:
    """An answer; ``word`` is success as Snapchat writes it there, in capitals or not. ``reason``: the elements failed."""
    element = {"sub_request_status": "ERROR", "sub_request_error_reason": reason} if reason else {"sub_request_status": word}
    return {
        "request_status": word,
        "request_id": secrets.token_hex(12),
        entities: [{**element, entity: dict(one)} for one in found],
    }


def named(code: str) -> Answer:
    """The answer for a status, for ``E3002``, or for ``users``: status 200 with a failing element."""
    if code == "users":
        return element_failed("users", "user", "The users could not be taken").answer
    status = 403 if code == "E3002" else int(code)
    if status not in _FAILURES:
        raise ValueError(f"snapchat_ads has no error {code}; it has: E3002, users, {', '.join(map(str, _FAILURES))}")
    return failed(status).answer
