"""Klaviyo's bulk profile import jobs: taken as digests, done when their time comes, with an error for each profile that failed.

What an import error shows of the upload stays in memory and does not survive a restart of the sandbox.
https://developers.klaviyo.com/en/reference/bulk_import_profiles
"""

from __future__ import annotations

from typing import Any

from guestlist.sandbox._klaviyo_errors import answer, error, refused
from guestlist.sandbox._klaviyo_profiles import Profile, Profiles, read_profile
from guestlist.sandbox._klaviyo_requests import document, identifiers, resource
from guestlist.sandbox.core import Audience, Book, Json, Platform, Refused, Request, iso

_PROFILES = "/data/attributes/profiles/data"
_LISTS = "/data/relationships/lists/data"
_MOST_ERRORS = 100


class Imports:
    """The jobs of the account."""

    def __init__(self, platform: Platform, profiles: Profiles) -> None:
        self._platform = platform
        self._profiles = profiles
        self._uploads: dict[str, list[Json]] = {}
        """Job -> what was sent, for the copies in import errors."""

    def take(self, request: Request) -> Json:
        """Check a whole upload, and put it off as a job."""
        settings = self._platform.settings
        if len(request.body) > settings["bytes_per_import"]:
            raise refused("payload_too_large")
        data = document(request, "profile-bulk-import-job")
        given = _inner(data, "attributes", "profiles").get("data")
        if not isinstance(given, list) or not 1 <= len(given) <= settings["profiles_per_import"]:
            raise refused("invalid", f"1 to {settings['profiles_per_import']} profiles are required.", pointer=_PROFILES)
        request.rows = len(given)
        target = self._list(_inner(data, "relationships", "lists").get("data"))
        profiles = self._read(given)
        if not target and not any(True in profile.memberships.values() for profile in profiles):
            request.operation = "remove"
        name = f"bulk_import_{self._platform.records.next_number(1000)}"
        now = self._platform.clock.now()
        job = {
            "created": now,
            "due": now + settings["settle_seconds"],
            "total": len(given),
            "list": target,
            "reject": [place for place in request.action.reject_rows if place < len(given)],
            "fail": request.action.fail_job,
            "count": request.action.count,
            "reason": request.action.reason or "invalid",
        }
        self._uploads[name] = given
        self._platform.records.put("job", name, job)
        self._platform.staging.put(name, [profile.as_json() for profile in profiles])
        self._platform.later(name)
        return self.view(name, job)

    def _list(self, given: Json) -> str | None:
        """One list, as the schema's array; whether several would do is not documented."""
        if given is None:
            return None
        [target] = identifiers(given, "list", _LISTS, 1)
        if (found := self._platform.book.get(target)) is None or found.kind != "list":
            raise refused("not_found", "A list with this id does not exist.", pointer=f"{_LISTS}/0/id")
        return target

    def _read(self, given: list[Json]) -> list[Profile]:
        """Every profile, or a refusal of the whole for those that are wrong, which it may or may not point at."""
        read = [
            read_profile(item, f"{_PROFILES}/{place}", self._platform.settings["bytes_per_profile"])
            for place, item in enumerate(given)
        ]
        if problems := [problem for _, found in read for problem in found]:
            if not self._platform.settings["points_at_rows"]:
                problems = [error("invalid", "Some profiles are invalid.", pointer=_PROFILES)]
            raise Refused(answer(problems[:_MOST_ERRORS]))
        seen: set[tuple[str, str]] = set()
        for place, (profile, _) in enumerate(read):
            keys = set(profile.keys.items()) if profile else set()
            if keys & seen:
                raise refused("invalid", "The same profile stands twice in the request.", pointer=f"{_PROFILES}/{place}")
            seen |= keys
        return [profile for profile, _ in read if profile]

    def apply(self, name: str) -> None:
        """Do the work of a job, whoever may still ask for it."""
        job = self._platform.records.get("job", name)
        [staged] = self._platform.staging.take(name)
        upload = self._uploads.pop(name, [None] * len(staged))
        if job["fail"] is True:
            job["cancelled"] = True
        else:
            failed = dict.fromkeys(job["reject"], job["reason"])
            if job["fail"] == "partial":
                failed |= dict.fromkeys(range(min(job["count"] or 1, len(staged))), job["reason"])
            done = self._upsert(staged, failed)
            self._enter(job, [(profile_id, Profile(*staged[place])) for place, profile_id in done.items()])
            job |= {"errors": sorted(failed.items()), "profiles": list(dict.fromkeys(done.values()))}
            self._uploads[name] = [upload[place] for place in sorted(failed)]
        job["completed"] = self._platform.clock.now()
        self._platform.records.put("job", name, job)

    def _upsert(self, staged: list[Json], failed: dict[int, str]) -> dict[int, str]:
        """Place in the upload -> id of the profile; those whose identifiers do not agree are entered as failed."""
        done: dict[int, str] = {}
        for place, written in enumerate(staged):
            if place in failed:
                continue
            if (profile_id := self._profiles.upsert(Profile(*written))) is None:
                failed[place] = "duplicate_profile"
            else:
                done[place] = profile_id
        return done

    def _enter(self, job: dict[str, Any], done: list[tuple[str, Profile]]) -> None:
        """Put the profiles on the list, and into and out of the audiences of their properties."""
        book = self._platform.book
        if job["list"] and (audience := book.get(job["list"])):
            self._profiles.put_in(audience, [profile_id for profile_id, _ in done])
        for name in {name for _, profile in done for name in profile.memberships}:
            audience = _of_property(book, name)
            self._profiles.put_in(audience, [known for known, profile in done if profile.memberships.get(name) is True])
            self._profiles.take_out(audience, [known for known, profile in done if profile.memberships.get(name) is False])

    def _get(self, name: str) -> dict[str, Any]:
        job = self._platform.records.get("job", name)
        if job is None or self._platform.clock.now() > job["created"] + self._platform.settings["job_expires_seconds"]:
            raise refused("not_found", "A job with this id does not exist.")
        found: dict[str, Any] = job
        return found

    def one(self, name: str) -> Json:
        """A job, as it stands."""
        return self.view(name, self._get(name))

    def all(self, status: str | None) -> list[Json]:
        """The jobs, of one status or of all."""
        views = [self.view(name, job) for name, job in self._platform.records.all("job")]
        return [view for view in views if status in (None, view["attributes"]["status"])]

    def view(self, name: str, job: dict[str, Any]) -> Json:
        """A job as Klaviyo shows it. There is no status for failure: its counts tell."""
        started = job["created"] + (job["due"] - job["created"]) / 2
        ended, running = "completed" in job, self._platform.clock.now() >= started
        failed = len(job.get("errors", ()))
        expires = job["created"] + self._platform.settings["job_expires_seconds"]
        attributes = {
            "status": ("cancelled" if job.get("cancelled") else "complete") if ended else "processing" if running else "queued",
            "created_at": iso(job["created"]),
            "started_at": iso(started) if ended or running else None,
            "completed_at": iso(job["completed"]) if ended else None,
            "expires_at": iso(expires),
            "total_count": job["total"],
            "completed_count": len(job.get("profiles", ())),
            "failed_count": failed,
        }
        address = f"{self._platform.world.addresses.get('http', '')}/klaviyo/api/profile-bulk-import-jobs"
        return resource("profile-bulk-import-job", name, attributes, address)

    def errors(self, name: str) -> list[Json]:
        """The import errors of a job, each with a copy of what was sent."""
        found = self._get(name).get("errors", [])
        copies = self._uploads.get(name) or [None] * len(found)
        return [
            {
                "type": "import-error",
                "id": f"{name}-{place}",
                "attributes": {
                    "code": code,
                    "title": "Invalid input.",
                    "detail": "The profile could not be imported.",
                    "source": {"pointer": f"{_PROFILES}/{place}"},
                    "original_payload": copy,
                },
            }
            for (place, code), copy in zip(found, copies, strict=True)
        ]

    def profiles(self, name: str) -> list[str]:
        """The ids of the profiles that a job made or changed."""
        return list(self._get(name).get("profiles", []))


def _inner(data: dict[str, Any], *names: str) -> dict[str, Any]:
    """The object at this path, empty where there is none; refused where it is something else."""
    found: Any = data
    for place, name in enumerate(names):
        found = found.get(name)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise refused("invalid", "An object is required.", pointer="/".join(("/data", *names[: place + 1])))
    inner: dict[str, Any] = found
    return inner


def _of_property(book: Book, name: str) -> Audience:
    """Those who have a property; Klaviyo knows it once a profile has it."""
    return book.get(name) or book.create(name, "sandbox", name, kind="property")
