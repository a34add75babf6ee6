"""Klaviyo's errors: the JSON:API envelope, codes and HTTP statuses.

https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from guestlist.sandbox.core import Answer, Json, Refused

# code: (HTTP status, title)
_ERRORS: Mapping[str, tuple[int, str]] = {
    "invalid": (400, "Invalid input."),
    "not_authenticated": (401, "Authentication credentials were not provided."),
    "authentication_failed": (401, "Incorrect authentication credentials."),
    "permission_denied": (403, "You do not have permission to perform this action."),
    "not_found": (404, "Not found."),
    "method_not_allowed": (405, "Method not allowed."),
    "not_acceptable": (406, "The Accept header cannot be satisfied."),
    "duplicate_profile": (409, "Conflict."),
    "revision_retired": (410, "The revision is no longer available."),
    "payload_too_large": (413, "The payload is too large."),
    "unsupported_media_type": (415, "Unsupported media type."),
    "throttled": (429, "Request was throttled."),
    "error": (500, "A server error occurred."),
    "service_unavailable": (503, "Service temporarily unavailable."),
}


def error(code: str, detail: str = "", *, pointer: str = "/data", parameter: str = "", **meta: Json) -> dict[str, Json]:
    """One error of the list; ``parameter`` names a part of the query in place of the body."""
    status, title = _ERRORS[code]
    source = {"parameter": parameter} if parameter else {"pointer": pointer}
    return {
        "id": str(uuid.uuid4()),
        "status": status,
        "code": code,
        "title": title,
        "detail": detail or title,
        "source": source,
        "links": {},
        "meta": meta,
    }


def answer(errors: Sequence[dict[str, Json]], **headers: str) -> Answer:
    """The answer that holds these errors, with the status of the first."""
    return Answer(errors[0]["status"], {"errors": list(errors)}, dict(headers))


def refused(code: str, detail: str = "", *, pointer: str = "/data", parameter: str = "", **meta: Json) -> Refused:
    """The refusal for a documented code."""
    return Refused(answer([error(code, detail, pointer=pointer, parameter=parameter, **meta)]))


def throttled(seconds: float) -> Refused:
    """Too many requests; 429 says when to come again, in whole seconds."""
    return Refused(answer([error("throttled")], **{"retry-after": str(max(1, round(seconds + 0.5)))}))


def named(code: str) -> Answer:
    """The answer for a code as text; `ValueError` if it is not documented."""
    if code not in _ERRORS:
        raise ValueError(f"klaviyo has no error {code}; it has: {', '.join(_ERRORS)}")
    if code == "throttled":
        return throttled(6).answer
    if code == "duplicate_profile":
        return refused(code, duplicate_profile_id="01SANDBOX00000000000000000").answer
    return refused(code).answer
