"""What an answer of Snapchat means: by HTTP status, request status and sub-request statuses, never by its text.

Contract: https://developers.snap.com/api/marketing-api/Ads-API/introduction
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
    RateLimitedError,
    RejectedError,
    TransientError,
)

HELP = "https://developers.snap.com/api/marketing-api/Ads-API/introduction"
_CODE = re.compile(r"E\d{1,6}")
_LACKS_PERMISSION = "E3002"
_REQUEST_TIMEOUT = 408


def verdict(call: Call, reply: Reply) -> Verdict:
    """The error that a reply stands for, if any; a 401 asks for a fresh access token first."""
    body = table(reply.body)
    code = word(body.get("error_code"))
    facts: dict[str, Any] = {
        "code": code if _CODE.fullmatch(code) else f"HTTP {reply.status}",
        "request_id": reply.request_id or word(body.get("request_id")) or None,
        "help_url": HELP,
    }
    if reply.status == 403 or code == _LACKS_PERMISSION:
        lacking = "the user of the refresh token lacks a role on the ad account: make it data manager or admin"
        return Verdict(error=AuthError(lacking, **facts))
    if 200 <= reply.status < 300:
        return Verdict(error=_in_success(call, reply, body, facts))
    if reply.status == 401:
        error = AuthError("Snapchat does not accept the access token: sign in anew for a refresh token", **facts)
        return Verdict(error=error, refresh=True)
    return Verdict(error=_failure(call, reply, facts))


def _failure(call: Call, reply: Reply, facts: dict[str, Any]) -> GuestlistError:
    if reply.status == 429:
        wait = seconds(reply.headers.get("retry-after", ""))
        return RateLimitedError("Snapchat's rate limit is reached", retry_after=wait, **facts)
    if reply.status >= 500 or reply.status == _REQUEST_TIMEOUT:
        return TransientError("Snapchat failed", **facts)
    if reply.status < 400:
        return TransientError(f"Snapchat answered {reply.status}, which is no answer of its API", **facts)
    if reply.status == 404:
        return ConfigError("the segment or ad account is not there, or the token's user does not see it", **facts)
    return _refusal(call, facts)


def _in_success(call: Call, reply: Reply, body: Mapping[str, Json], facts: dict[str, Any]) -> GuestlistError | None:
    """A 2xx is a success only if the request and every element of it is one."""
    stated = body.get("request_status")
    if reply.malformed or not isinstance(stated, str):
        return TransientError("Snapchat answered with something that is not its envelope", **facts)
    parts = [element["sub_request_status"] for value in body.values() for element in each(value) if _is_part(element)]
    return None if all(map(succeeded, (stated, *parts))) else _refusal(call, facts)


def _is_part(element: dict[str, Json]) -> bool:
    return "sub_request_status" in element


def succeeded(status: Json) -> bool:
    """Whether a status says success, which Snapchat writes in capitals or not."""
    return isinstance(status, str) and status.upper() == "SUCCESS"


def _refusal(call: Call, facts: dict[str, Any]) -> RejectedError:
    if call.rows:
        return BatchRefused("Snapchat refuses the whole request, naming no row", **facts)
    return RejectedError("Snapchat refuses the request", **facts)
