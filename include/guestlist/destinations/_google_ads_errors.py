"""What an answer of the Google Ads API means, by error code, never by its text.

The carrier gives every failure as JSON: {"error": {"status": gRPC status, "errors": [GoogleAdsError as JSON]}}.
Contract: https://developers.google.com/google-ads/api/docs/remarketing/audience-segments/customer-match/troubleshoot
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from guestlist.destinations._google import HELP
from guestlist.destinations._reading import each, seconds, table, whole, word
from guestlist.model.conversation import Json, Reply, Verdict
from guestlist.model.errors import (
    AuthError,
    BatchRefused,
    ConfigError,
    GuestlistError,
    RateLimitedError,
    RejectedError,
    TransientError,
)

_DAY = 24 * 3600.0
_SHORT_WAIT = 30.0
_NOT_ALLOWED_ANY_MORE = "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE"
_TRANSIENT = frozenset({
    "TRANSIENT_ERROR", "INTERNAL_ERROR", "DEADLINE_EXCEEDED", "DATA_CONSTRAINT_VIOLATION",
})  # fmt: skip
_SPLIT = frozenset({"TOO_MANY_USER_IDENTIFIERS", "REQUEST_TOO_LARGE", "TOO_MANY"})
_EXPIRED = frozenset({"OAUTH_TOKEN_EXPIRED", "OAUTH_TOKEN_INVALID"})
_ACCOUNT_KINDS = frozenset({"authenticationError", "authorizationError", "headerError", "notAllowlistedError"})
_ACCOUNT = frozenset({
    "ADVERTISER_NOT_ON_ALLOWLIST_FOR_USING_UPLOADED_DATA", "CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS", "CUSTOMER_NOT_ENABLED",
})  # fmt: skip
_CONFIG = frozenset({
    "INVALID_USER_LIST_ID", "INVALID_USER_LIST_TYPE", "INCOMPATIBLE_UPLOAD_KEY_TYPE", "NOT_ON_ALLOWLIST_FOR_USER_ID",
    "NAME_ALREADY_USED", "UNSUPPORTED_VERSION",
})  # fmt: skip
_ROW = frozenset({
    "INVALID_SHA256_FORMAT", "MISSING_USER_IDENTIFIER", "INVALID_MOBILE_ID_FORMAT", "INVALID_ENCODING", "INVALID_COUNTRY_CODE",
})  # fmt: skip


def verdict(reply: Reply) -> Verdict:
    """The error that a reply stands for, if any; an expired token asks for a fresh one first."""
    if 200 <= reply.status < 300 and not reply.malformed:
        return Verdict()
    error = table(table(reply.body).get("error"))
    kind, code = next(_codes(error), ("", ""))
    facts: dict[str, Any] = {
        "code": code or word(error.get("status")) or None,
        "request_id": reply.request_id,
        "help_url": HELP,
    }
    expired = code in _EXPIRED or (reply.status == 401 and not code)
    return Verdict(error=_error(reply.status, kind, code, error, facts), refresh=expired)


def _error(status: int, kind: str, code: str, error: Mapping[str, Json], facts: dict[str, Any]) -> GuestlistError:
    if kind == "quotaError" or status == 429:
        short = code == "RESOURCE_TEMPORARILY_EXHAUSTED" or _retry_delay(error) is not None
        wait = (_retry_delay(error) or _SHORT_WAIT) if short else _DAY
        return RateLimitedError("the Google Ads API's quota is used up", retry_after=wait, **facts)
    if code == _NOT_ALLOWED_ANY_MORE:
        message = "this account may not upload through the Google Ads API: set `api: data_manager` in the segment"
        return ConfigError(message, **facts)
    if kind in _ACCOUNT_KINDS or code in _ACCOUNT or status in (401, 403):
        return AuthError("the account or credential may not do this: check access, login_customer_id and terms", **facts)
    if code == "CONCURRENT_MODIFICATION":
        return TransientError("another job is at work on the list", **facts, retry_after=_SHORT_WAIT)
    if code in _TRANSIENT or status >= 500 or status < 400 or facts["code"] == "ABORTED":
        return TransientError("the Google Ads API failed", **facts)
    if code in _CONFIG:
        return ConfigError("the list does not fit what this segment uploads", **facts)
    if code in _ROW or code in _SPLIT:
        return BatchRefused("Google refuses the whole request for some of its rows", **facts, rows=_rows(error))
    return RejectedError("Google refuses the request", **facts)


def error_code(error: BaseException) -> str | None:
    """The platform's code of a rejection."""
    return error.code if isinstance(error, GuestlistError) else None


def partial_failures(body: Json) -> dict[int, str]:
    """Index of the operation -> code, from a response's partial failure."""
    failure = table(table(body).get("partialFailureError"))
    found: dict[int, str] = {}
    for detail in each(failure.get("details")):
        found |= _rows(detail)
    return found


def _rows(failure: Mapping[str, Json]) -> dict[int, str]:
    found: dict[int, str] = {}
    for error in each(failure.get("errors")):
        for element in each(table(error.get("location")).get("fieldPathElements")):
            if element.get("fieldName") == "operations":
                found[whole(element.get("index"))] = _code(error)[1] or "UNKNOWN"
    return found


def _codes(error: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    return (_code(item) for item in each(error.get("errors")))


def _code(error: Mapping[str, Json]) -> tuple[str, str]:
    """('userListError', 'NAME_ALREADY_USED')."""
    return next(((kind, word(name)) for kind, name in table(error.get("errorCode")).items()), ("", ""))


def _retry_delay(error: Mapping[str, Json]) -> float | None:
    """Seconds, from a quota error's ``retryDelay`` such as ``30s``."""
    for item in each(error.get("errors")):
        delay = word(table(table(item.get("details")).get("quotaErrorDetails")).get("retryDelay"))
        if delay.endswith("s") and (wait := seconds(delay[:-1])):
            return wait
    return None
