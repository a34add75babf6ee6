"""Klaviyo's API, revision 2026-10-15: lists, profiles and bulk profile imports; a list or a boolean property is an audience.

Accepted: the private key ``pk_sandbox`` (or the OAuth token ``sandbox-token``). Books and records keep digests of identifiers
only. https://developers.klaviyo.com/en/reference/api_overview
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from guestlist.sandbox import _klaviyo_lists as lists
from guestlist.sandbox._faults import Action
from guestlist.sandbox._klaviyo_errors import named, refused, throttled
from guestlist.sandbox._klaviyo_imports import Imports
from guestlist.sandbox._klaviyo_pages import bad_cursor, cursor_of, links, page, page_size
from guestlist.sandbox._klaviyo_profiles import KINDS, START, Profiles, read_profile
from guestlist.sandbox._klaviyo_requests import Filter, check_headers, document, read_filter, related, resource
from guestlist.sandbox.core import Answer, Audience, Job, Json, Platform, Request, World, digest, endpoint

_KEYS = ("Klaviyo-API-Key pk_sandbox", "Bearer sandbox-token")
# operation: scopes, calls a second and a minute
_CALLS: Mapping[str, tuple[tuple[str, ...], int, int]] = {
    "read": (("lists:read",), 75, 750),
    "count": (("lists:read",), 1, 15),
    "create": (("lists:write",), 10, 150),
    "update": (("lists:write",), 10, 150),
    "delete": (("lists:write",), 10, 150),
    "lookup": (("profiles:read",), 75, 750),
    "members": (("lists:read", "profiles:read"), 75, 750),
    "create_profile": (("profiles:write",), 75, 750),
    "add": (("lists:write", "profiles:write"), 10, 150),
    "remove": (("lists:write", "profiles:write"), 10, 150),
    "status": (("lists:read", "profiles:read"), 10, 150),
    "errors": (("profiles:read",), 10, 150),
}
_DAY = 86_400


class Klaviyo(Platform):
    """Fixed windows of a second and a minute for each kind of call; imports finish later."""

    name = "klaviyo"
    book_name = "klaviyo"
    connection: ClassVar[Mapping[str, Json]] = {"api_key": "pk_sandbox", "endpoint": "{http}/klaviyo"}
    defaults: ClassVar[Mapping[str, Json]] = {
        "settle_seconds": 30,
        "job_expires_seconds": 7 * _DAY,
        "key_valid": True,
        "scopes": ["lists:read", "lists:write", "profiles:read", "profiles:write"],
        "oldest_revision": "2024-10-15",
        "newest_revision": "2026-10-15",
        "opt_in_process": "double_opt_in",
        "lists_per_day": 150,
        "profiles_per_import": 10_000,
        "bytes_per_import": 5_000_000,
        "bytes_per_profile": 100_000,
        "ids_per_call": 1000,
        "values_per_filter": 100,
        "points_at_rows": True,
        "unknown_ids_are_missed": False,
    }

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._profiles = Profiles(self)
        self._imports = Imports(self, self._profiles)

    # what surrounds every call

    def admit(self, request: Request) -> None:
        """Headers, key, scopes, windows."""
        check_headers(request, self.settings["oldest_revision"], self.settings["newest_revision"])
        if not (given := request.headers.get("authorization")):
            raise refused("not_authenticated")
        if given not in _KEYS or request.action.expire_token or not self.settings["key_valid"]:
            raise refused("authentication_failed")
        if "additional-fields[list]" in request.query and request.operation == "read":
            request.operation = "count"
        scopes, second, minute = _CALLS[request.operation]
        if not set(scopes) <= set(self.settings["scopes"]):
            raise refused("permission_denied", f"Missing one of the scopes {', '.join(scopes)}.")
        for window, limit in ((1, second), (60, minute)):
            if wait := self.world.quotas.spend(self._quota(request.operation), window, limit):
                raise throttled(wait)

    def finish(self, request: Request, answer: Answer) -> Answer:
        """JSON:API, and the steady window on every answer but a 429."""
        answer.headers |= {"content-type": "application/vnd.api+json"}
        if answer.status != 429 and (call := _CALLS.get(request.operation)):
            spent = self.world.quotas.spent(self._quota(request.operation), 60)
            answer.headers |= {
                "ratelimit-limit": f"{call[2]}",
                "ratelimit-remaining": f"{max(0, call[2] - int(spent))}",
                "ratelimit-reset": f"{int(60 - self.clock.now() % 60)}",
            }
        return answer

    def _quota(self, operation: str) -> str:
        return f"klaviyo {operation}"

    def unknown_path(self, request: Request) -> Answer:
        """Everything else that Klaviyo has: subscription jobs above all, which no audience needs."""
        return refused("not_found", "The sandbox does not have this path.").answer

    def error_named(self, code: str, action: Action) -> Answer:
        """The fault ``{"error": "throttled"}``."""
        return named(code)

    def _address(self, path: str) -> str:
        return f"{self.world.addresses.get('http', '')}/klaviyo/api/{path}"

    # lists

    @endpoint("POST", "/api/lists", "create")
    def create(self, request: Request) -> Answer:
        """Open a list; its name need not be its own."""
        attributes = lists.attributes(request, ("name", "opt_in_process"))
        opt_in = lists.opt_in(attributes.get("opt_in_process") or self.settings["opt_in_process"])
        if wait := self.world.quotas.spend("klaviyo lists", _DAY, self.settings["lists_per_day"]):
            raise throttled(wait)
        made = lists.create(self.book, self.records, attributes["name"], opt_in)
        return Answer(201, {"data": lists.view(made, self._address("lists"))})

    @endpoint("GET", "/api/lists", "read")
    def all_lists(self, request: Request) -> Json:
        """Lists in pages of ten."""
        wanted = read_filter(request, ("id", "name"), self.settings["values_per_filter"])
        found = [audience for audience in self.book.all() if audience.kind == "list"]
        if wanted:
            found = [audience for audience in found if getattr(audience, wanted.field) in wanted.values]
        views = [lists.view(audience, self._address("lists")) for audience in found]
        return page(views, request, self._address("lists"), default=10, most=10)

    @endpoint("GET", "/api/lists/{list}", "read")
    def one_list(self, request: Request) -> Json:
        """One list, with its size where that is asked for."""
        additional = request.query.get("additional-fields[list]")
        if additional not in (None, "profile_count"):
            raise refused("invalid", "Invalid additional field.", parameter="additional-fields[list]")
        audience = self._list(request)
        view = lists.view(audience, self._address("lists"))
        if additional:
            view["attributes"]["profile_count"] = self._profiles.count_inside(audience)
        return {"data": view}

    @endpoint("PATCH", "/api/lists/{list}", "update")
    def rename(self, request: Request) -> Json:
        """Change the name, and nothing else."""
        audience = self._list(request)
        audience.name = lists.attributes(request, ("name",))["name"]
        self.book.save(audience)
        return {"data": lists.view(audience, self._address("lists"))}

    @endpoint("DELETE", "/api/lists/{list}", "delete")
    def delete(self, request: Request) -> Answer:
        """Delete a list; its profiles stay."""
        self.book.delete(self._list(request))
        return Answer(204)

    def _list(self, request: Request) -> Audience:
        found = self.book.get(request.params["list"])
        if found is None or found.kind != "list":
            raise refused("not_found", "A list with this id does not exist.", parameter="id")
        return found

    # who is on a list

    @endpoint("GET", "/api/lists/{list}/relationships/profiles", "members")
    def members(self, request: Request) -> Json:
        """The ids of the profiles on a list."""
        audience, size = self._list(request), page_size(request, default=20, most=100)
        place = cursor_of(request, START)
        if not (isinstance(place, list | tuple) and len(place) == 2 and all(isinstance(part, str) for part in place)):
            raise bad_cursor()
        found = self._profiles.inside(audience, (place[0], place[1]), size)
        items = [{"type": "profile", "id": known} for known in found.ids]
        address = self._address(f"lists/{audience.id}/relationships/profiles")
        return {"data": items, "links": links(request, address, found.before, found.after)}

    @endpoint("POST", "/api/lists/{list}/relationships/profiles", "add")
    def put_on(self, request: Request) -> Answer:
        """Put profiles on a list, by their ids."""
        self._profiles.put_in(*self._named(request))
        return Answer(204)

    @endpoint("DELETE", "/api/lists/{list}/relationships/profiles", "remove")
    def take_off(self, request: Request) -> Answer:
        """Take profiles off a list, by their ids; consent stays as it is."""
        self._profiles.take_out(*self._named(request))
        return Answer(204)

    def _named(self, request: Request) -> tuple[Audience, Sequence[str]]:
        """List and profiles. Whether an id that is not known is passed over is not documented: a setting tells."""
        audience = self._list(request)
        ids = related(request, self.settings["ids_per_call"])
        request.rows = len(ids)
        if self.settings["unknown_ids_are_missed"] and not all(map(self._profiles.get, ids)):
            raise refused("not_found", "A profile with this id does not exist.")
        return audience, ids

    # profiles

    @endpoint("GET", "/api/profiles", "lookup")
    def profiles(self, request: Request) -> Json:
        """Profiles in pages; the sandbox can show nothing of them but the value that they were asked by."""
        wanted = read_filter(request, ("id", *KINDS), self.settings["values_per_filter"])
        asked = self._asked(wanted) if wanted else dict.fromkeys(self._profiles.all(), "")
        shown = request.query.get("fields[profile]", ",".join(KINDS)).split(",")
        views = []
        for profile_id, value in asked.items():
            told = {wanted.field: value} if wanted and wanted.field in KINDS else {}
            attributes = {name: told.get(name) for name in shown}
            views.append(resource("profile", profile_id, attributes, self._address("profiles")))
        return page(views, request, self._address("profiles"), default=20, most=100)

    def _asked(self, wanted: Filter) -> dict[str, str]:
        """The ids of those who have one of the values, and which."""
        if wanted.field == "id":
            return {value: value for value in wanted.values if self._profiles.get(value) is not None}
        found = {value: self._profiles.find(wanted.field, digest(value)) for value in wanted.values}
        return {profile_id: value for value, profile_id in found.items() if profile_id}

    @endpoint("POST", "/api/profiles", "create_profile")
    def create_profile(self, request: Request) -> Answer:
        """Make one profile, which must be new."""
        data = document(request, "profile")
        profile, problems = read_profile(data, "/data", self.settings["bytes_per_profile"])
        if profile is None:
            return Answer(400, {"errors": problems})
        if known := self._profiles.matching(profile):
            raise refused("duplicate_profile", pointer="/data/attributes", duplicate_profile_id=known[0])
        made = self._profiles.upsert(profile)
        return Answer(201, {"data": resource("profile", str(made), data["attributes"], self._address("profiles"))})

    # jobs that import profiles

    @endpoint("POST", "/api/profile-bulk-import-jobs", "add")
    def import_profiles(self, request: Request) -> Answer:
        """Take an upload; it acts later."""
        return Answer(202, {"data": self._imports.take(request)})

    @endpoint("GET", "/api/profile-bulk-import-jobs", "status")
    def jobs(self, request: Request) -> Json:
        """Jobs, of one status or of all."""
        wanted = read_filter(request, ("status",), 1)
        found = self._imports.all(wanted.values[0] if wanted else None)
        return page(found, request, self._address("profile-bulk-import-jobs"), default=20, most=100)

    @endpoint("GET", "/api/profile-bulk-import-jobs/{job}", "status")
    def job(self, request: Request) -> Json:
        """One job."""
        return {"data": self._imports.one(request.params["job"])}

    @endpoint("GET", "/api/profile-bulk-import-jobs/{job}/import-errors", "errors")
    def import_errors(self, request: Request) -> Json:
        """What a job could not import."""
        job = request.params["job"]
        address = self._address(f"profile-bulk-import-jobs/{job}/import-errors")
        return page(self._imports.errors(job), request, address, default=20, most=100)

    @endpoint("GET", "/api/profile-bulk-import-jobs/{job}/profiles", "status")
    def imported(self, request: Request) -> Json:
        """The profiles of a job."""
        job = request.params["job"]
        found = [resource("profile", known, {}, self._address("profiles")) for known in self._imports.profiles(job)]
        return page(found, request, self._address(f"profile-bulk-import-jobs/{job}/profiles"), default=20, most=100)

    def apply(self, job: Job) -> None:
        """The time of an import has come."""
        self._imports.apply(job.owner)


PLATFORM = Klaviyo
