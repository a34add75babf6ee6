"""What an answer of Google's Data Manager API means, by status and `ErrorInfo.reason`, never by its text.

Contract: https://developers.google.com/data-manager/api/devguides/concepts/understand-errors
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from guestlist.destinations._reading import each, seconds, table, word
from guestlist.model.conversation import Json, Reply, Verdict
from guestlist.model.errors import (
    AuthError,
    BatchRefused,
    ConfigError,
    GuestlistError,
    RateLimitedError,
    RejectedError,
    TransientError,
    name_told,
)

_HELP = "https://developers.google.com/data-manager/api/devguides/concepts/understand-errors"
_DAY = 24 * 3600.0
_MINUTE = 60.0
# ErrorInfo.reason -> what the reader does next; unlisted reasons are decided by the status
_ROW_REASONS = frozenset({
    "INVALID_HEX_ENCODING", "INVALID_BASE64_ENCODING", "INVALID_SHA256_FORMAT", "INVALID_POSTAL_CODE", "INVALID_REGION_CODE",
    "INVALID_AUDIENCE_MEMBER", "INVALID_MOBILE_ID_FORMAT", "FIELD_VALUE_TOO_LONG", "NO_IDENTIFIERS_PROVIDED", "INVALID_FORMAT",
})  # fmt: skip
_ACCOUNT_REASONS = frozenset({
    "NOT_ALLOWLISTED", "TERMS_AND_CONDITIONS_NOT_SIGNED", "ADVERTISER_NOT_ALLOWLISTED_FOR_UPLOADED_DATA",
    "EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED", "OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH",
    "DESTINATION_ACCOUNT_TYPE_MISMATCH", "DESTINATION_ACCOUNT_NOT_ENABLED",
})  # fmt: skip
_CONFIG_REASONS = frozenset({
    "INVALID_DESTINATION", "INVALID_USER_LIST_ID", "INVALID_USER_LIST_TYPE", "OWNERSHIP_REQUIRED_FOR_UPDATE",
})  # fmt: skip
_MEMBER = re.compile(r"audience_?members\[(\d{1,9})\]", re.IGNORECASE)


def verdict(reply: Reply) -> Verdict:
    """The error that a reply stands for, if any; a 401 asks for a fresh token first."""
    if 200 <= reply.status < 300 and not reply.malformed:
        return Verdict()
    error = table(table(reply.body).get("error"))
    reason, quota = _error_info(error)
    code = reason or word(error.get("status")) or None
    facts: dict[str, Any] = {"code": code, "request_id": reply.request_id or _request_id(error), "help_url": _HELP}
    return Verdict(error=_error(reply, reason, quota, error, facts), refresh=reply.status == 401)


def _error(reply: Reply, reason: str, quota: str, error: Mapping[str, Json], facts: dict[str, Any]) -> GuestlistError:
    status = reply.status
    if 300 <= status < 400:
        return ConfigError("Google's address leads elsewhere: look at `endpoint` in the connection", **facts)
    if status == 429:
        wait = _DAY if "PerDay" in quota else _wait(reply, error)
        return RateLimitedError(f"Google's quota {quota or 'for requests'} is used up", retry_after=wait, **facts)
    if status == 401:
        return AuthError("Google does not accept the credential: consent again with the datamanager scope", **facts)
    if status == 403 or reason in _ACCOUNT_REASONS:
        return AuthError("the account may not do this, or the list is not there: check access, terms and the list", **facts)
    if status < 400 or (reply.malformed and status < 500):
        return TransientError(f"Google answered {status} with something that is not JSON", **facts)
    if status >= 500 or error.get("status") in ("ABORTED", "UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL"):
        return TransientError(f"Google failed with {status}", **facts)
    return _refusal(reason, _violations(error), facts)


def _refusal(reason: str, rows: dict[int, str], facts: dict[str, Any]) -> GuestlistError:
    if rows or reason in _ROW_REASONS or reason.startswith("TOO_MANY_"):
        return BatchRefused("Google refuses the whole request for some of its rows", **facts, rows=rows)
    if reason in _CONFIG_REASONS:
        return ConfigError("the list is not there, or does not fit what this segment uploads", **facts)
    return RejectedError("Google refuses the request", **facts)


def _violations(error: Mapping[str, Json]) -> dict[int, str]:
    """Position in the request -> reason, for the violations that name an audience member."""
    found: dict[int, str] = {}
    for detail in each(error.get("details")):
        for violation in each(detail.get("fieldViolations")):
            if positions := _MEMBER.findall(str(violation.get("field", ""))):
                found[int(positions[-1])] = str(violation.get("reason") or "INVALID_AUDIENCE_MEMBER")
    return found


def _error_info(error: Mapping[str, Json]) -> tuple[str, str]:
    for detail in each(error.get("details")):
        if "reason" in detail:
            return word(detail["reason"]), name_told(word(table(detail.get("metadata")).get("quota_limit"))) or ""
    return "", ""


def _request_id(error: Mapping[str, Json]) -> str | None:
    return next((word(detail["requestId"]) for detail in each(error.get("details")) if "requestId" in detail), None)


def _wait(reply: Reply, error: Mapping[str, Json]) -> float:
    """What the header asks for, else `RetryInfo`, else until the next minute's quota."""
    asked = [reply.headers.get("retry-after", "")]
    asked += [word(detail["retryDelay"]).removesuffix("s") for detail in each(error.get("details")) if "retryDelay" in detail]
    return next((wait for wait in map(seconds, asked) if wait), _MINUTE)
