"""Google's Data Manager API v1 over REST: audience members, request status and user lists.

Access tokens come from `oauth`; every Google Ads account of ten digits exists. Enums may be sent as names or numbers.
https://developers.google.com/data-manager/api/reference
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from guestlist.sandbox import _data_manager_lists as user_lists
from guestlist.sandbox import _google_lists as lists
from guestlist.sandbox._data_manager_errors import invalid, named, refused
from guestlist.sandbox._data_manager_intake import Intake, view_of
from guestlist.sandbox._data_manager_requests import INGEST_SHAPE, REMOVE_ALL_SHAPE, REMOVE_SHAPE, typed
from guestlist.sandbox._data_manager_status import destination_status
from guestlist.sandbox._faults import Action
from guestlist.sandbox.core import Answer, Audience, Job, Json, Platform, Request, World, endpoint, moment_of
from guestlist.sandbox.oauth import DATA_MANAGER

_ACCOUNT_LISTS = "/v1/accountTypes/{type}/accounts/{account}/userLists"
_KEPT_SECONDS = 50 * 86_400
_MINUTE, _DAY = 60, 86_400
_PRINCIPAL = re.compile(r"accountTypes/GOOGLE_ADS/accounts/(\d{10})")


class DataManager(Platform):
    """IngestionService and UserListService."""

    name = "data_manager"
    book_name = lists.BOOK
    defaults: ClassVar[Mapping[str, Json]] = {
        "settle_seconds": 1800,
        "size_lag_seconds": 86_400,
        "match_rate": 0.65,
        "ingestion_mutate_per_minute": 300,
        "ingestion_mutate_per_day": 100_000,
        "ingestion_read_per_minute": 300,
        "ingestion_read_per_day": 100_000,
        "management_mutate_per_minute": 300,
        "management_mutate_per_day": 50_000,
        "management_read_per_minute": 300,
        "management_read_per_day": 50_000,
        "terms_accepted": True,
        "allowlisted": True,
        "api_enabled": True,
        "eu_political_declared": True,
        "require_consent": False,
        "managers": None,
    }

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._lists = lists.Lists(self)
        self._intake = Intake(self._lists, self.settings)

    # what surrounds every call

    def admit(self, request: Request) -> None:
        """Token, scope, quota."""
        reasons = {
            "missing": "CREDENTIALS_MISSING",
            "unknown": "UNAUTHENTICATED",
            "revoked": "UNAUTHENTICATED",
            "expired": "ACCESS_TOKEN_EXPIRED",
        }
        if reason := reasons.get(self.world.tokens.state(request.bearer)):
            raise refused(reason, message="Request had invalid authentication credentials.")
        if DATA_MANAGER not in self.world.tokens.scopes(request.bearer or ""):
            raise refused("ACCESS_TOKEN_SCOPE_INSUFFICIENT")
        if not self.settings["api_enabled"]:
            raise refused("SERVICE_DISABLED")
        service = "Management" if "/userLists" in request.path else "Ingestion"
        kind = "Read" if request.operation == "read" else "Mutate"
        for window, name in ((_DAY, "Day"), (_MINUTE, "Minute")):
            limit = self.settings[f"{service}_{kind}_per_{name}".lower()]
            if wait := self.world.quotas.spend(f"data_manager {service}{kind}", window, limit):
                quota = f"{service}{kind}RequestsPer{name}PerProject"
                raise refused("RATE_LIMIT_EXCEEDED", metadata={"quota_limit": quota}, retry=wait)

    def unknown_path(self, request: Request) -> Answer:
        """Google's own form of 404."""
        return refused("NOT_FOUND").answer

    def error_named(self, code: str, action: Action) -> Answer:
        """The fault ``{"error": "INVALID_SHA256_FORMAT"}``; quota faults name their limit in ``reason``."""
        return named(code, action)

    # audience members

    @endpoint("POST", "/v1/audienceMembers:ingest", "add")
    def ingest(self, request: Request) -> Json:
        """Accept members to be added."""
        body = typed(_body(request), INGEST_SHAPE, "")
        return self._members(request, body, "ingest")

    @endpoint("POST", "/v1/audienceMembers:remove", "remove")
    def remove(self, request: Request) -> Json:
        """Accept members to be removed."""
        body = typed(_body(request), REMOVE_SHAPE, "")
        return self._members(request, body, "remove")

    @endpoint("POST", "/v1/audienceMembers:removeAll", "remove_all")
    def remove_all(self, request: Request) -> Json:
        """Accept the removal of all members whose last addition is before a moment."""
        body = typed(_body(request), REMOVE_ALL_SHAPE, "")
        destinations = self._intake.destinations(body)
        before = self.clock.now()
        if (given := body.get("removeAsOfTime")) is not None and (before := _moment(given)) > self.clock.now():
            raise invalid("remove_as_of_time", "INVALID_REMOVE_AS_OF_TIME", "it must not be in the future")
        views = [view_of(sent, audience) for sent, audience in destinations]
        return self._accept(request, body, {"operation": "removeAll", "before": before, "destinations": views}, [])

    @endpoint("GET", "/v1/requestStatus:retrieve", "read")
    def status(self, request: Request) -> Json:
        """What became of a request."""
        number = request.query.get("requestId")
        if not number:
            raise invalid("request_id", "REQUIRED_FIELD_MISSING")
        if (found := self.records.get("request", number)) is None:
            raise invalid("request_id", "INVALID_REQUEST_ID")
        if self.clock.now() > found["submitted"] + _KEPT_SECONDS:
            raise invalid("request_id", "REQUEST_TOO_OLD")
        rate = self.settings["match_rate"]
        return {"requestStatusPerDestination": [destination_status(found, place, rate) for place in found["destinations"]]}

    def _members(self, request: Request, body: dict[str, Any], operation: str) -> Json:
        document, keys, warnings = self._intake.members(request, body, operation)
        return self._accept(request, body, document, keys, warnings)

    def _accept(
        self,
        request: Request,
        body: Mapping[str, Any],
        document: dict[str, Any],
        keys: list[list[Any]],
        warnings: list[dict[str, str]] | None = None,
    ) -> Json:
        """Give the request a name and put its work off. One that only validates has no status to be asked for."""
        number = str(uuid.uuid4())
        if not body.get("validateOnly"):
            now = self.clock.now()
            self.records.put("request", number, {**document, "submitted": now, "done": False, "fault": request.action.fail_job})
            for part in keys:
                self.staging.put(number, part)
            self.later(number)
        return {"requestId": number} | ({"fieldWarnings": warnings} if warnings else {})

    def apply(self, job: Job) -> None:
        """Process an accepted request."""
        found = self.records.get("request", job.owner)
        parts = self.staging.take(job.owner)
        for place in found["destinations"]:
            keys: list[Any] = next(parts, [])
            if (audience := self.book.get(place["list"])) is None:
                place["errors"] = {"INTERNAL_ERROR": place["records"]}
            elif found["operation"] == "ingest":
                self._lists.add(audience, keys, found["submitted"])
            elif found["operation"] == "remove":
                self.book.remove(audience, keys)
            elif not found["fault"]:
                self.book.clear(audience, found["before"])
            else:
                place["errors"] = {"INTERNAL_ERROR": 1}
        list(parts)
        self.records.put("request", job.owner, {**found, "done": True})

    # user lists

    @endpoint("POST", _ACCOUNT_LISTS, "create")
    def create_list(self, request: Request) -> Json:
        """Open a list."""
        account = self._account(request)
        name, kind, data = user_lists.read_new(_body(request))
        self._require_free(account, name, None)
        return self._view(self._lists.create(account, name, kind, **data))

    @endpoint("GET", _ACCOUNT_LISTS, "read")
    def list_lists(self, request: Request) -> Json:
        """Lists of an account, in pages, filtered."""
        found = user_lists.filtered(self.book.of_account(self._account(request)), request.query.get("filter", ""))
        size, start = (
            request.query.get("pageSize") or "50",
            (request.query.get("pageToken") or "after-0").partition("after-")[2],
        )
        if not start.isdigit():
            raise invalid("page_token", "INVALID_PAGE_TOKEN")
        if not size.isdigit():
            raise invalid("page_size", "INVALID_ARGUMENT")
        end = int(start) + min(int(size) or 50, 1000)
        page = [self._view(audience) for audience in found[int(start) : end]]
        return {"userLists": page} | ({"nextPageToken": f"after-{end}"} if end < len(found) else {})

    @endpoint("GET", _ACCOUNT_LISTS + "/{list}", "read")
    def get_list(self, request: Request) -> Json:
        """One list."""
        return self._view(self._list(request))

    @endpoint("PATCH", _ACCOUNT_LISTS + "/{list}", "update")
    def update_list(self, request: Request) -> Json:
        """Change a list."""
        audience = self._list(request)
        values = user_lists.read_change(_body(request), request.query.get("updateMask"), audience)
        name = values.pop("name", audience.name)
        self._require_free(audience.account, name, audience)
        audience.name, audience.reference = name, values.pop("integration_code", audience.reference)
        audience.data |= values
        self.book.save(audience)
        return self._view(audience)

    @endpoint("DELETE", _ACCOUNT_LISTS + "/{list}", "delete")
    def delete_list(self, request: Request) -> Json:
        """Delete a list."""
        self.book.delete(self._list(request))
        return {}

    def _account(self, request: Request) -> str:
        """The account of the path; manager access is told in a header."""
        account = request.params["account"]
        if request.params["type"] != "GOOGLE_ADS" or not re.fullmatch(r"\d{10}", account):
            raise refused("PERMISSION_DENIED")
        login = request.headers.get("login-account")
        if login is not None and not _PRINCIPAL.fullmatch(login):
            raise invalid("login-account", "INVALID_RESOURCE_NAME", "it is accountTypes/GOOGLE_ADS/accounts/{id}")
        managers = self.settings["managers"]
        if managers is not None and (login or "").rpartition("/")[2] not in (account, *managers):
            raise refused("PERMISSION_DENIED")
        return account

    def _list(self, request: Request) -> Audience:
        if (found := self._lists.of(self._account(request), request.params["list"])) is None:
            raise refused("PERMISSION_DENIED")  # what does not exist may not be seen either
        return found

    def _require_free(self, account: str, name: str, owner: Audience | None) -> None:
        found = self._lists.named(account, name)
        if found is not None and (owner is None or found.id != owner.id):
            raise invalid("user_list.display_name", "DISPLAY_NAME_ALREADY_USED")

    def _view(self, audience: Audience) -> Json:
        rate = self.settings["match_rate"]
        return user_lists.view(audience, self._lists.size(audience, self.settings["size_lag_seconds"], rate), rate)


def _body(request: Request) -> Json:
    try:
        return request.json()
    except ValueError:
        raise refused("INVALID_ARGUMENT", message="Invalid JSON payload received.") from None


def _moment(text: Json) -> float:
    try:
        return moment_of(text)
    except (ValueError, TypeError):
        raise invalid("remove_as_of_time", "INVALID_ARGUMENT", "it must be an RFC 3339 timestamp") from None


PLATFORM = DataManager
