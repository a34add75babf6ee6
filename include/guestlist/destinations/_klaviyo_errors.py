"""What an answer of Klaviyo means, by status, code and pointer, never by its text; and how much to slow down, by its headers.

Contract: https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from guestlist.destinations._reading import each, seconds, table, word
from guestlist.model.conversation import Call, Json, Reply, Verdict
from guestlist.model.errors import (
    AuthError,
    BatchRefused,
    ConfigError,
    GuestlistError,
    ProtocolError,
    RateLimitedError,
    RejectedError,
    TransientError,
)

HELP = "https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling"
IMPORTS = "/api/profile-bulk-import-jobs"
TOO_LARGE = "payload_too_large"
_CODE = re.compile(r"[a-z_]{1,40}")
_REQUEST = re.compile(r"[0-9a-fA-F-]{36}")
_PROFILE = re.compile(r"/data/attributes/profiles/data/(\d{1,5})(?:/.*)?")
_BETWEEN_LOOKS = 3.0
"""Seconds between two questions whether imports are still under way."""
_LONGEST_PAUSE = 60.0
"""The steady window is a minute; a header that says more than that is not about it."""


class NotThere(RejectedError):
    """What was asked for, or a part of it, does not exist, or not any more."""


def verdict(call: Call, reply: Reply) -> Verdict:
    """The error that a reply stands for, if any, and the seconds to hold back before the next call."""
    if 200 <= reply.status < 300 and not reply.malformed:
        waiting = call.method == "GET" and call.path == IMPORTS and any(each(table(reply.body).get("data")))
        return Verdict(pause=max(_pause(reply.headers), _BETWEEN_LOOKS if waiting else 0.0))
    return Verdict(error=_error(call, reply))


def reason(error: Mapping[str, Json]) -> str:
    """Klaviyo's own code for an error of a row; never its text, which may hold the row."""
    code = word(error.get("code"))
    return code if _CODE.fullmatch(code) else "refused"


def _error(call: Call, reply: Reply) -> GuestlistError:
    errors = list(each(table(reply.body).get("errors")))
    first = errors[0] if errors else {}
    code, said = reason(first), word(first.get("id"))
    facts: dict[str, Any] = {
        "code": f"HTTP {reply.status}" if code == "refused" else code,
        "request_id": said if _REQUEST.fullmatch(said) else reply.request_id,
        "help_url": HELP,
    }
    if reply.status in (401, 403):
        lacks = "is not accepted" if reply.status == 401 else "lacks one of the scopes lists and profiles, read and write"
        return AuthError(f"the private API key {lacks}", **facts)
    if reply.status == 429:
        return RateLimitedError("Klaviyo's rate limit is reached", retry_after=_retry_after(reply.headers), **facts)
    if reply.status < 300 or reply.status >= 500:
        return TransientError(f"Klaviyo answered {reply.status} without an answer that can be used", **facts)
    if reply.status < 400:
        return ProtocolError("Klaviyo sent the request elsewhere, which its API never does: look at `endpoint`", **facts)
    return _permanent(call, reply.status, errors, facts)


def _permanent(call: Call, status: int, errors: list[dict[str, Json]], facts: dict[str, Any]) -> GuestlistError:
    if status == 404:
        return NotThere("Klaviyo does not know a list, a job or a profile of the request (any more)", **facts)
    if status == 410:
        return ConfigError("Klaviyo has retired this revision of its API: set `revision` in the connection", **facts)
    if status == 413 and call.rows:
        return BatchRefused("the request is too large for Klaviyo", **facts | {"code": TOO_LARGE})
    if status == 400 and call.rows:
        return BatchRefused("Klaviyo refuses the whole request for some of its rows", rows=_rows(errors), **facts)
    return RejectedError("Klaviyo refuses the request", **facts)


def _rows(errors: list[dict[str, Json]]) -> dict[int, str]:
    """The places of the profiles that errors point at."""
    pointed = ((_PROFILE.fullmatch(word(table(error.get("source")).get("pointer"))), error) for error in errors)
    return {int(found[1]): reason(error) for found, error in pointed if found}


def _retry_after(headers: Mapping[str, str]) -> float | None:
    return seconds(headers.get("retry-after", ""))


def _pause(headers: Mapping[str, str]) -> float:
    """Nothing as long as the minute has calls left; then until it is over."""
    left, reset = seconds(headers.get("ratelimit-remaining", "")), seconds(headers.get("ratelimit-reset", ""))
    return min(reset or 0.0, _LONGEST_PAUSE) if left is not None and left < 1 else 0.0
