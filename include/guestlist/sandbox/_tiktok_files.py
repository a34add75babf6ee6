"""TikTok's customer files: uploads, the audiences that are made of them, and their changes, which are processed later."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from guestlist.sandbox._faults import Action
from guestlist.sandbox._tiktok_audiences import YEAR, name_of, number_of, one_of
from guestlist.sandbox._tiktok_errors import bad, refused
from guestlist.sandbox._tiktok_rows import CREATE_TYPES, UPLOAD_TYPES, Key, read_file
from guestlist.sandbox.core import Audience, Json, Upload

if TYPE_CHECKING:
    from guestlist.sandbox.core import Platform

FILE_AUDIENCE = "Customer File Audience"
CREATE_FIELDS = (
    "custom_audience_name",
    "calculate_type",
    "file_paths",
    "audience_sub_type",
    "retention_in_days",
    "audience_enhancement",
)
UPDATE_FIELDS = ("custom_audience_id", "custom_audience_name", "file_paths", "action", "audience_sub_type")
_LONGEST_NAME = 128
_FILES = 500
_HOUR = 3600.0


class Files:
    """The uploads of all advertisers, and what they do to file audiences."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._records = platform.records
        self._settings = platform.settings

    def take(self, advertiser: str, kind: Json, signature: Json, file: Any, action: Action) -> tuple[str, int]:
        """Keep an upload; gives its path and the number of its rows."""
        if kind not in UPLOAD_TYPES:
            raise refused("40909")
        if not isinstance(file, Upload):
            raise bad("file is missing")
        if not file.filename.endswith((".csv", ".txt")):
            raise refused("40908")
        if len(file.content) > self._settings["bytes_per_file"]:
            raise refused("40907")
        if hashlib.md5(file.content, usedforsecurity=False).hexdigest() != signature:
            raise refused("40900")
        rows = read_file(kind, file.content)
        if action.reject_rows:
            raise refused("40915", action.reason or "")
        path = secrets.token_hex(8)
        self._records.put("file", path, {"advertiser": advertiser, "calculate_type": kind, "rows": rows})
        return path, len(rows)

    def create(self, advertiser: str, body: dict[str, Any], action: Action) -> Audience:
        """Open an audience of files."""
        name = name_of(body.get("custom_audience_name"), _LONGEST_NAME)
        one_of(body.get("audience_sub_type", "NORMAL"), ("NORMAL", "REACH_FREQUENCY"))
        if "retention_in_days" in body:
            number_of(body["retention_in_days"], "retention_in_days", 1, YEAR)
        kind = body.get("calculate_type")
        if not isinstance(kind, str) or kind not in CREATE_TYPES:
            raise refused("40909")
        paths = self._paths(advertiser, kind, body.get("file_paths"))
        number = str(self._records.next_number(7_300_000_000_000_000_001))
        audience = self._platform.book.create(
            number,
            advertiser,
            name,
            kind=FILE_AUDIENCE,
            calculate_type=kind,
            edited=self._platform.clock.now(),
            retention_in_days=body.get("retention_in_days"),
        )
        self._begin(audience, "CREATE", paths, action)
        return audience

    def change(self, audience: Audience, body: dict[str, Any], action: Action) -> None:
        """Rename an audience, have files change it, or keep it for Reach & Frequency, which makes all else be ignored."""
        if audience.kind != FILE_AUDIENCE:
            raise bad("the audience is not one of customer files")
        if "custom_audience_name" not in body and "file_paths" not in body and "audience_sub_type" not in body:
            raise bad("give custom_audience_name or file_paths")
        if "audience_sub_type" in body:
            audience.data["sub_type"] = one_of(body["audience_sub_type"], ("REACH_FREQUENCY",))
            self._note(audience, "SUB_TYPE")
            return
        if "custom_audience_name" in body:
            audience.name = name_of(body["custom_audience_name"], _LONGEST_NAME)
            self._note(audience, "RENAME")
        if "file_paths" in body:
            how = one_of(body.get("action", "REPLACE"), ("REPLACE", "APPEND", "REMOVE"))
            self._update(audience, body["file_paths"], how, action)

    def _update(self, audience: Audience, paths: Json, how: str, action: Action) -> None:
        found = self._paths(audience.account, audience.data["calculate_type"], paths)
        if audience.data.get("work"):
            raise refused("40002/processing")
        if not audience.data.get("built"):
            raise refused("40002/not_editable")
        if how == "REPLACE":
            now = self._platform.clock.now()
            if now - audience.data.get("replaced", float("-inf")) < self._settings["replace_hours"] * _HOUR:
                raise refused("40002/unfinished_replace")
            audience.data["replaced"] = now
        self._begin(audience, how, found, action)

    def _paths(self, advertiser: str, kind: str, given: Json) -> list[str]:
        if not isinstance(given, list) or not 1 <= len(given) <= _FILES or not all(isinstance(path, str) for path in given):
            raise bad(f"file_paths must be a list of 1 to {_FILES} paths")
        for path in given:
            file = self._records.get("file", path)
            if file is None or file["advertiser"] != advertiser:
                raise refused("40905")
            if file["calculate_type"] != kind:
                raise refused("40909")
        return given

    def _begin(self, audience: Audience, how: str, paths: Sequence[str], action: Action) -> None:
        work = str(self._records.next_number(1))
        failing = {"fail": action.fail_job, "count": action.count or 0, "reason": action.reason or "Audience creation failed"}
        self._records.put("work", work, {"audience": audience.id, "how": how, "paths": list(paths), **failing})
        audience.data |= {"work": work, "error_msg": "", "edited": self._platform.clock.now()}
        self._note(audience, how)
        self._platform.later(work)

    def _note(self, audience: Audience, what: str) -> None:
        """Enter an edit in the history of an audience, the newest first."""
        line = {"action": what, "editor": "open_api", "msg": "", "at": self._platform.clock.now()}
        audience.data["history"] = [line, *audience.data.get("history", [])]
        self._platform.book.save(audience)

    def process(self, work: str) -> None:
        """Do what was begun: all of it, or nothing where too few matched people would be left."""
        task = self._records.get("work", work)
        self._records.drop("work", work)
        audience = self._platform.book.get(task["audience"])
        if audience is None or audience.data.get("work") != work:
            return
        audience.data["work"] = None
        rows = [row for path in task["paths"] for row in self._records.get("file", path)["rows"]]
        if task["fail"] == "partial":
            rows = rows[task["count"] :]
            audience.data["history"][0]["msg"] = f"{task['count']} lines could not be parsed"
        left = self._left(audience, task["how"], {tuple(key) for row in rows for key in row})
        if task["fail"] is True:
            audience.data["error_msg"] = task["reason"]
        elif self._matched(left) < self._settings["minimum_matched"]:
            audience.data["error_msg"] = f"fewer than {self._settings['minimum_matched']} people match"
        else:
            audience.data["built"] = True
            self._platform.book.clear(audience)
            self._platform.book.add(audience, left)
        self._platform.book.save(audience)

    def _left(self, audience: Audience, how: str, keys: set[Key]) -> set[Key]:
        if how in ("CREATE", "REPLACE"):
            return keys
        held = {(kind, value) for kind, values in self._platform.book.keys(audience).items() for value in values}
        return held | keys if how == "APPEND" else held - keys

    def _matched(self, keys: set[Key]) -> int:
        """How many people TikTok finds: a share of the commonest kind of key, or what a test has set."""
        forced = self._settings["cover_num"]
        if forced is not None:
            return int(forced)
        kinds = Counter(kind for kind, _ in keys)
        return int(max(kinds.values(), default=0) * self._settings["match_rate"])
