"""OfflineUserDataJobService of the Google Ads API: jobs created, filled and run.

https://developers.google.com/google-ads/api/docs/remarketing/audience-segments/customer-match/manage
"""

from __future__ import annotations

import re
from typing import Any

from google.ads.googleads.v26.services.types import offline_user_data_job_service as messages
from google.longrunning import operations_pb2

from guestlist.sandbox import _google_lists as lists
from guestlist.sandbox._faults import Action
from guestlist.sandbox._google_ads_errors import Problem, at_operation, partial, refuse, refused
from guestlist.sandbox._google_ads_lists import LIST_NAME
from guestlist.sandbox._google_ads_users import Rules, read_user
from guestlist.sandbox._rpc import RpcRequest
from guestlist.sandbox.core import Audience, Json, Platform

JOB_NAME = re.compile(r"customers/(\d{10})/offlineUserDataJobs/(\d+)")
TYPES = {4: "CUSTOMER_MATCH_USER_LIST", 5: "CUSTOMER_MATCH_WITH_ATTRIBUTES"}
_JOB = "offline_user_data_job_error."
_DENIED = 3
_RUN_WITHIN = 5 * 86_400
_CREATED: Any = messages.CreateOfflineUserDataJobResponse.pb()
_ADDED: Any = messages.AddOfflineUserDataJobOperationsResponse.pb()


class Jobs:
    """The jobs of every customer."""

    def __init__(self, platform: Platform, found: lists.Lists) -> None:
        self._platform = platform
        self._records = platform.records
        self._lists = found

    def all(self, customer: str) -> list[dict[str, Json]]:
        """The jobs of a customer."""
        return [job for _, job in self._records.all("job") if job["customer"] == customer]

    def create(self, request: RpcRequest) -> Any:
        """CreateOfflineUserDataJob."""
        message = request.message
        job, customer = message.job, message.customer_id
        if job.type_ not in TYPES:
            raise refuse("field_error.REQUIRED" if not job.type_ else "field_error.INVALID_VALUE", "", "job", "type")
        metadata = job.customer_match_user_list_metadata
        audience = self._list(metadata.user_list, customer, needed=job.type_ == 4)
        if _DENIED in (metadata.consent.ad_user_data, metadata.consent.ad_personalization):
            raise refuse(f"{_JOB}CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS", "consent is denied", "job")
        external = job.external_id if job.HasField("external_id") else None
        if external is not None and any(other["external_id"] == external for other in self.all(customer)):
            raise refuse(f"{_JOB}EXTERNAL_UPDATE_ID_ALREADY_EXISTS", "", "job", "external_id")
        if message.validate_only:
            return _CREATED()
        number = self._records.next_number(30_000_000_001)
        name = f"customers/{customer}/offlineUserDataJobs/{number}"
        self._records.put(
            "job",
            name,
            {
                "customer": customer,
                "name": name,
                "id": number,
                "list": audience.id if audience else None,
                "kind": audience.kind if audience else lists.CONTACT,
                "type": TYPES[job.type_],
                "status": "PENDING",
                "external_id": external,
                "preview": message.enable_match_rate_range_preview,
                "created": self._platform.clock.now(),
                "mode": None,
                "operations": 0,
                "fault": request.action.fail_job,
                "count": request.action.count,
            },
        )
        return _CREATED(resource_name=name)

    def _list(self, name: str, customer: str, *, needed: bool) -> Audience | None:
        if not name and not needed:
            return None
        path = ("job", "customer_match_user_list_metadata", "user_list")
        if not name:
            raise refuse("field_error.REQUIRED", "", *path)
        match = LIST_NAME.fullmatch(name)
        if match is None:
            raise refuse("request_error.RESOURCE_NAME_MALFORMED", "", *path)
        if match[1] != customer:
            raise refuse("authorization_error.USER_PERMISSION_DENIED", "", *path)
        if (found := self._lists.of(customer, match[2])) is None:
            raise refuse(f"{_JOB}INVALID_USER_LIST_ID", "", *path)
        if found.kind not in (lists.CONTACT, lists.MOBILE, lists.USER):
            raise refuse(f"{_JOB}INVALID_USER_LIST_TYPE", "", *path)
        return found

    def _open(self, name: str) -> dict[str, Any]:
        """The job, if operations may still be added and it may still be run."""
        if not JOB_NAME.fullmatch(name):
            raise refuse("request_error.RESOURCE_NAME_MALFORMED", "", "resource_name")
        job: dict[str, Any] | None = self._records.get("job", name)
        if job is None:
            raise refuse("request_error.RESOURCE_NOT_FOUND", "", "resource_name")
        if job["status"] != "PENDING":
            raise refuse(f"{_JOB}JOB_ALREADY_STARTED", "", "resource_name")
        if self._platform.clock.now() > job["created"] + _RUN_WITHIN:
            raise refuse("request_error.RESOURCE_NOT_FOUND", "the job was not run within five days", "resource_name")
        return job

    def add(self, request: RpcRequest) -> Any:
        """AddOfflineUserDataJobOperations."""
        message = request.message
        job = self._open(message.resource_name)
        request.rows = len(message.operations)
        if not request.rows:
            raise refuse("field_error.REQUIRED_NONEMPTY_LIST", "", "operations")
        self._count_identifiers(message)
        request.operation = _operation_name(message.operations[0])
        taken, problems = self._read(message.operations, job, request.action)
        if problems and not message.enable_partial_failure:
            raise refused(*problems)
        if not message.validate_only:
            self._platform.staging.put(job["name"], taken)
            job["operations"] += len(taken)
            _take_fault(job, request.action)
            self._records.put("job", job["name"], job)
        answer = _ADDED()
        if problems:
            answer.partial_failure_error.CopyFrom(partial(problems))
        if message.enable_warnings and (warnings := _warnings(message.operations)):
            answer.warning.CopyFrom(partial(warnings))
        return answer

    def _count_identifiers(self, message: Any) -> None:
        count = sum(
            len(operation.create.user_identifiers) + len(operation.remove.user_identifiers)
            for operation in message.operations
            if operation.WhichOneof("operation") != "remove_all"
        )
        if count > self._platform.settings["identifiers_per_request"]:
            raise refuse(f"{_JOB}TOO_MANY_USER_IDENTIFIERS", "", "operations")

    def _read(self, operations: Any, job: dict[str, Any], action: Action) -> tuple[list[Json], list[Problem]]:
        """Operations as ``[what, keys]``, and the problems of those that are not taken."""
        settings, now = self._platform.settings, self._platform.clock.now()
        rules = Rules(job["kind"], job["type"] == TYPES[5], settings["allow_user_ids"], now)
        reason = action.reason or f"{_JOB}INVALID_SHA256_FORMAT"
        rejected = set(action.reject_rows)
        taken: list[Json] = []
        problems: list[Problem] = []
        for place, operation in enumerate(operations):
            which = operation.WhichOneof("operation")
            if place in rejected:
                problems.append(Problem(reason, path=at_operation(place)))
            elif code := _order_problem(which, job, len(taken)):
                problems.append(Problem(code, path=at_operation(place)))
            elif which == "remove_all":
                taken.append(["remove_all", []])
            else:
                found = read_user(getattr(operation, which), rules, place, removing=which == "remove")
                if isinstance(found, Problem):
                    problems.append(found)
                else:
                    job["mode"] = which
                    taken.append([which, found])
        return taken, problems

    def run(self, request: RpcRequest) -> Any:
        """RunOfflineUserDataJob; its long-running operation never ends, as many have found."""
        job = self._open(request.message.resource_name)
        running = [other for other in self.all(job["customer"]) if other["status"] == "RUNNING"]
        beside = [other for other in running if other["list"] == job["list"]]
        if job["list"] and len(beside) >= self._platform.settings["jobs_per_list"]:
            raise refuse("database_error.CONCURRENT_MODIFICATION", "another job of the list is running")
        if not request.message.validate_only:
            job["status"] = "RUNNING"
            _take_fault(job, request.action)
            self._records.put("job", job["name"], job)
            self._platform.later(job["name"])
        return operations_pb2.Operation(name=f"customers/{job['customer']}/operations/{job['id']}")

    def upload(self, audience: Audience, operations: list[Json]) -> None:
        """Put off the operations of an upload that has no job."""
        owner = f"upload {audience.id} {self._records.next_number(1)}"
        self._platform.staging.put(owner, operations)
        self._platform.later(owner)

    def finish(self, name: str, due: float) -> None:
        """Apply a job that has run long enough, or an upload."""
        if name.startswith("upload"):
            parts = list(self._platform.staging.take(name))
            if (uploaded := self._lists.book.get(name.split()[1])) is not None:
                self._apply(uploaded, parts[0], due)
            return
        job = self._records.get("job", name)
        operations = [operation for part in self._platform.staging.take(name) for operation in part]
        fault = job["fault"]
        job["status"] = "FAILED" if fault else "SUCCESS"
        if fault:
            operations = operations[: max(0, len(operations) - (job["count"] or 1))] if fault == "partial" else []
        audience = self._lists.book.get(job["list"]) if job["list"] else None
        if audience is not None:
            self._apply(audience, operations, due)
        self._records.put("job", name, job)

    def _apply(self, audience: Audience, operations: list[Json], moment: float) -> None:
        if any(what == "remove_all" for what, _ in operations):
            self._lists.book.clear(audience)
        self._lists.add(audience, (key for what, keys in operations if what == "create" for key in keys), moment)
        self._lists.book.remove(audience, (key for what, keys in operations if what == "remove" for key in keys))


def _take_fault(job: dict[str, Any], action: Action) -> None:
    if action.fail_job:
        job["fault"], job["count"] = action.fail_job, action.count


def _operation_name(operation: Any) -> str:
    """The log's name for a batch: what its first operation does."""
    return {"create": "add", "remove": "remove", "remove_all": "remove_all"}.get(operation.WhichOneof("operation"), "other")


def _order_problem(which: str | None, job: dict[str, Any], taken: int) -> str | None:
    """A clear comes first in a job, and a job either creates or removes."""
    if which is None:
        return "request_error.OPERATION_REQUIRED"
    if which == "remove_all":
        return f"{_JOB}INVALID_OPERATION_ORDER" if job["operations"] + taken else None
    return f"{_JOB}CONFLICTING_OPERATION" if job["mode"] not in (None, which) else None


def _warnings(operations: Any) -> list[Problem]:
    """Consent on single operations is not looked at where the job has its own."""
    return [
        Problem(f"{_JOB}OPERATION_LEVEL_CONSENT_PROVIDED", path=at_operation(place))
        for place, operation in enumerate(operations)
        if operation.create.HasField("consent")
    ]
