"""TikTok's API for Business v1.3: custom audiences by segment streaming and by customer files.

Accepted: the access token ``sandbox-token``, in the header ``Access-Token``; every advertiser of digits exists.
https://business-api.tiktok.com/portal/docs?id=1747012327159809
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from guestlist.sandbox._faults import Action
from guestlist.sandbox._tiktok_audiences import body_of, history, ids_of, name_of, number_of, one_of, view
from guestlist.sandbox._tiktok_errors import bad, envelope, named, refused
from guestlist.sandbox._tiktok_files import CREATE_FIELDS, FILE_AUDIENCE, UPDATE_FIELDS, Files
from guestlist.sandbox._tiktok_rows import read_schema, read_users
from guestlist.sandbox.core import Answer, Audience, Job, Json, Platform, Request, World, endpoint

ACCESS_TOKEN = "sandbox-token"  # noqa: S105 - a constant of the sandbox, in its documentation
_V = "/open_api/v1.3"
_STREAMED = "Partner"
_LONGEST_STREAMED_NAME = 70
_SECOND, _MINUTE, _DAY = 1, 60, 86_400
_SUSPENDED = 5 * _MINUTE


class TikTokAds(Platform):
    """The audience endpoints. HTTP is 200 whatever happens, but for a path or verb that there is not."""

    name = "tiktok_ads"
    book_name = "tiktok_ads"
    connection: ClassVar[Mapping[str, Json]] = {
        "advertiser_id": "7012345678901234567",
        "access_token": ACCESS_TOKEN,
        "endpoint": "{http}/tiktok_ads/open_api/v1.3",
    }
    defaults: ClassVar[Mapping[str, Json]] = {
        "settle_seconds": 3600,
        "size_lag_seconds": 86_400,
        "match_rate": 0.65,
        "cover_num": None,
        "minimum_matched": 1000,
        "replace_hours": 24,
        "token_valid": True,
        "advertisers": None,
        "streaming_allowed": True,
        "audiences_per_account": 400,
        "rows_per_request": 1000,
        "bytes_per_request": 1_000_000,
        "bytes_per_file": 50_000_000,
        "calls_per_second": None,
        "calls_per_minute": 600,
        "calls_per_day": 864_000,
        "streaming_calls_per_second": 10_000,
        "streaming_calls_per_minute": 600_000,
    }

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._files = Files(self)

    # what surrounds every call

    def admit(self, request: Request) -> None:
        """The token in its header, and the quotas of the endpoint."""
        token = request.headers.get("access-token")
        if not token:
            raise refused("40104")
        if request.action.expire_token or not self.settings["token_valid"]:
            raise refused("40102")
        if token != ACCESS_TOKEN:
            raise refused("40105")
        self._throttle(self.path_of(request))

    def _throttle(self, path: str) -> None:
        """A second, a minute and a day's calls of one endpoint; who passes the minute's has to rest for five."""
        quotas = self.world.quotas
        tier = "streaming_calls" if path.startswith(f"{_V}/segment/") else "calls"
        place = f"{self.name}{path}"
        windows = [("second", _SECOND), ("minute", _MINUTE), ("day", _DAY)]
        limits = [(seconds, self.settings.all().get(f"{tier}_per_{window}")) for window, seconds in windows]
        for seconds, limit in limits:
            if quotas.blocked(place) or (limit is not None and quotas.spend(place, seconds, limit)):
                if seconds == _MINUTE:
                    quotas.block(place, _SUSPENDED)
                raise refused("40100")

    def unknown_path(self, request: Request) -> Answer:
        """The gateway in front of the API answers in text; a path without its last slash is no path, either."""
        return Answer(404, "404 page not found", {"content-type": "text/plain"})

    def error_named(self, code: str, action: Action) -> Answer:
        """The fault ``{"error": "40100"}``, or ``{"error": "40002/processing"}``."""
        return named(code)

    def apply(self, job: Job) -> None:
        """Process files."""
        self._files.process(job.owner)

    def _advertiser(self, given: Json) -> str:
        if not isinstance(given, str) or not given.isdigit():
            raise bad("advertiser_id must be a string of digits")
        if self.settings["advertisers"] is not None and given not in self.settings["advertisers"]:
            raise refused("40001")
        return given

    def _audience(self, advertiser: str, number: Json) -> Audience:
        if not isinstance(number, str) or not number.isdigit():
            raise bad("an audience id is a string of digits")
        found = self.book.get(number)
        if found is None or found.account != advertiser:
            raise refused("40007")
        return found

    def _room(self, advertiser: str) -> None:
        if len(self.book.of_account(advertiser)) >= self.settings["audiences_per_account"]:
            raise bad("the advertiser has as many audiences as it may have")

    # all audiences

    @endpoint("GET", _V + "/dmp/custom_audience/list/", "read")
    def list_audiences(self, request: Request) -> Answer:
        """The audiences of an advertiser, in pages."""
        advertiser = self._advertiser(request.query.get("advertiser_id"))
        page = number_of(request.query.get("page", "1"), "page", 1, 1_000_000)
        size = number_of(request.query.get("page_size", "10"), "page_size", 1, 100)
        found = self.book.of_account(advertiser)
        if "custom_audience_ids" in request.query:
            wanted = ids_of(request.query["custom_audience_ids"])
            found = [audience for audience in found if audience.id in wanted]
        views = [self._viewed(audience, "audience_type") for audience in found]
        info = {"page": page, "page_size": size, "total_number": len(views), "total_page": -(-len(views) // size)}
        return envelope({"list": views[(page - 1) * size : page * size], "page_info": info})

    @endpoint("GET", _V + "/dmp/custom_audience/get/", "read")
    def get_audiences(self, request: Request) -> Answer:
        """Details and history."""
        advertiser = self._advertiser(request.query.get("advertiser_id"))
        most = number_of(request.query.get("history_size", "100"), "history_size", 1, 100)
        found = [self._audience(advertiser, number) for number in ids_of(request.query.get("custom_audience_ids"))]
        return envelope(
            {
                "list": [
                    {"audience_details": self._viewed(audience, "type"), "audience_history": history(audience)[:most]}
                    for audience in found
                ]
            }
        )

    @endpoint("POST", _V + "/dmp/custom_audience/delete/", "delete")
    def delete_audiences(self, request: Request) -> Answer:
        """Delete audiences of either kind."""
        body = body_of(request, ("custom_audience_ids",))
        advertiser = self._advertiser(body.get("advertiser_id"))
        numbers = body.get("custom_audience_ids")
        if not isinstance(numbers, list) or not 1 <= len(numbers) <= 100:
            raise bad("custom_audience_ids must be a list of 1 to 100 ids")
        for audience in [self._audience(advertiser, number) for number in numbers]:
            self.book.delete(audience)
        return envelope()

    def _viewed(self, audience: Audience, type_name: str) -> Json:
        lag = 0 if audience.kind == FILE_AUDIENCE else self.settings["size_lag_seconds"]
        return view(audience, type_name, self.book.people(audience, lag), self.clock.now(), self.settings)

    # segment streaming

    @endpoint("POST", _V + "/segment/audience/", "create")
    def segment(self, request: Request) -> Answer:
        """Open or delete a streaming audience."""
        self._may_stream()
        body = body_of(request, ("action", "custom_audience_name", "delete_audience_id"))
        advertiser = self._advertiser(body.get("advertiser_id"))
        if one_of(body.get("action", "create"), ("create", "delete")) == "delete":
            request.operation = "delete"
            self.book.delete(self._streamed(advertiser, body.get("delete_audience_id")))
            return envelope()
        name = name_of(body.get("custom_audience_name"), 10_000)
        self._room(advertiser)
        if len(name) > _LONGEST_STREAMED_NAME:
            name = f"{name[:67]}..."
        number = str(self.records.next_number(7_300_000_000_000_000_001))
        return envelope({"audience_id": self._open(number, advertiser, name).id})

    def _open(self, number: str, advertiser: str, name: str) -> Audience:
        return self.book.create(number, advertiser, name, kind=_STREAMED, edited=self.clock.now())

    def _may_stream(self) -> None:
        if not self.settings["streaming_allowed"]:
            raise refused("40118")

    def _streamed(self, advertiser: str, number: Json) -> Audience:
        audience = self._audience(advertiser, number)
        if audience.kind != _STREAMED:
            raise bad("the audience is not one of segment streaming")
        return audience

    @endpoint("POST", _V + "/segment/mapping/", "add")
    def mapping(self, request: Request) -> Answer:
        """Map users to audiences, or take the mappings away: all of the request, or nothing."""
        self._may_stream()
        if len(request.body) > self.settings["bytes_per_request"]:
            raise refused("40011")
        body = body_of(request, ("advertiser_ids", "action", "id_schema", "batch_data"))
        action = one_of(body.get("action", "add"), ("add", "delete"))
        request.operation = "add" if action == "add" else "remove"
        owners = body.get("advertiser_ids")
        if "advertiser_id" in body or not isinstance(owners, list) or not owners:
            raise bad("advertiser_ids must be a list of strings")
        advertisers = [self._advertiser(owner) for owner in owners]
        rows = body.get("batch_data")
        if isinstance(rows, list) and len(rows) > self.settings["rows_per_request"]:
            raise refused("40011")
        users = read_users(read_schema(body.get("id_schema")), rows)
        if request.action.reject_rows:
            raise bad(request.action.reason or "an id is not accepted")
        request.rows = len(users)
        wanted: dict[str, list[tuple[str, str]]] = {}
        for key, numbers in (slot for user in users for slot in user):
            for number in numbers:
                wanted.setdefault(number, []).append(key)
        for number, keys in wanted.items():
            audience = self._owned(advertisers, number)
            (self.book.add if action == "add" else self.book.remove)(audience, keys)
            audience.data["edited"] = self.clock.now()
            self.book.save(audience)
        return envelope()

    def _owned(self, advertisers: list[str], number: str) -> Audience:
        """An audience that one of the advertisers owns."""
        found = self.book.get(number)
        owner = found.account if found and found.account in advertisers else advertisers[0]
        return self._streamed(owner, number)

    # customer files

    @endpoint("POST", _V + "/dmp/custom_audience/file/upload/", "upload")
    def upload(self, request: Request) -> Answer:
        """Keep a file for later."""
        form = request.form
        if unknown := sorted(set(form) - {"advertiser_id", "file", "file_signature", "calculate_type", "name"}):
            raise bad(f"there is no {', '.join(unknown)}")
        advertiser = self._advertiser(form.get("advertiser_id"))
        kind, signature = form.get("calculate_type"), form.get("file_signature")
        path, request.rows = self._files.take(advertiser, kind, signature, form.get("file"), request.action)
        return envelope({"file_path": path})

    @endpoint("POST", _V + "/dmp/custom_audience/create/", "create")
    def create(self, request: Request) -> Answer:
        """Make an audience of files."""
        body = body_of(request, CREATE_FIELDS)
        advertiser = self._advertiser(body.get("advertiser_id"))
        self._room(advertiser)
        return envelope({"custom_audience_id": self._files.create(advertiser, body, request.action).id})

    @endpoint("POST", _V + "/dmp/custom_audience/update/", "replace")
    def update(self, request: Request) -> Answer:
        """Rename an audience, or have files change it; an action that is not given is a replace."""
        body = body_of(request, UPDATE_FIELDS)
        audience = self._audience(self._advertiser(body.get("advertiser_id")), body.get("custom_audience_id"))
        request.operation = {"APPEND": "add", "REMOVE": "remove"}.get(str(body.get("action")), "replace")
        self._files.change(audience, body, request.action)
        return envelope()


PLATFORM = TikTokAds
