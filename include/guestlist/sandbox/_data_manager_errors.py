"""The Data Manager API's errors: reasons, statuses and their google.rpc details.

https://developers.google.com/data-manager/api/devguides/concepts/understand-errors
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from guestlist.sandbox._faults import Action
from guestlist.sandbox.core import Answer, Json, Refused

_RPC = "type.googleapis.com/google.rpc."
_HTTP = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
_STATUS = {
    "INTERNAL_ERROR": "INTERNAL",
    "DEADLINE_EXCEEDED": "DEADLINE_EXCEEDED",
    "RESOURCE_EXHAUSTED": "RESOURCE_EXHAUSTED",
    "RATE_LIMIT_EXCEEDED": "RESOURCE_EXHAUSTED",
    "NOT_FOUND": "NOT_FOUND",
    "UNAVAILABLE": "UNAVAILABLE",
    "ABORTED": "ABORTED",
    "UNAUTHENTICATED": "UNAUTHENTICATED",
    "ACCESS_TOKEN_EXPIRED": "UNAUTHENTICATED",
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": "UNAUTHENTICATED",
    "CREDENTIALS_MISSING": "UNAUTHENTICATED",
    "PERMISSION_DENIED": "PERMISSION_DENIED",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "PERMISSION_DENIED",
    "SERVICE_DISABLED": "PERMISSION_DENIED",
    "NOT_ALLOWLISTED": "PERMISSION_DENIED",
    "TERMS_AND_CONDITIONS_NOT_SIGNED": "PERMISSION_DENIED",
    "ADVERTISER_NOT_ALLOWLISTED_FOR_UPLOADED_DATA": "PERMISSION_DENIED",
    "EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED": "FAILED_PRECONDITION",
    "OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH": "PERMISSION_DENIED",
    "OWNERSHIP_REQUIRED_FOR_UPDATE": "PERMISSION_DENIED",
    "ALREADY_EXISTS": "ALREADY_EXISTS",
}
"""Every other documented reason goes with INVALID_ARGUMENT."""
_INVALID_WORDS = """
INVALID_ARGUMENT REQUIRED_FIELD_MISSING INVALID_FORMAT INVALID_HEX_ENCODING INVALID_BASE64_ENCODING
INVALID_SHA256_FORMAT INVALID_POSTAL_CODE INVALID_ENUM_VALUE INVALID_USER_LIST_TYPE INVALID_AUDIENCE_MEMBER
TOO_MANY_AUDIENCE_MEMBERS TOO_MANY_USER_IDENTIFIERS TOO_MANY_DESTINATIONS INVALID_DESTINATION INVALID_MOBILE_ID_FORMAT
INVALID_USER_LIST_ID MULTIPLE_DATA_TYPES_NOT_ALLOWED DUPLICATE_DESTINATION_REFERENCE NO_IDENTIFIERS_PROVIDED
INVALID_REQUEST_ID FIELD_VALUE_TOO_LONG TOO_MANY_ELEMENTS IMMUTABLE_FIELD_FOR_UPDATE INVALID_RESOURCE_NAME
INVALID_FILTER INVALID_UPDATE_MASK INVALID_PAGE_TOKEN INVALID_DESCRIPTION INVALID_DISPLAY_NAME
DISPLAY_NAME_ALREADY_USED UNSUPPORTED_USER_LIST_UPLOAD_KEY_TYPES UNSUPPORTED_INGESTED_USER_LIST_INFO_CONFIG
MEMBERSHIP_DURATION_TOO_LONG INVALID_REGION_CODE DESTINATION_ACCOUNT_TYPE_MISMATCH THIRD_PARTY_USER_DATA_NOT_ALLOWED
INVALID_REMOVE_AS_OF_TIME REQUEST_TOO_OLD
"""
_INVALID = frozenset(_INVALID_WORDS.split())


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with one field of a request."""

    field: str
    reason: str
    description: str = ""

    def as_json(self) -> Json:
        """As a google.rpc.BadRequest.FieldViolation."""
        return {"field": self.field, "description": self.description or self.reason, "reason": self.reason}


def refused(
    reason: str, *violations: Violation, message: str = "", metadata: Mapping[str, str] | None = None, retry: float = 0.0
) -> Refused:
    """The refusal for a reason, naming the fields; ``retry`` is in seconds."""
    status = _STATUS.get(reason, "INVALID_ARGUMENT")
    details: list[Json] = [
        {
            "@type": f"{_RPC}ErrorInfo",
            "reason": reason,
            "domain": "datamanager.googleapis.com",
            "metadata": dict(metadata or {}),
        }
    ]
    if violations:
        details.append({"@type": f"{_RPC}BadRequest", "fieldViolations": [found.as_json() for found in violations]})
    if status == "RESOURCE_EXHAUSTED":
        quota = (metadata or {}).get("quota_limit", "")
        details.append({"@type": f"{_RPC}QuotaFailure", "violations": [{"subject": "project", "description": quota}]})
        details.append({"@type": f"{_RPC}RetryInfo", "retryDelay": f"{retry:.0f}s"})
    details.append({"@type": f"{_RPC}RequestInfo", "requestId": uuid.uuid4().hex})
    text = message or (violations[0].description if violations else "") or reason.replace("_", " ").capitalize()
    error = {"code": _HTTP[status], "message": text, "status": status, "details": details}
    return Refused(Answer(_HTTP[status], {"error": error}))


def invalid(field: str, reason: str, description: str = "") -> Refused:
    """The refusal of one field."""
    return refused(reason, Violation(field, reason, description))


def named(reason: str, action: Action) -> Answer:
    """The answer for a documented reason; ``reject_rows`` of the action are named as its fields."""
    if reason not in _STATUS and reason not in _INVALID:
        raise ValueError(f"data_manager has no error {reason}; it has: {', '.join(sorted(_INVALID | set(_STATUS)))}")
    rows = [Violation(f"audience_members.audience_members[{row}]", reason) for row in action.reject_rows]
    limit = {"quota_limit": action.reason or "IngestionMutateRequestsPerMinutePerProject"}
    exhausted = _STATUS.get(reason) == "RESOURCE_EXHAUSTED"
    return refused(reason, *rows, metadata=limit if exhausted else None, retry=30.0 if exhausted else 0.0).answer
