"""Snapchat's Marketing API v1: customer-list segments and their users, and the token endpoint that goes with it.

Accepted: client ``sandbox-client`` with secret ``sandbox-secret`` and refresh token ``sandbox-refresh``; every ad account whose
id is a UUID exists. https://developers.snap.com/api/marketing-api/Ads-API/customer-lists
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from guestlist.sandbox._faults import Action
from guestlist.sandbox._snapchat_errors import IMMUTABLE, element_failed, envelope, failed, named
from guestlist.sandbox._snapchat_segments import LIFETIME, elements, identifiers, problem_of, view
from guestlist.sandbox.core import (
    SHA256_HEX,
    UUID_TEXT,
    Answer,
    Audience,
    Job,
    Json,
    Platform,
    Refused,
    Request,
    World,
    endpoint,
)

CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - a constant of the sandbox, in its documentation
REFRESH_TOKEN = "sandbox-refresh"  # noqa: S105 - the same
SCOPE = "snapchat-marketing-api"
_DAY = 86_400
_PAGES = range(50, 1001)


class SnapchatAds(Platform):
    """The Ads API, as far as customer lists need it."""

    name = "snapchat_ads"
    book_name = "snapchat_ads"
    connection: ClassVar[Mapping[str, Json]] = {
        "ad_account_id": "8adc3db7-8148-4fbf-999c-8d2266369d74",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
        "token_endpoint": "{http}/snapchat_ads/login/oauth2/access_token",
        "endpoint": "{http}/snapchat_ads/v1",
    }
    defaults: ClassVar[Mapping[str, Json]] = {
        "settle_seconds": 1800,
        "activation_seconds": 60,
        "match_rate": 0.65,
        "users_for_targeting": 1000,
        "identifiers_per_request": 100_000,
        "segments_per_page": 1000,
        "has_role": True,
        "token_seconds": 3600,
        "grant_revoked": False,
        "rotate_refresh_tokens": False,
        "requests_per_second_per_token": 10,
        "requests_per_second_per_app": 20,
        "rate_is_average_of_seconds": 60,
    }

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._tokens = world.tokens

    # what surrounds every call

    def admit(self, request: Request) -> None:
        """Token, rates, role."""
        if request.operation == "token":
            return
        token = request.bearer
        if token is None or self._tokens.state(token) != "good" or SCOPE not in self._tokens.scopes(token):
            raise failed(401)
        window = self.settings["rate_is_average_of_seconds"]
        for who, setting in ((token, "requests_per_second_per_token"), ("app", "requests_per_second_per_app")):
            if self.world.quotas.spend(f"snapchat {who}", window, self.settings[setting] * window):
                raise failed(429)
        if not self.settings["has_role"]:
            raise failed(403)

    def unknown_path(self, request: Request) -> Answer:
        """In Snapchat's envelope."""
        return failed(404).answer

    def error_named(self, code: str, action: Action) -> Answer:
        """The fault ``{"error": "500"}``, ``{"error": "E3002"}`` or ``{"error": "users"}``."""
        return named(code)

    @endpoint("POST", "/login/oauth2/access_token", "token")
    def token(self, request: Request) -> Answer:
        """Give out an access token; with ``rotate_refresh_tokens`` a refresh token in place of the one that was used, too."""
        form = request.form
        if form.get("grant_type") != "refresh_token":
            raise _no_token(400, "unsupported_grant_type")
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            raise _no_token(401, "invalid_client")
        good = self.records.get("refresh", "token") or REFRESH_TOKEN
        if form.get("refresh_token") != good or self.settings["grant_revoked"]:
            raise _no_token(400, "invalid_grant")
        if self.settings["rotate_refresh_tokens"]:
            good = f"sandbox-refresh-{secrets.token_hex(8)}"
            self.records.put("refresh", "token", good)
        seconds = self.settings["token_seconds"]
        access = self._tokens.issue([SCOPE], seconds)
        return Answer(body={"access_token": access, "token_type": "Bearer", "expires_in": seconds, "refresh_token": good})

    # segments

    @endpoint("GET", "/v1/adaccounts/{account}/segments", "read")
    def list_segments(self, request: Request) -> Json:
        """The segments of an ad account, in pages."""
        found = self.book.of_account(_account(request))
        limit, start = request.query.get("limit", "1000"), request.query.get("cursor", "0")
        if not limit.isdigit() or int(limit) not in _PAGES or not start.isdigit():
            raise failed(400, "limit must be between 50 and 1000")
        end = int(start) + min(int(limit), self.settings["segments_per_page"])
        answer = envelope("segments", "segment", [self._view(one) for one in found[int(start) : end]], word="success")
        host = f"http://{request.headers['host']}{request.path}"
        return answer | ({"paging": {"next_link": f"{host}?limit={limit}&cursor={end}"}} if end < len(found) else {})

    @endpoint("POST", "/v1/adaccounts/{account}/segments", "create")
    def create(self, request: Request) -> Json:
        """Open segments; a second one of the same name is a second one."""
        account = _account(request)
        wanted = elements(request, "segments")
        for one in wanted:
            if problem := problem_of(one, account):
                raise element_failed("segments", "segment", problem)
        return envelope("segments", "segment", [self._view(self._opened(one, account)) for one in wanted])

    def _opened(self, one: Mapping[str, Any], account: str) -> Audience:
        number = str(self.records.next_number(5_603_670_370_513_719))
        data: dict[str, Any] = {name: one.get(name) for name in ("description", "source_type", "retention_in_days")}
        return self.book.create(number, account, one["name"], **data, updated=None, processed=None)

    @endpoint("PUT", "/v1/adaccounts/{account}/segments", "update")
    def update(self, request: Request) -> Json:
        """Change name or description; nothing else can be changed."""
        account = _account(request)
        changed = []
        for one in elements(request, "segments"):
            segment = self.book.get(str(one.get("id")))
            if segment is None or segment.account != account:
                raise failed(404)
            new = {"name": segment.name, **segment.data, "ad_account_id": account, **one}
            if any(new[name] != segment.data[name] for name in ("source_type", "retention_in_days")):
                raise failed(400, "An immutable field cannot be changed", IMMUTABLE)
            if problem := problem_of(new, account):
                raise element_failed("segments", "segment", problem)
            segment.name, segment.data["description"] = new["name"], new["description"]
            segment.data["updated"] = self.clock.now()
            self.book.save(segment)
            changed.append(self._view(segment))
        return envelope("segments", "segment", changed)

    @endpoint("GET", "/v1/segments/{segment}", "read")
    def read(self, request: Request) -> Json:
        """One segment."""
        return envelope("segments", "segment", [self._view(self._segment(request))], word="success")

    @endpoint("DELETE", "/v1/segments/{segment}", "delete")
    def delete(self, request: Request) -> Json:
        """Delete a segment."""
        segment = self._segment(request)
        self.book.delete(segment)
        return envelope("segments", "segment", [{"id": segment.id}])

    @endpoint("DELETE", "/v1/segments/{segment}/all_users", "replace")
    def remove_everybody(self, request: Request) -> Json:
        """Empty a segment; like every change of users it takes its time."""
        segment = self._segment(request)
        self._take(segment, "clear", [])
        return envelope("segments", "segment", [self._view(segment)])

    # users

    @endpoint("POST", "/v1/segments/{segment}/users", "add")
    def add(self, request: Request) -> Json:
        """Add users."""
        return self._users(request, "add")

    @endpoint("DELETE", "/v1/segments/{segment}/users", "remove")
    def remove(self, request: Request) -> Json:
        """Remove users, who are in the body as in an addition."""
        return self._users(request, "remove")

    def _users(self, request: Request, what: str) -> Json:
        segment = self._segment(request)
        counts = []
        for element in elements(request, "users"):
            kind, data = identifiers(element, segment.id, self.settings["identifiers_per_request"])
            request.rows += len(data)
            bad = any(place < len(data) for place in request.action.reject_rows)
            if bad or not all(SHA256_HEX.fullmatch(value) for value in data):
                raise element_failed("users", "user", request.action.reason or "An identifier is not a SHA-256")
            self._take(segment, what, [[kind, value] for value in data])
            counts.append({"number_uploaded_users": len(data)})
        return envelope("users", "user", counts)

    def _take(self, segment: Audience, what: str, keys: list[list[str]]) -> None:
        owner = f"{segment.id}/{self.records.next_number(1)}"
        self.staging.put(owner, [what, keys])
        self.later(owner)
        segment.data["processed"] = self.clock.now() + self.settings["settle_seconds"]
        self.book.save(segment)

    def apply(self, job: Job) -> None:
        """The time of an addition or removal has come."""
        segment = self.book.get(job.owner.partition("/")[0])
        for what, keys in self.staging.take(job.owner):
            if segment is None:
                continue
            if what == "add":
                days = segment.data["retention_in_days"]
                self.book.add(segment, keys, added=job.due, lapses=None if days == LIFETIME else job.due + days * _DAY)
            elif what == "remove":
                self.book.remove(segment, keys)
            else:
                self.book.clear(segment)

    def _segment(self, request: Request) -> Audience:
        if (found := self.book.get(request.params["segment"])) is None:
            raise failed(404)
        return found

    def _view(self, segment: Audience) -> dict[str, Json]:
        users = int(self.book.people(segment) * self.settings["match_rate"])
        return view(segment, users, self.clock.now(), self.settings)


def _no_token(status: int, error: str) -> Refused:
    return Refused(Answer(status, {"error": error, "error_description": "The token request was refused"}))


def _account(request: Request) -> str:
    account = request.params["account"]
    if not UUID_TEXT.fullmatch(account):
        raise failed(404)
    return account


PLATFORM = SnapchatAds
