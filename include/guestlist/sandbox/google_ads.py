"""The Google Ads API v26 over gRPC: user lists, offline user data jobs, small uploads and GAQL reads.

Access tokens come from `oauth`; every customer id of ten digits exists. The developer token is taken and ignored.
https://developers.google.com/google-ads/api/reference/rpc/v26/overview
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from google.ads.googleads.v26.services.types import google_ads_service as search
from google.ads.googleads.v26.services.types import offline_user_data_job_service as jobs
from google.ads.googleads.v26.services.types import user_data_service as uploads
from google.ads.googleads.v26.services.types import user_list_service as user_lists
from google.longrunning import operations_pb2

from guestlist.sandbox import _google_lists as lists
from guestlist.sandbox._faults import Action
from guestlist.sandbox._google_ads_errors import Problem, named, partial, refuse, refused, trailers
from guestlist.sandbox._google_ads_jobs import JOB_NAME, Jobs
from guestlist.sandbox._google_ads_lists import LIST_NAME, ListChanges
from guestlist.sandbox._google_ads_search import Searches
from guestlist.sandbox._google_ads_users import Rules, read_user
from guestlist.sandbox._rpc import OnlyValidated, Rpc, RpcRequest
from guestlist.sandbox.core import Answer, Job, Json, Platform, World, iso
from guestlist.sandbox.oauth import ADWORDS

_SERVICES = "/google.ads.googleads.v26.services."
_CUSTOMER = re.compile(r"\d{10}")
_DAY = 86_400
_LISTS_PER_REQUEST = 10_000
_UPLOAD_OPERATIONS, _UPLOAD_IDENTIFIERS = 10, 100


class GoogleAds(Platform):
    """UserListService, OfflineUserDataJobService, UserDataService and GoogleAdsService."""

    name = "google_ads"
    connection: ClassVar[Mapping[str, Json]] = {
        "customer_id": "1234567890",
        "login_customer_id": "9876543210",
        "client_id": "sandbox-client",
        "client_secret": "sandbox-secret",
        "refresh_token": "sandbox-refresh",
        "token_uri": "{http}/oauth/token",
        "endpoint": "{http}/data_manager",
        "grpc_endpoint": "{grpc}",
        "ca_file": "{ca_file}",
    }
    book_name = lists.BOOK
    defaults: ClassVar[Mapping[str, Json]] = {
        "settle_seconds": 600,
        "size_lag_seconds": 86_400,
        "match_rate": 0.65,
        "operations_per_day": 15_000,
        "identifiers_per_request": 100_000,
        "jobs_per_list": 1,
        "uploads_allowed": True,
        "terms_accepted": True,
        "allow_user_ids": True,
        "approved_for_production": True,
        "customer_enabled": True,
        "managers": None,
    }

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._lists = lists.Lists(self)
        self._jobs = Jobs(self, self._lists)
        self._searches = Searches(self, self._lists, self._jobs, self._admit)

    def rpcs(self) -> Sequence[Rpc]:
        """The methods that the adapter of the Google Ads SDK calls."""
        job, ads = f"{_SERVICES}OfflineUserDataJobService/", f"{_SERVICES}GoogleAdsService/"
        mutate, upload = f"{_SERVICES}UserListService/MutateUserLists", f"{_SERVICES}UserDataService/UploadUserData"
        return (
            _rpc(mutate, user_lists.MutateUserListsRequest, user_lists.MutateUserListsResponse, self._mutate_lists, "create"),
            _rpc(
                f"{job}CreateOfflineUserDataJob",
                jobs.CreateOfflineUserDataJobRequest,
                jobs.CreateOfflineUserDataJobResponse,
                self._uploading(self._jobs.create),
                "create_job",
            ),
            Rpc(
                f"{job}AddOfflineUserDataJobOperations",
                jobs.AddOfflineUserDataJobOperationsRequest.pb(),
                jobs.AddOfflineUserDataJobOperationsResponse.pb(),
                self._uploading(self._jobs.add),
                "add",
                alone=lambda message: str(message.resource_name),
                clash=lambda: refuse("database_error.CONCURRENT_MODIFICATION"),
                trailers=trailers,
            ),
            Rpc(
                f"{job}RunOfflineUserDataJob",
                jobs.RunOfflineUserDataJobRequest.pb(),
                operations_pb2.Operation,
                self._uploading(self._jobs.run),
                "run",
                trailers=trailers,
            ),
            _rpc(upload, uploads.UploadUserDataRequest, uploads.UploadUserDataResponse, self._uploading(self._upload), "add"),
            _rpc(f"{ads}Search", search.SearchGoogleAdsRequest, search.SearchGoogleAdsResponse, self._searches.page, "read"),
            _rpc(
                f"{ads}SearchStream",
                search.SearchGoogleAdsStreamRequest,
                search.SearchGoogleAdsStreamResponse,
                self._searches.stream,
                "read",
                stream=True,
            ),
            Rpc(
                "/google.longrunning.Operations/GetOperation",
                operations_pb2.GetOperationRequest,
                operations_pb2.Operation,
                lambda request: operations_pb2.Operation(name=request.message.name),
                "read",
            ),
        )

    def error_named(self, code: str, action: Action) -> Answer:
        """The fault ``{"error": "quota_error.RESOURCE_EXHAUSTED"}``."""
        return Answer(body=named(code, action))

    def apply(self, job: Job) -> None:
        """A job has run long enough."""
        self._jobs.finish(job.owner, job.due)

    # what surrounds every call

    def _admit(self, request: RpcRequest, cost: int = 1) -> str:
        """Check token, headers, customer and daily quota; the customer's id."""
        self._check_token(request)
        customer = _customer(request.message)
        if not self.settings["approved_for_production"]:
            raise refuse("authorization_error.CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION")
        if not self.settings["customer_enabled"]:
            raise refuse("authorization_error.CUSTOMER_NOT_ENABLED")
        for header in ("login", "linked"):
            if not _CUSTOMER.fullmatch(request.headers.get(f"{header}-customer-id", customer)):
                raise refuse(f"header_error.INVALID_{header.upper()}_CUSTOMER_ID")
        login = request.headers.get("login-customer-id")
        managers = self.settings["managers"]
        if managers is not None and login not in (customer, *managers):
            raise refuse("authorization_error.USER_PERMISSION_DENIED")
        if self.world.quotas.spend("google_ads operations", _DAY, self.settings["operations_per_day"], cost):
            raise refuse("quota_error.RESOURCE_EXHAUSTED")
        return customer

    def _check_token(self, request: RpcRequest) -> None:
        codes = {
            "missing": "OAUTH_TOKEN_HEADER_INVALID",
            "unknown": "OAUTH_TOKEN_INVALID",
            "revoked": "OAUTH_TOKEN_REVOKED",
            "expired": "OAUTH_TOKEN_EXPIRED",
        }
        if code := codes.get(self.world.tokens.state(request.bearer)):
            raise refuse(f"authentication_error.{code}")
        if ADWORDS not in self.world.tokens.scopes(request.bearer or ""):
            raise refuse("authentication_error.OAUTH_TOKEN_INVALID", "the token lacks the adwords scope")

    def _uploading(self, function: Callable[[RpcRequest], Any]) -> Callable[[RpcRequest], Any]:
        """Uploads are for projects on the allow list and accounts that accepted the terms."""

        def admitted(request: RpcRequest) -> Any:
            self._admit(request)
            if not self.settings["uploads_allowed"]:
                raise refuse("not_allowlisted_error.CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE")
            if not self.settings["terms_accepted"]:
                raise refuse("offline_user_data_job_error.CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS")
            return function(request)

        return admitted

    # the services

    def _mutate_lists(self, request: RpcRequest) -> Any:
        """MutateUserLists: all or nothing, unless partial failure is asked for."""
        message = request.message
        customer = self._admit(request, max(1, len(message.operations)))
        if not message.operations:
            raise refuse("field_error.REQUIRED_NONEMPTY_LIST", "", "operations")
        if len(message.operations) > _LISTS_PER_REQUEST:
            raise refuse("request_error.TOO_MANY_MUTATE_OPERATIONS", "", "operations")
        changes = ListChanges(self._lists, customer)
        request.operation = {"create": "create", "update": "update", "remove": "delete"}.get(
            message.operations[0].WhichOneof("operation"), "other"
        )
        found = [changes.act(operation, place) for place, operation in enumerate(message.operations)]
        problems = [item for item in found if isinstance(item, Problem)]
        if problems and not message.partial_failure:
            raise refused(*problems)
        answer = user_lists.MutateUserListsResponse.pb()()
        if message.validate_only:
            raise OnlyValidated(answer)
        for item in found:
            answer.results.add(resource_name="" if isinstance(item, Problem) else item)
        if problems:
            answer.partial_failure_error.CopyFrom(partial(problems))
        return answer

    def _upload(self, request: RpcRequest) -> Any:
        """UploadUserData: ten operations at most, no partial failure; applied like a job, after the settle time."""
        message = request.message
        operations = message.operations
        request.rows = len(operations)
        request.operation = "remove" if operations and operations[0].WhichOneof("operation") == "remove" else "add"
        match = LIST_NAME.fullmatch(message.customer_match_user_list_metadata.user_list)
        audience = self._lists.of(message.customer_id, match[2]) if match else None
        if audience is None:
            raise refuse("user_data_error.USER_LIST_NOT_APPLICABLE")
        if not 0 < len(operations) <= _UPLOAD_OPERATIONS:
            raise refuse(f"collection_size_error.{'TOO_MANY' if operations else 'TOO_FEW'}", "", "operations")
        if any(item.WhichOneof("operation") is None for item in operations):
            raise refuse("request_error.OPERATION_REQUIRED", "", "operations")
        if sum(len(getattr(item, item.WhichOneof("operation")).user_identifiers) for item in operations) > _UPLOAD_IDENTIFIERS:
            raise refuse("user_data_error.TOO_MANY_USER_IDENTIFIERS", "", "operations")
        rules = Rules(audience.kind, attributes=False, user_ids=self.settings["allow_user_ids"], now=self.clock.now())
        taken = [self._read(item, rules, place) for place, item in enumerate(operations)]
        self._jobs.upload(audience, taken)
        moment = iso(self.clock.now())[:19].replace("T", " ") + "+00:00"
        return uploads.UploadUserDataResponse.pb()(upload_date_time=moment, received_operations_count=len(taken))

    @staticmethod
    def _read(item: Any, rules: Rules, place: int) -> list[Json]:
        which = item.WhichOneof("operation")
        found = read_user(getattr(item, which), rules, place, removing=which == "remove")
        if isinstance(found, Problem):
            raise refused(found)
        return [which, found]


def _rpc(
    path: str, request: Any, response: Any, function: Callable[[RpcRequest], Any], operation: str, *, stream: bool = False
) -> Rpc:
    return Rpc(path, request.pb(), response.pb(), function, operation, stream=stream, trailers=trailers)


def _customer(message: Any) -> str:
    """The customer of a request: named, or part of the name of its job."""
    if hasattr(message, "customer_id"):
        customer: str = message.customer_id
        if not _CUSTOMER.fullmatch(customer):
            raise refuse("request_error.INVALID_CUSTOMER_ID", "", "customer_id")
        return customer
    if not message.resource_name:
        raise refuse("request_error.RESOURCE_NAME_MISSING", "", "resource_name")
    match = JOB_NAME.fullmatch(message.resource_name)
    if match is None:
        raise refuse("request_error.RESOURCE_NAME_MALFORMED", "", "resource_name")
    return match[1]


PLATFORM = GoogleAds
