"""Whop's errors: one form, a type for each status."""

from __future__ import annotations

from guestlist.sandbox.core import Answer, Json, Refused

_TYPES = {
    400: "bad_request",
    401: "unauthorized",
    402: "payment_required",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    422: "unprocessable_entity",
    429: "too_many_requests",
    500: "internal_server_error",
    503: "service_unavailable",
}


def refused(status: int, message: str, code: str | None = None) -> Refused:
    """A refusal; ``code`` tells one reason of a type from another, where Whop has one."""
    error: dict[str, Json] = {"type": _TYPES[status], "message": message}
    return Refused(Answer(status, {"error": error | ({"code": code} if code else {})}))


def named(code: str) -> Answer:
    """The answer of the fault ``{"error": "409"}``; `ValueError` if Whop has no such status."""
    if not code.isdigit() or int(code) not in _TYPES:
        raise ValueError(f"whop has no error {code}; it has: {', '.join(map(str, _TYPES))}")
    return refused(int(code), f"The fault script asked for {code}").answer
