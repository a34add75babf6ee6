"""Topsort's offsite audiences: jobs, the bucket for their files, the list of audiences.

Accepted: the key ``sandbox-tsc-key``. A key of the other kind, ``sandbox-tse-key``, may not do this. An audience is listed half
a settle time after its file has come, then reaches one ad platform after the other. A file that is not what the page asks for
builds nothing, and nobody tells. https://docs.topsort.com (Create Offsite Audiences Job)
"""

from __future__ import annotations

import csv
import secrets
import uuid
from collections.abc import Iterator, Mapping
from io import StringIO
from typing import Any, ClassVar

from guestlist.sandbox._faults import Action
from guestlist.sandbox._storage import PATH, Storage
from guestlist.sandbox.core import (
    SHA256_HEX,
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

API_KEY = "sandbox-tsc-key"
_OTHER_KEY = "sandbox-tse-key"
_ROOT = "/public/v1/offsite-ads/audiences"
_KINDS = {"hashed_email": "email", "hashed_phone": "phone", "hashed_mobile_device_id": "mobile_ad_id"}
_COLUMNS = {*_KINDS, "hashed_first_name", "hashed_last_name"}
DSPS = ("google_ads", "meta", "tiktok_ads", "snapchat_ads")
_ERRORS = {
    "400": (400, "Bad request"),
    "401": (401, "Invalid authentication credentials"),
    "403": (403, "Not authenticated"),
    "404": (404, "Not Found"),
    "409": (409, "Conflict"),
    "429": (429, "Too many requests"),
    "500": (500, "Internal server error"),
    "503": (503, "Service unavailable"),
}


class Topsort(Platform):
    """One marketplace."""

    name = "topsort"
    book_name = "topsort"
    connection: ClassVar[Mapping[str, Json]] = {"api_key": API_KEY, "endpoint": "{http}/topsort"}
    defaults: ClassVar[Mapping[str, Json]] = {
        "settle_seconds": 1200,
        "address_seconds": 3600,
        "match_rate": 0.65,
        "page_size": 50,
        "longest_name": 64,  # of an earlier version of the page; the present one names no limit
        "longest_description": 400,  # the same
    }

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._storage = Storage(self)

    def admit(self, request: Request) -> None:
        """The key; the bucket's addresses need none."""
        if request.params.get("object"):
            return
        scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
        if scheme != "bearer" or request.bearer is None or request.bearer == _OTHER_KEY:
            raise Refused(self.error_named("403", request.action))
        if request.bearer != API_KEY:
            raise Refused(self.error_named("401", request.action))

    @endpoint("POST", _ROOT + "/user-list", "create")
    def create(self, request: Request) -> Answer:
        """Begin a job; nothing is built until its file has come."""
        try:
            body = request.json()
        except ValueError:
            raise _invalid(["body", 0], "JSON decode error", "json_invalid") from None
        if not isinstance(body, dict) or not request.headers.get("content-type", "").startswith("application/json"):
            raise _invalid(["body"], "Input should be a valid dictionary", "model_attributes_type")
        self._check(body)
        job = str(uuid.uuid4())
        wanted = {"name": body["name"], "description": body.get("description"), "dsp": body["dsp"]}
        self.records.put("job", job, {**wanted, "vendor": request.query.get("vendor_id"), "fails": _fails(request.action)})
        address = self._storage.address(f"{job}.csv", {"content-type": "text/csv"}, self.settings["address_seconds"])
        return Answer(201, {"jobId": job, "url": address})

    def _check(self, body: Mapping[str, Json]) -> None:
        for field, required in (("name", True), ("description", False)):
            value = body.get(field)
            if field not in body and required:
                raise _invalid(["body", field], "Field required", "missing")
            if value is None and not required:
                continue
            if not isinstance(value, str):
                raise _invalid(["body", field], "Input should be a valid string", "string_type")
            if not value:
                raise _invalid(["body", field], "String should have at least 1 character", "string_too_short")
            if len(value) > self.settings[f"longest_{field}"]:
                raise _invalid(["body", field], "String is too long", "string_too_long")
        _check_platforms(body)

    @endpoint("PUT", PATH, "replace")
    def upload(self, request: Request) -> Answer:
        """The file of a job. One that comes again within the hour takes the place of the first while that is not built."""
        answer = self._storage.put(request)
        name = request.params["object"].removesuffix(".csv")
        job = self.records.get("job", name)
        rows = list(_rows(request.body))
        request.rows = len(rows)
        if not job.get("begun"):
            self._plan(name, list(dict.fromkeys(job["dsp"])))
        fails = _fails(request.action) or job["fails"]
        self.records.put("job", name, {**job, "begun": True, "fails": fails})
        self.staging.drop(name)
        self.staging.put(name, [key for row in rows for key in _keys(row)] if all(map(_valid, rows)) else None)
        self._storage.drop(request.params["object"])
        return answer

    def _plan(self, name: str, platforms: list[str]) -> None:
        """Half the time until the audience is listed, the other half until the last ad platform has it."""
        half = self.settings["settle_seconds"] / 2
        self.later(name, half)
        for place, platform in enumerate(platforms, 1):
            self.later(f"{name} {platform}", half + half * place / len(platforms))

    def apply(self, job: Job) -> None:
        """The time has come for an audience to be listed, or to reach its next ad platform."""
        name, _, platform = job.owner.partition(" ")
        facts = self.records.get("job", name)
        if not platform:
            self._build(name, facts, job.due)
        elif (audience := self.book.get(facts.get("audience", ""))) is not None:
            audience.data["synced"] += [platform]
            self.book.save(audience)

    def _build(self, name: str, facts: dict[str, Any], due: float) -> None:
        [keys] = self.staging.take(name)
        if not keys or facts["fails"]:
            return
        wanted = {"description": facts["description"], "synced": []}
        audience = self.book.create(secrets.token_hex(12), facts["vendor"] or "", facts["name"], kind="user_list", **wanted)
        self.book.add(audience, keys, added=due)
        self.records.put("job", name, {**facts, "audience": audience.id})

    @endpoint("GET", _ROOT, "read")
    def list_audiences(self, request: Request) -> Json:
        """The audiences that a vendor, or without one anybody, may use; in pages."""
        vendor, platform = request.query.get("vendor_id"), request.query.get("dsp")
        if platform is not None and platform not in DSPS:
            raise _invalid(["query", "dsp"], f"Input should be one of {', '.join(DSPS)}", "enum")
        found = [audience for audience in self.book.all() if vendor is None or audience.account in ("", vendor)]
        found = [audience for audience in found if platform is None or platform in audience.data["synced"]]
        start = request.query.get("next_page", "0")
        if not start.isdigit():
            raise _invalid(["query", "next_page"], "Invalid cursor", "value_error")
        end = int(start) + self.settings["page_size"]
        more = end < len(found)
        return {
            "hasMore": more,
            "nextPage": str(end) if more else None,
            "dsp": list(DSPS),
            "audiences": [self._view(audience) for audience in found[int(start) : end]],
        }

    def _view(self, audience: Audience) -> dict[str, Json]:
        size = int(self.book.people(audience) * self.settings["match_rate"])
        return {
            "id": audience.id,
            "name": audience.name,
            "description": audience.data["description"],
            "estimatedSize": size,
            "estimatedSizeRange": {"lowerBound": size * 9 // 10, "upperBound": size * 11 // 10},
            "syncedDsps": audience.data["synced"],
        }

    def error_named(self, code: str, action: Action) -> Answer:
        """The fault ``{"error": "422"}``, or another status that the page leaves open."""
        if code == "422":
            return _invalid(["body", "name"], "Field required", "missing").answer
        if code not in _ERRORS:
            raise ValueError(f"topsort has no error {code}; it has: 422, {', '.join(_ERRORS)}")
        status, message = _ERRORS[code]
        return Answer(status, {"detail": [{"loc": ["request"], "msg": message, "type": "http_exception"}]})

    def unknown_path(self, request: Request) -> Answer:
        """In the form of the other errors."""
        return self.error_named("404", request.action)


def _invalid(place: list[str | int], message: str, kind: str) -> Refused:
    return Refused(Answer(422, {"detail": [{"loc": place, "msg": message, "type": kind}]}))


def _check_platforms(body: Mapping[str, Json]) -> None:
    found = body.get("dsp")
    if "dsp" not in body:
        raise _invalid(["body", "dsp"], "Field required", "missing")
    if not isinstance(found, list):
        raise _invalid(["body", "dsp"], "Input should be a valid list", "list_type")
    if not found:
        raise _invalid(["body", "dsp"], "List should have at least 1 item after validation, not 0", "too_short")
    for place, platform in enumerate(found):
        if platform not in DSPS:
            raise _invalid(["body", "dsp", place], f"Input should be one of {', '.join(DSPS)}", "enum")


def _fails(action: Action) -> bool:
    return bool(action.fail_job)


def _rows(content: bytes) -> Iterator[dict[str | None, Any]]:
    """The rows of a file; those of one that is no CSV in UTF-8 hold nothing that is valid."""
    yield from csv.DictReader(StringIO(content.decode("utf-8", "replace"), newline=""))


def _valid(row: Mapping[str | None, Any]) -> bool:
    """One or more of the documented columns and no other; each value a SHA-256 in lower-case hex, or nothing."""
    return set(row) <= _COLUMNS and any(row.values()) and all(not cell or SHA256_HEX.fullmatch(cell) for cell in row.values())


def _keys(row: Mapping[str | None, Any]) -> list[tuple[str, str]]:
    return [(kind, row[column]) for column, kind in _KINDS.items() if row.get(column)]


PLATFORM = Topsort
