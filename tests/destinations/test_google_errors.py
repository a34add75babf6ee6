"""What the errors of both of Google's doors mean, by their documented codes."""

from __future__ import annotations

from typing import Any

import pytest
from destinations.google import (
    HANDLE,
    WHOLE,
    google,
    session,
)
from destinations.talk import Script, answered

from guestlist.model.conversation import Call, Reply, Verdict
from guestlist.model.delivery import Receipt
from guestlist.model.errors import (
    AuthError,
    BatchRefused,
    ConfigError,
    GuestlistError,
    RateLimitedError,
    RejectedError,
    TransientError,
)


def dm_error(reason: str, status: int = 400, *violations: tuple[str, str], **metadata: str) -> Verdict:
    names = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 429: "RESOURCE_EXHAUSTED"}
    details: list[dict[str, Any]] = [{"@type": "x/ErrorInfo", "reason": reason, "metadata": metadata}]
    if violations:
        details.append({"fieldViolations": [{"field": field, "reason": why} for field, why in violations]})
    details.append({"requestId": "request-7"})
    body = {"error": {"code": status, "status": names.get(status, "UNKNOWN"), "message": "m", "details": details}}
    return google().judge(Call("data_manager", "x", "y"), Reply(status, body))


@pytest.mark.parametrize(
    ("reason", "status", "kind"),
    [
        ("UNAVAILABLE", 503, TransientError), ("DEADLINE_EXCEEDED", 504, TransientError),
        ("INTERNAL_ERROR", 500, TransientError),
        ("RATE_LIMIT_EXCEEDED", 429, RateLimitedError), ("UNAUTHENTICATED", 401, AuthError),
        ("PERMISSION_DENIED", 403, AuthError), ("NOT_ALLOWLISTED", 403, AuthError), ("NOT_ALLOWLISTED", 400, AuthError),
        ("TERMS_AND_CONDITIONS_NOT_SIGNED", 400, AuthError),
        ("ADVERTISER_NOT_ALLOWLISTED_FOR_UPLOADED_DATA", 400, AuthError),
        ("EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED", 400, AuthError),
        ("OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH", 400, AuthError), ("DESTINATION_ACCOUNT_TYPE_MISMATCH", 400, AuthError),
        ("INVALID_DESTINATION", 400, ConfigError), ("INVALID_USER_LIST_ID", 400, ConfigError),
        ("INVALID_USER_LIST_TYPE", 400, ConfigError), ("MULTIPLE_DATA_TYPES_NOT_ALLOWED", 400, RejectedError),
        ("REQUIRED_FIELD_MISSING", 400, RejectedError), ("INVALID_ENUM_VALUE", 400, RejectedError),
        ("DUPLICATE_DESTINATION_REFERENCE", 400, RejectedError), ("OWNERSHIP_REQUIRED_FOR_UPDATE", 400, ConfigError),
        ("ALREADY_EXISTS", 409, RejectedError), ("INVALID_HEX_ENCODING", 400, BatchRefused),
        ("INVALID_BASE64_ENCODING", 400, BatchRefused), ("INVALID_SHA256_FORMAT", 400, BatchRefused),
        ("INVALID_POSTAL_CODE", 400, BatchRefused), ("INVALID_REGION_CODE", 400, BatchRefused),
        ("INVALID_AUDIENCE_MEMBER", 400, BatchRefused), ("INVALID_MOBILE_ID_FORMAT", 400, BatchRefused),
        ("FIELD_VALUE_TOO_LONG", 400, BatchRefused), ("NO_IDENTIFIERS_PROVIDED", 400, BatchRefused),
        ("INVALID_FORMAT", 400, BatchRefused), ("TOO_MANY_AUDIENCE_MEMBERS", 400, BatchRefused),
        ("TOO_MANY_USER_IDENTIFIERS", 400, BatchRefused), ("INVALID_REQUEST_ID", 400, RejectedError),
        ("REQUEST_TOO_OLD", 400, RejectedError), ("A_REASON_OF_NEXT_YEAR", 400, RejectedError),
        ("A_REASON_OF_NEXT_YEAR", 500, TransientError),
    ],
)  # fmt: skip
def test_every_documented_reason_has_its_class(reason: str, status: int, kind: type[GuestlistError]) -> None:
    verdict = dm_error(reason, status)
    assert type(verdict.error) is kind
    assert (verdict.error.code, verdict.error.request_id) == (reason, "request-7")
    assert verdict.refresh is (status == 401)


def test_a_quota_of_the_day_and_one_of_the_minute_are_waited_for_differently() -> None:
    day, minute = (
        dm_error("RATE_LIMIT_EXCEEDED", 429, quota_limit=f"IngestionMutateRequestsPer{window}PerProject").error
        for window in ("Day", "Minute")
    )
    assert (day and day.retry_after, minute and minute.retry_after) == (86_400, 60)


def test_violations_name_the_rows_whatever_else_is_in_their_path() -> None:
    found = dm_error(
        "INVALID_SHA256_FORMAT", 400,
        ("audience_members.audience_members[17].composite_data.user_data.user_identifiers[0].email_address",
         "INVALID_HEX_ENCODING"),
        ("audienceMembers[3]", "NO_IDENTIFIERS_PROVIDED"), ("destinations[0]", "INVALID_DESTINATION"),
    ).error  # fmt: skip
    assert isinstance(found, BatchRefused)
    assert found.rows == {17: "INVALID_HEX_ENCODING", 3: "NO_IDENTIFIERS_PROVIDED"}


ADS_ERRORS = [
    ("internalError", "TRANSIENT_ERROR", 500, TransientError), ("internalError", "INTERNAL_ERROR", 500, TransientError),
    ("internalError", "DEADLINE_EXCEEDED", 504, TransientError), ("", "UNAVAILABLE", 503, TransientError),
    ("", "INTERNAL", 500, TransientError), ("", "ABORTED", 409, TransientError),
    ("databaseError", "CONCURRENT_MODIFICATION", 409, TransientError),
    ("databaseError", "DATA_CONSTRAINT_VIOLATION", 400, TransientError),
    ("quotaError", "RESOURCE_TEMPORARILY_EXHAUSTED", 429, RateLimitedError),
    ("quotaError", "RESOURCE_EXHAUSTED", 429, RateLimitedError), ("", "RESOURCE_EXHAUSTED", 429, RateLimitedError),
    ("offlineUserDataJobError", "TOO_MANY_USER_IDENTIFIERS", 400, BatchRefused),
    ("databaseError", "REQUEST_TOO_LARGE", 400, BatchRefused), ("collectionSizeError", "TOO_MANY", 400, BatchRefused),
    ("requestError", "RESOURCE_NOT_FOUND", 404, RejectedError),
    ("offlineUserDataJobError", "JOB_ALREADY_STARTED", 400, RejectedError),
    ("authenticationError", "OAUTH_TOKEN_EXPIRED", 401, AuthError),
    ("authenticationError", "OAUTH_TOKEN_INVALID", 401, AuthError),
    ("authenticationError", "OAUTH_TOKEN_REVOKED", 401, AuthError),
    ("authenticationError", "OAUTH_TOKEN_DISABLED", 401, AuthError),
    ("authenticationError", "NOT_ADS_USER", 401, AuthError), ("authenticationError", "CUSTOMER_NOT_FOUND", 401, AuthError),
    ("authenticationError", "TWO_STEP_VERIFICATION_NOT_ENROLLED", 401, AuthError),
    ("authorizationError", "USER_PERMISSION_DENIED", 403, AuthError),
    ("authorizationError", "CUSTOMER_NOT_ENABLED", 403, AuthError),
    ("authorizationError", "PROJECT_DISABLED", 403, AuthError), ("authorizationError", "MISSING_TOS", 403, AuthError),
    ("authorizationError", "CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION", 403, AuthError),
    ("authorizationError", "ACTION_NOT_PERMITTED_FOR_SUSPENDED_ACCOUNT", 403, AuthError),
    ("headerError", "INVALID_LOGIN_CUSTOMER_ID", 400, AuthError),
    ("notAllowlistedError", "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE", 403, ConfigError),
    ("userListError", "ADVERTISER_NOT_ON_ALLOWLIST_FOR_USING_UPLOADED_DATA", 400, AuthError),
    ("offlineUserDataJobError", "CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS", 400, AuthError),
    ("offlineUserDataJobError", "INVALID_USER_LIST_ID", 400, ConfigError),
    ("offlineUserDataJobError", "INVALID_USER_LIST_TYPE", 400, ConfigError),
    ("offlineUserDataJobError", "INCOMPATIBLE_UPLOAD_KEY_TYPE", 400, ConfigError),
    ("offlineUserDataJobError", "NOT_ON_ALLOWLIST_FOR_USER_ID", 400, ConfigError),
    ("offlineUserDataJobError", "CONFLICTING_OPERATION", 400, RejectedError),
    ("offlineUserDataJobError", "INVALID_OPERATION_ORDER", 400, RejectedError),
    ("requestError", "UNSUPPORTED_VERSION", 400, ConfigError),
    ("offlineUserDataJobError", "INVALID_SHA256_FORMAT", 400, BatchRefused),
    ("offlineUserDataJobError", "MISSING_USER_IDENTIFIER", 400, BatchRefused),
    ("offlineUserDataJobError", "INVALID_MOBILE_ID_FORMAT", 400, BatchRefused),
    ("offlineUserDataJobError", "INVALID_ENCODING", 400, BatchRefused),
    ("offlineUserDataJobError", "INVALID_COUNTRY_CODE", 400, BatchRefused),
    ("userListError", "NAME_ALREADY_USED", 400, ConfigError),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "code", "status", "expected"), ADS_ERRORS)
def test_every_documented_code_has_its_class(kind: str, code: str, status: int, expected: type[GuestlistError]) -> None:
    errors = [{"errorCode": {kind: code}, "message": "m"}] if kind else []
    body = {"error": {"status": "X" if kind else code, "errors": errors}}
    verdict = google("google_ads").judge(Call("google_ads", "x", "y"), Reply(status, body, {}, "request-9"))
    assert type(verdict.error) is expected
    assert (verdict.error.code, verdict.error.request_id) == (code, "request-9")
    assert verdict.refresh is (code in ("OAUTH_TOKEN_EXPIRED", "OAUTH_TOKEN_INVALID"))


def ads_quota(code: str, **details: Any) -> float | None:
    body = {"error": {"errors": [{"errorCode": {"quotaError": code}, "details": {"quotaErrorDetails": details}}]}}
    error = google("google_ads").judge(Call("google_ads", "x", "y"), Reply(429, body)).error
    assert error
    return error.retry_after


def test_a_quota_that_passes_soon_and_one_of_the_day_are_waited_for_differently() -> None:
    assert ads_quota("RESOURCE_TEMPORARILY_EXHAUSTED", retryDelay="12s") == 12
    assert ads_quota("RESOURCE_TEMPORARILY_EXHAUSTED") == 30
    assert ads_quota("RESOURCE_EXHAUSTED") == 86_400


def test_a_partial_failure_names_rows_and_codes() -> None:
    path = [{"fieldName": "operations", "index": 1}, {"fieldName": "create"}]
    failure = {
        "errors": [{"errorCode": {"offlineUserDataJobError": "INVALID_SHA256_FORMAT"}, "location": {"fieldPathElements": path}}]
    }
    first = {"errors": [{"errorCode": {"x": "Y"}, "location": {"fieldPathElements": [{"fieldName": "operations"}]}}]}
    receipt: Receipt = Script(
        google("google_ads").send(session(), HANDLE, WHOLE),
        answered({"partialFailureError": {"code": 3, "details": [{"@type": "x", **failure}, first]}}),
    ).result
    assert (receipt.accepted, receipt.rejected) == (0, {1: "INVALID_SHA256_FORMAT", 0: "Y"})  # index 0 is left out in JSON
