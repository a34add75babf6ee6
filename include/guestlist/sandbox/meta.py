"""Meta's Marketing API v26.0: customer-file Custom Audiences, their users, sessions and replaces.

Accepted: access token ``sandbox-token``, app id ``1``, app secret ``sandbox-app-secret`` (for ``appsecret_proof``); every ad
account of digits exists. https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from guestlist.sandbox import _meta_access as access
from guestlist.sandbox import _meta_audiences as audiences
from guestlist.sandbox._faults import Action
from guestlist.sandbox._meta_errors import named, refused
from guestlist.sandbox._meta_replace import Replaces
from guestlist.sandbox._meta_rows import Rows, read_payload, read_rows
from guestlist.sandbox._meta_sessions import Batch, Sessions, read_batch
from guestlist.sandbox._meta_usage import Usage
from guestlist.sandbox.core import Answer, Audience, Job, Json, Platform, Request, World, endpoint

_V = "/v26.0"


class Meta(Platform):
    """The Graph API, as far as customer-file audiences need it."""

    name = "meta"
    book_name = "meta"
    longest_url = 20_000
    connection: ClassVar[Mapping[str, Json]] = {
        "ad_account_id": "2024001",
        "access_token": access.ACCESS_TOKEN,
        "app_id": access.APP_ID,
        "app_secret": access.APP_SECRET,
        "endpoint": "{http}/meta",
    }
    defaults: ClassVar[Mapping[str, Json]] = {
        "settle_seconds": 600,
        "size_lag_seconds": 86_400,
        "match_rate": 0.65,
        "tier": "standard_access",
        "calls_per_hour": None,
        "score_limit": None,
        "require_appsecret_proof": False,
        "terms_accepted": True,
        "value_terms_accepted": True,
        "business_terms_accepted": True,
        "linked_to_business": True,
        "token_valid": True,
        "account_status": 1,
        "audiences_per_account": 500,
        "minimum_after_removal": 0,
        "largest_replace": 100_000_000,
        "cumulative_invalid": False,
        "operation_status": None,
    }

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._sessions = Sessions(self.records, self.clock)
        self._usage = Usage(self)
        self._replaces = Replaces(self, self._sessions)

    # what surrounds every call

    def path_of(self, request: Request) -> str:
        """The SDK ends the path of a node with a slash."""
        return super().path_of(request).rstrip("/")

    def method_of(self, request: Request) -> str:
        """The Graph API lets the parameter ``method`` stand in for the verb of a POST."""
        asked = request.form.get("method") or request.query.get("method") if request.method == "POST" else None
        return asked.upper() if isinstance(asked, str) else request.method

    def admit(self, request: Request) -> None:
        """Token, proof, account limits."""
        access.check(request, self.settings)
        if (account := self._account_of(request)) is not None:
            self._usage.spend(account, reading=request.operation == "read")

    def finish(self, request: Request, answer: Answer) -> Answer:
        """Usage headers come with success as well as with failure."""
        answer.headers |= {"x-fb-trace-id": "sandbox", "facebook-api-version": "v26.0"}
        if (account := self._account_of(request)) is not None:
            answer.headers |= self._usage.headers(account)
        return answer

    def unknown_path(self, request: Request) -> Answer:
        """A retired version has its own error."""
        version = request.path.removeprefix("/meta/").split("/")[0]
        old = version.startswith("v") and version[1:].replace(".", "").isdigit() and float(version[1:]) < 26
        return refused(2635 if old else 2500).answer

    def error_named(self, code: str, action: Action) -> Answer:
        """The fault ``{"error": "80003"}`` or ``{"error": "2650/1870145"}``."""
        return named(code)

    def _account_of(self, request: Request) -> str | None:
        if (account := request.params.get("account")) is not None:
            return account if account.isdigit() else None
        found = self.book.get(request.params["audience"]) if "audience" in request.params else None
        return found.account if found else None

    def _account(self, request: Request) -> str:
        account = request.params["account"]
        if not account.isdigit():
            raise refused(100, 33)
        return account

    def _audience(self, request: Request) -> Audience:
        if (found := self.book.get(request.params["audience"])) is None:
            raise refused(100, 33)
        return found

    # the ad account

    @endpoint("GET", _V + "/act_{account}", "read")
    def account(self, request: Request) -> Json:
        """The ad account, for checks before a run."""
        account = self._account(request)
        terms = {
            "custom_audience_tos": int(self.settings["terms_accepted"]),
            "value_based_custom_audience_tos": int(self.settings["value_terms_accepted"]),
        }
        view = {
            "id": f"act_{account}",
            "account_id": account,
            "name": f"Sandbox account {account}",
            "account_status": self.settings["account_status"],
            "currency": "EUR",
            "timezone_name": "Etc/UTC",
            "tos_accepted": {name: value for name, value in terms.items() if value},
        }
        return audiences.chosen(view, request.query.get("fields"), "AdAccount", ("id",))

    @endpoint("POST", _V + "/act_{account}/customaudiences", "create")
    def create(self, request: Request) -> Json:
        """Open an audience."""
        account = self._account(request)
        access.require_terms(self.settings)
        name, data = audiences.read_new(access.params_of(request))
        if data["is_value_based"] and not self.settings["value_terms_accepted"]:
            raise refused(200, 1870090)
        if len(self.book.of_account(account)) >= self.settings["audiences_per_account"]:
            raise refused(2654, message="The ad account has as many customer-file audiences as it may have")
        number = str(self.records.next_number(120_210_000_000_000_001))
        return {"id": self.book.create(number, account, name, kind="CUSTOM", **data).id}

    @endpoint("GET", _V + "/act_{account}/customaudiences", "read")
    def list_audiences(self, request: Request) -> Json:
        """The audiences of the account, in pages."""
        found = audiences.filtered(self.book.of_account(self._account(request)), request.query.get("filtering"))
        views = [self._chosen(audience, request) for audience in found]
        return audiences.page(views, request.query)

    @endpoint("DELETE", _V + "/act_{account}/usersofanyaudience", "remove")
    def remove_everywhere(self, request: Request) -> Json:
        """Take people off all customer-file audiences of the account."""
        account = self._account(request)
        access.require_terms(self.settings)
        rows = self._rows(request)
        for audience in self.book.of_account(account):
            self.book.remove(audience, rows.keys)
        return {"account_id": account, **self._counts(None, rows)}

    # one audience

    @endpoint("GET", _V + "/{audience}", "read")
    def read(self, request: Request) -> Json:
        """The audience."""
        return self._chosen(self._audience(request), request)

    @endpoint("POST", _V + "/{audience}", "update")
    def update(self, request: Request) -> Json:
        """Change name or description."""
        audience = self._audience(request)
        if audience.data["flagged"]:
            raise refused(100, 1713228)
        audiences.change(audience, access.params_of(request))
        audience.data["updated"] = self.clock.now()
        self.book.save(audience)
        return {"success": True}

    @endpoint("DELETE", _V + "/{audience}", "delete")
    def delete(self, request: Request) -> Json:
        """Delete the audience."""
        self.book.delete(self._audience(request))
        return {"success": True}

    @endpoint("GET", _V + "/{audience}/sessions", "read")
    def sessions(self, request: Request) -> Json:
        """The upload sessions of the audience."""
        wanted = request.query.get("session_id")
        found = self._sessions.of_audience(self._audience(request), lambda valid: int(valid * self.settings["match_rate"]))
        found = [view for view in found if wanted in (None, view["session_id"])]
        return audiences.page(
            [audiences.chosen(view, request.query.get("fields"), "CustomAudienceSession", tuple(view)) for view in found],
            request.query,
        )

    @endpoint("POST", _V + "/{audience}/users", "add")
    def add(self, request: Request) -> Json:
        """Add people."""
        audience, rows, batch = self._upload(request)
        audiences.put_in(self.book, audience, rows.keys, self.clock.now())
        return self._taken(audience, "add", rows, batch)

    @endpoint("DELETE", _V + "/{audience}/users", "remove")
    def remove(self, request: Request) -> Json:
        """Remove people."""
        audience, rows, batch = self._upload(request)
        self.book.remove(audience, rows.keys)
        if self.book.people(audience) < self.settings["minimum_after_removal"]:
            raise refused(200, 1870047)
        return self._taken(audience, "remove", rows, batch)

    @endpoint("POST", _V + "/{audience}/usersreplace", "replace")
    def replace(self, request: Request) -> Json:
        """Replace everybody, over the batches of one session."""
        audience, rows, batch = self._upload(request, replacing=True)
        if batch is None:
            raise refused(100, message="The parameter session is required")
        if audience.data["is_value_based"] != ("LOOKALIKE_VALUE" in rows.schema):
            raise refused(100, message="A replace cannot change whether the audience is value based")
        session = self._replaces.take(audience, batch, rows, request.action)
        return {"account_id": audience.account, "audience_id": audience.id, **self._counts(session, rows)}

    # how uploads work

    def _upload(self, request: Request, *, replacing: bool = False) -> tuple[Audience, Rows, Batch | None]:
        audience = self._audience(request)
        access.require_terms(self.settings)
        if audience.data["flagged"]:
            raise refused(100, 1713230)
        if audience.data.get("replace") and not replacing:
            raise refused(2650, 1870145)
        rows = self._rows(request)
        if "LOOKALIKE_VALUE" in rows.schema and not audience.data["is_value_based"]:
            raise refused(100, message="LOOKALIKE_VALUE goes with value-based audiences only")
        return audience, rows, read_batch(access.params_of(request).get("session"))

    def _rows(self, request: Request) -> Rows:
        schema, data = read_payload(access.params_of(request).get("payload"))
        request.rows = len(data)
        return read_rows(schema, data, request.action.reject_rows)

    def _taken(self, audience: Audience, operation: str, rows: Rows, batch: Batch | None) -> Json:
        session = self._sessions.take_users(audience, operation, batch, rows) if batch else None
        if not audience.data["content_updated"]:
            audience.data["populated"] = self.clock.now() + self.settings["settle_seconds"]
        audiences.touch(self.book, audience, self.clock.now(), rows)
        return {"audience_id": audience.id, **self._counts(session, rows)}

    def _counts(self, session: Mapping[str, Any] | None, rows: Rows) -> dict[str, Json]:
        """``num_received`` counts the whole session so far."""
        cumulative = session is not None and self.settings["cumulative_invalid"]
        return {
            "session_id": str(session["session_id"] if session else self.records.next_number(1)),
            "num_received": session["received"] if session else rows.count,
            "num_invalid_entries": session["invalid"] if session and cumulative else len(rows.invalid),
            "invalid_entry_samples": rows.samples,
        }

    def apply(self, job: Job) -> None:
        """The time of a replace has come."""
        self._replaces.apply(job)

    def _chosen(self, audience: Audience, request: Request) -> dict[str, Json]:
        sized = "approximate" in request.query.get("fields", "") or "delivery" in request.query.get("fields", "")
        people = self.book.people(audience, self.settings["size_lag_seconds"]) if sized else 0
        full = audiences.view(audience, int(people * self.settings["match_rate"]), self.clock.now(), self.settings)
        return audiences.chosen(full, request.query.get("fields"), "CustomAudience", ("id",))


PLATFORM = Meta
