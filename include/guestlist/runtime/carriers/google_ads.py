"""The Google Ads API over its official SDK, `google-ads`, by gRPC; every failure becomes one form of JSON.

The SDK reports the same failure in four ways (docs/platforms/google_ads.md): its own exception, which is no gRPC error;
api_core's for quota and internal errors, with the details hidden in the trailing metadata; and partial failures inside a
response that is OK. All of them leave this file as {"error": {"status", "errors": [GoogleAdsError as JSON]}}.
"""

from __future__ import annotations

import os
from typing import Any

import grpc
from google.ads.googleads.client import GoogleAdsClient
from google.ads.googleads.errors import GoogleAdsException
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError
from google.protobuf import json_format

from guestlist.destinations._google import GoogleSettings
from guestlist.model.conversation import Call, Json, Reply
from guestlist.model.errors import ConfigError, OutcomeUnknown, TransientError
from guestlist.runtime.carriers._google_credentials import (
    TokenRequest,
    auth_error,
    google_credentials,
    keep_google_quiet,
    refresh,
)
from guestlist.runtime.carriers._vendors import alone

_SCOPE = "https://www.googleapis.com/auth/adwords"
_VERSION = "v26"
_FAILURE_TRAILER = f"google.ads.googleads.{_VERSION}.errors.googleadsfailure-bin"
_TOO_LARGE = "message larger than max"
_RPCS = {
    "MutateUserLists": ("UserListService", "mutate_user_lists"),
    "CreateOfflineUserDataJob": ("OfflineUserDataJobService", "create_offline_user_data_job"),
    "AddOfflineUserDataJobOperations": ("OfflineUserDataJobService", "add_offline_user_data_job_operations"),
    "RunOfflineUserDataJob": ("OfflineUserDataJobService", "run_offline_user_data_job"),
    "Search": ("GoogleAdsService", "search"),
}
_HTTP = {
    grpc.StatusCode.INVALID_ARGUMENT: 400, grpc.StatusCode.FAILED_PRECONDITION: 400, grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401, grpc.StatusCode.PERMISSION_DENIED: 403, grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409, grpc.StatusCode.ABORTED: 409, grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501, grpc.StatusCode.UNAVAILABLE: 503, grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}  # fmt: skip


class GoogleAdsCarrier:
    """One account's connection. ``ca_file`` works only if no other gRPC channel was opened in this process before."""

    def __init__(self, settings: GoogleSettings) -> None:
        """Make the client; nothing is sent yet."""
        keep_google_quiet()
        if settings.ca_file:
            os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = settings.ca_file
        self._timeout = settings.timeout_seconds
        self._credentials = google_credentials(settings, _SCOPE)
        self._tokens = TokenRequest(settings)
        self._client = GoogleAdsClient(
            credentials=self._credentials,
            login_customer_id=settings.login_customer_id,
            endpoint=settings.grpc_endpoint,
            version=_VERSION,
            use_proto_plus=True,
        )
        self._services: dict[str, Any] = {}

    def send(self, call: Call) -> Reply:
        """``method`` names the RPC; ``body`` is its request as JSON, enums by name."""
        if call.method not in _RPCS:
            raise ConfigError(f"the Google Ads carrier knows no call {call.method!r}")
        service_name, method = _RPCS[call.method]
        service = self._services.setdefault(service_name, self._client.get_service(service_name))
        request = self._client.get_type(f"{call.method if call.method != 'Search' else 'SearchGoogleAds'}Request")
        json_format.ParseDict(call.body, type(request).pb(request))
        if not self._credentials.valid:
            self.refresh()  # inside a call gRPC would tell of a revoked grant as of a broken connection
        with alone():
            try:
                response = getattr(service, method)(request=request, timeout=self._timeout)
            except GoogleAuthError as error:
                raise auth_error(error) from None
            except GoogleAdsException as error:
                return self._failure(error.error.code(), error.failure, error.request_id)
            except GoogleAPICallError as error:
                return self._api_error(error)
        return Reply(200, _as_json(response))

    def _api_error(self, error: GoogleAPICallError) -> Reply:
        call = error.response
        if call is None or not hasattr(call, "code"):
            raise OutcomeUnknown("the Google Ads API gave no answer") from None
        trailers = dict(call.trailing_metadata() or ())
        status = call.code()
        if status is grpc.StatusCode.UNAVAILABLE and _FAILURE_TRAILER not in trailers:
            if "connect" in str(call.details()).lower():
                raise TransientError("the Google Ads API cannot be reached") from None
            raise OutcomeUnknown("the connection to the Google Ads API broke") from None
        if status is grpc.StatusCode.DEADLINE_EXCEEDED and _FAILURE_TRAILER not in trailers:
            raise OutcomeUnknown("the Google Ads API did not answer in time") from None
        if status is grpc.StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE in str(call.details()):  # no quota: gRPC's own limit
            return Reply(400, {"error": {"errors": [{"errorCode": {"databaseError": "REQUEST_TOO_LARGE"}}]}})
        failure = None
        if raw := trailers.get(_FAILURE_TRAILER):
            kind = type(self._client.get_type("GoogleAdsFailure"))
            failure = kind.deserialize(raw)
        return self._failure(status, failure, trailers.get("request-id"))

    def _failure(self, status: grpc.StatusCode, failure: Any, request_id: Any) -> Reply:
        errors = _as_json(failure).get("errors", []) if failure is not None else []
        body = {"error": {"status": status.name, "errors": errors}}
        return Reply(_HTTP.get(status, 500), body, {}, str(request_id) if request_id else None)

    def refresh(self) -> None:
        """Get a fresh access token."""
        refresh(self._credentials, self._tokens)

    def close(self) -> None:
        """Close the channels."""
        for service in self._services.values():
            service.transport.close()


def _as_json(message: Any) -> Json:
    """A response as JSON: proto-plus messages and pagers hold the protobuf message inside; a job's run is an operation."""
    inner = getattr(message, "_response", message)
    inner = getattr(inner, "operation", inner) if not hasattr(type(inner), "pb") else type(inner).pb(inner)
    return json_format.MessageToDict(inner)


CARRIER = GoogleAdsCarrier
