"""Whop's API: files, and the audiences that are built from them in the background.

Accepted: the key ``sandbox-whop-key`` with every scope, ``sandbox-whop-reader`` without ``audience:update``; any account
``biz_...``. Without ``Api-Version-Date`` audiences have the form of the undated contract, with it that of the dated one. Plain
text is held in memory until it has become digests. https://docs.whop.com/api-reference/audiences/audience
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from guestlist.sandbox._faults import Action
from guestlist.sandbox._storage import PATH
from guestlist.sandbox._whop_errors import named, refused
from guestlist.sandbox._whop_files import Files
from guestlist.sandbox._whop_replays import Replays
from guestlist.sandbox._whop_rows import FIELDS, read_rows
from guestlist.sandbox._whop_views import is_through, page, view
from guestlist.sandbox.core import Answer, Audience, Job, Json, Platform, Request, World, endpoint

API_KEY = "sandbox-whop-key"
_READER = "sandbox-whop-reader"
_V = "/api/v1"
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-\d+)?")
_ACCOUNT = re.compile(r"biz_\w+")
_FILES_SINCE = "2026-08-21"
_FAILED = "The file could not be read with this column mapping, or none of its rows could be used"
_PARTIAL = "Some rows could not be sent to the ad platform"


class Whop(Platform):
    """Every account of Whop."""

    name = "whop"
    book_name = "whop"
    connection: ClassVar[Mapping[str, Json]] = {
        "account_id": "biz_sandbox2024",
        "api_key": API_KEY,
        "endpoint": "{http}/whop/api/v1",
    }
    hurried: ClassVar[frozenset[str]] = frozenset({"settle_seconds", "file_seconds"})
    defaults: ClassVar[Mapping[str, Json]] = {
        "settle_seconds": 300,
        "file_seconds": 1,
        "address_seconds": 3600,
        "multipart_chunk_size": 5_242_880,
        "match_rate": 0.65,
        "requests_per_minute": None,
    }

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._files = Files(self)
        self._replays = Replays(self)

    # what surrounds every call

    def admit(self, request: Request) -> None:
        """Key, scope, version, rate, and the answer of the same request before; the storage's addresses need none of it."""
        if "object" in request.params:
            return
        if not request.headers.get("authorization", "").startswith("Bearer ") or request.bearer not in (API_KEY, _READER):
            raise refused(401, "A valid API key is required")
        if request.bearer == _READER and request.method != "GET":
            raise refused(403, "The key lacks the scope audience:update")
        version = request.headers.get("api-version-date")
        if version is not None and not _VERSION.fullmatch(version):
            raise refused(400, "Api-Version-Date is no date of a version")
        if request.path.startswith(f"/whop{_V}/files") and (version or "") < _FILES_SINCE:
            raise refused(400, f"files need Api-Version-Date {_FILES_SINCE}-1 or later")
        limit = self.settings["requests_per_minute"]
        if limit is not None and (wait := self.world.quotas.spend("requests", 60, limit)):
            answer = refused(429, "Too many requests")
            answer.answer.headers["retry-after"] = str(int(wait) + 1)
            raise answer
        self._replays.look(request)

    def finish(self, request: Request, answer: Answer) -> Answer:
        """Every answer has a request id; those of requests with a key are kept."""
        self._replays.keep(request, answer)
        answer.headers.setdefault("x-request-id", secrets.token_hex(8))
        return answer

    def unknown_path(self, request: Request) -> Answer:
        """In Whop's form."""
        return refused(404, "There is no such path").answer

    def error_named(self, code: str, action: Action) -> Answer:
        """The fault ``{"error": "409"}``."""
        return named(code)

    # files

    @endpoint("POST", _V + "/files", "create")
    def create_file(self, request: Request) -> Answer:
        """A record and an address for the bytes."""
        return Answer(201, self._files.create(request, _body(request)))

    @endpoint("PUT", PATH, "upload")
    def put_file(self, request: Request) -> Answer:
        """The bytes."""
        return self._files.put(request)

    @endpoint("POST", _V + "/files/{file}/complete", "update")
    def complete_file(self, request: Request) -> Json:
        """The parts, put together."""
        return self._files.complete(request, _body(request))

    @endpoint("GET", _V + "/files/{file}", "read")
    def read_file(self, request: Request) -> Json:
        """The record."""
        return self._files.read(request)

    # audiences

    @endpoint("POST", _V + "/audiences", "replace")
    def create(self, request: Request) -> Answer:
        """Begin to build an audience from a file."""
        body = _body(request)
        account, name, mapping = body.get("account_id"), body.get("name"), body.get("column_mapping")
        if not isinstance(account, str) or not _ACCOUNT.fullmatch(account):
            raise refused(400, "account_id must be the id of an account, biz_...")
        if not isinstance(name, str) or not name.strip():
            raise refused(400, "name is required")
        _check_mapping(mapping)
        number = f"adaud_{secrets.token_hex(7)}"
        audience = self.book.create(number, account, name, kind="custom", mapping=mapping, total=0, passed_on=0, error=None)
        return Answer(201, self._begin(request, audience, body.get("file_id")))

    @endpoint("POST", _V + "/audiences/{audience}/add_people", "add")
    def add_people(self, request: Request) -> Json:
        """Begin to add the people of a file; it takes one file after the other."""
        audience = self._audience(request)
        body = _body(request)
        if not is_through(audience):
            raise refused(409, "The audience is still processing")
        return self._begin(request, audience, body.get("file_id"))

    def _begin(self, request: Request, audience: Audience, file: Json) -> Json:
        action = request.action
        refuse = {*action.reject_rows, *(range(action.count or 1) if action.fail_job == "partial" else ())}
        rows = read_rows(self._files.take(file, request.bearer), audience.data["mapping"], refuse)
        request.rows = rows.total
        fails = action.fail_job is True or rows.lost == rows.total
        now = self.clock.now()
        times = {"begun": now, "ends": now + self.settings["settle_seconds"]}
        counts = {"added": rows.total, "lost": rows.lost, "fails": fails}
        audience.data |= {**times, **counts, "final": None, "error": None, "file": file}
        self.book.save(audience)
        self.staging.put(audience.id, rows.keys)
        self.later(audience.id)
        return self._view(audience, request)

    def apply(self, job: Job) -> None:
        """The time has come for the people of a file to be in their audience."""
        keys = [key for part in self.staging.take(job.owner) for key in part]
        if (audience := self.book.get(job.owner)) is None:
            return
        facts: dict[str, Any] = audience.data
        self._files.drop(facts["file"])
        facts["total"] += facts["added"]
        if not facts["fails"]:
            self.book.add(audience, keys, added=job.due)
            facts["passed_on"] += facts["added"] - facts["lost"]
        facts["final"] = "failed" if facts["fails"] else "partial" if facts["lost"] else "ready"
        facts["error"] = {"failed": _FAILED, "partial": _PARTIAL}.get(facts["final"])
        self.book.save(audience)

    @endpoint("GET", _V + "/audiences", "read")
    def list_audiences(self, request: Request) -> Json:
        """The audiences of an account, the newest first, in pages."""
        account = request.query.get("account_id", "")
        if not _ACCOUNT.fullmatch(account):
            raise refused(400, "account_id is required")
        wanted = request.query.get("audience_id")
        found = [one for one in reversed(self.book.of_account(account)) if wanted in (None, one.id)]
        kinds = {"audience_type": "custom", "source_type": "csv_upload"}
        if any(request.query.get(name, kind) != kind for name, kind in kinds.items()):
            found = []
        return page(found, request.query, lambda audience: self._view(audience, request))

    @endpoint("PATCH", _V + "/audiences/{audience}", "update")
    def rename(self, request: Request) -> Json:
        """Another name; a blank one is ignored."""
        audience = self._audience(request)
        name = _body(request).get("name")
        if isinstance(name, str) and name.strip():
            audience.name = name
            self.book.save(audience)
        return self._view(audience, request)

    @endpoint("DELETE", _V + "/audiences/{audience}", "delete")
    def delete(self, request: Request) -> Json:
        """Delete an audience."""
        self.book.delete(self._audience(request))
        return {"success": True}

    def _audience(self, request: Request) -> Audience:
        if (found := self.book.get(request.params["audience"])) is None:
            raise refused(404, "There is no such audience")
        return found

    def _view(self, audience: Audience, request: Request) -> dict[str, Json]:
        return view(audience, self.clock.now(), self.settings["match_rate"], dated="api-version-date" in request.headers)


def _body(request: Request) -> dict[str, Any]:
    try:
        body = request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or not request.headers.get("content-type", "").startswith("application/json"):
        raise refused(400, "The body must be a JSON object")
    return body


def _check_mapping(mapping: Json) -> None:
    if not isinstance(mapping, dict) or not all(isinstance(header, str) and header for header in mapping.values()):
        raise refused(400, "column_mapping must map identity fields to headers of the file")
    if unknown := sorted(set(mapping) - set(FIELDS)):
        raise refused(400, f"column_mapping has no identity field {', '.join(unknown)}")
    if not {"email", "phone"} & set(mapping):
        raise refused(400, "column_mapping must map email or phone")


PLATFORM = Whop
