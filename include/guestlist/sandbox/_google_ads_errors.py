"""The Google Ads API's errors: GoogleAdsFailure in the trailing metadata, or inside a response as partial failure.

https://developers.google.com/google-ads/api/docs/best-practices/understand-api-errors
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.ads.googleads.v26.errors.types import errors
from google.rpc import status_pb2

from guestlist.sandbox._faults import Action
from guestlist.sandbox._rpc import RpcRefused, Trailers

_FAILURE_KEY = "google.ads.googleads.v26.errors.googleadsfailure-bin"
_FAILURE: Any = errors.GoogleAdsFailure.pb()
_CODES = errors.ErrorCode.pb().DESCRIPTOR.fields_by_name
_BY_GROUP = {
    "authentication_error": "UNAUTHENTICATED",
    "authorization_error": "PERMISSION_DENIED",
    "not_allowlisted_error": "PERMISSION_DENIED",
    "quota_error": "RESOURCE_EXHAUSTED",
    "internal_error": "INTERNAL",
}
_BY_CODE = {
    "internal_error.DEADLINE_EXCEEDED": "DEADLINE_EXCEEDED",
    "database_error.CONCURRENT_MODIFICATION": "ABORTED",
    "request_error.RESOURCE_NOT_FOUND": "NOT_FOUND",
}
_BARE = ("UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED", "ABORTED", "RESOURCE_EXHAUSTED")
_DEFAULT_RETRY_DELAY = 30


@dataclass(frozen=True, slots=True)
class Problem:
    """One error: ``code`` is the group and the name, ``path`` the field, as names with the index of a repeated one."""

    code: str
    message: str = ""
    path: tuple[tuple[str, int | None], ...] = ()


def at_operation(place: int, *names: str) -> tuple[tuple[str, int | None], ...]:
    """The path of something in an operation of the request."""
    return (("operations", place), *((name, None) for name in names))


def failure(problems: Sequence[Problem], request_id: str = "") -> Any:
    """A GoogleAdsFailure."""
    message = _FAILURE(request_id=request_id)
    for problem in problems:
        group, _, name = problem.code.partition(".")
        error = message.errors.add(message=problem.message or name.replace("_", " ").capitalize())
        setattr(error.error_code, group, _CODES[group].enum_type.values_by_name[name].number)
        for field, place in problem.path:
            element = error.location.field_path_elements.add(field_name=field)
            if place is not None:
                element.index = place
        if problem.code == "quota_error.RESOURCE_TEMPORARILY_EXHAUSTED":
            details = error.details.quota_error_details
            details.rate_name = "Requests per service per method"
            details.retry_delay.seconds = _DEFAULT_RETRY_DELAY
    return message


def trailers() -> Trailers:
    """What every answer carries."""
    return (("request-id", uuid.uuid4().hex[:22]),)


def refused(*problems: Problem) -> RpcRefused:
    """The refusal of a whole call."""
    code = problems[0].code
    status = _BY_CODE.get(code) or _BY_GROUP.get(code.partition(".")[0], "INVALID_ARGUMENT")
    found = trailers()
    message = failure(problems, str(found[0][1]))
    return RpcRefused(status, message.errors[0].message, ((_FAILURE_KEY, message.SerializeToString()), *found))


def refuse(code: str, message: str = "", *path: str) -> RpcRefused:
    """The refusal for one code, naming a field of the request."""
    return refused(Problem(code, message, tuple((name, None) for name in path)))


def partial(problems: Sequence[Problem]) -> Any:
    """A google.rpc.Status that names the operations that were not taken, or warned of."""
    status = status_pb2.Status(code=3, message="Multiple errors in 'details'. First error: " + problems[0].code)
    packed = status.details.add()
    packed.Pack(failure(problems))
    return status


def named(code: str, action: Action) -> RpcRefused:
    """The refusal of the fault ``{"error": "quota_error.RESOURCE_EXHAUSTED"}``, or of a bare gRPC status."""
    if code in _BARE:
        return RpcRefused(code, action.reason or "scripted fault", trailers())
    group, _, name = code.partition(".")
    if group not in _CODES or name not in _CODES[group].enum_type.values_by_name:
        raise ValueError(f"google_ads has no error {code}: write it like quota_error.RESOURCE_EXHAUSTED, or a gRPC status")
    return refuse(code, action.reason or "")
