"""The points of every door's conversation: which request each one is, and what a run leaves behind that ends there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from contract.doors import all_doors


class Kind(StrEnum):
    """What a request does, which decides what may be done when nobody knows whether it acted."""

    SIGN_IN = "sign-in"
    READ = "question"
    SET = "repeatable change"
    ONCE = "must not be done twice"


class Life(StrEnum):
    """The run in which the request comes."""

    NEW = "the first run of an audience"
    JOIN = "people join"
    LEAVE = "people leave"


@dataclass(frozen=True)
class Point:
    """One request of a run. ``path`` and ``method`` tell it from others in the sandbox's log.

    ``skip`` others that look the same come before it in the run. ``call`` is what Guestlist itself calls it, where that is not
    its path. ``door`` is the sandbox's door, where it is not the platform's own.
    """

    name: str
    kind: Kind
    path: str
    left: str
    """The state of the report when the run ends here."""
    life: Life = Life.JOIN
    method: str = ""
    skip: int = 0
    call: str = ""
    mode: str = ""
    door: str = ""
    job: bool = False
    """The request to which ``fail_job`` is said: the platform takes it, and fails on it later."""
    rows: bool = False
    """People are in the request."""


def _sign_in(path: str, door: str = "") -> Point:
    return Point("sign in", Kind.SIGN_IN, path, "failed", method="POST", door=door, call=".")


def _find(path: str, call: str = "") -> Point:
    return Point("find the audience", Kind.READ, path, "failed", call=call, method="" if call else "GET")


def _create(path: str, call: str = "") -> Point:
    return Point("create the audience", Kind.ONCE, path, "unsent", Life.NEW, "POST", call=call)


def _poll(path: str, skip: int = 0, name: str = "ask what became of it", method: str = "GET", call: str = "") -> Point:
    return Point(name, Kind.READ, path, "unconfirmed", method=method, skip=skip, call=call)


def _add(path: str, *, method: str = "POST", job: bool = False, call: str = "") -> Point:
    return Point("add people", Kind.SET, path, "unconfirmed", method=method, job=job, call=call, rows=True)


def _remove(path: str, *, method: str = "POST", call: str = "") -> Point:
    return Point("remove people", Kind.SET, path, "unconfirmed", Life.LEAVE, method, call=call, rows=True)


_LISTS = r"/userLists$"
_JOBS = "google.ads.googleads"
_TIKTOK = r"/custom_audience"
POINTS: Mapping[str, tuple[Point, ...]] = {
    "google_ads-data_manager": (
        _sign_in(r"/oauth/token$", "oauth"),
        _find(_LISTS, "ListUserLists"),
        _create(_LISTS, "CreateUserList"),
        _add(r":ingest$", job=True, call="IngestAudienceMembers"),
        _remove(r":remove$", call="RemoveAudienceMembers"),
        _poll(r"requestStatus:retrieve$", call="RetrieveRequestStatus"),
        Point(
            "sweep after a replace", Kind.SET, r":removeAll$", "unconfirmed", method="POST", call="RemoveAll", mode="replace"
        ),
    ),
    "google_ads-google_ads": (
        _sign_in(r"/oauth/token$", "oauth"),
        _find(r"/Search$", "Search"),
        _create(r"/MutateUserLists$"),
        Point("create a job", Kind.ONCE, r"/CreateOfflineUserDataJob$", "unsent"),
        _add(r"/AddOfflineUserDataJobOperations$"),
        _remove(r"/AddOfflineUserDataJobOperations$"),
        Point("run the job", Kind.SET, r"/RunOfflineUserDataJob$", "unconfirmed", job=True),
        _poll(r"/Search$", 1, method="", call="Search"),
    ),
    "meta": (
        _find(r"/act_\d+/customaudiences$"),
        _create(r"/act_\d+/customaudiences$"),
        _add(r"/users$"),
        _remove(r"/users$"),
        _poll(r"/\d{6,}/?$", name="ask whether the audience is at rest"),
        _poll(r"/sessions$", name="ask what was received"),
        Point("begin a replace", Kind.ONCE, r"/usersreplace$", "unconfirmed", method="POST", mode="replace", rows=True),
    ),
    "tiktok_ads-streaming": (
        _find(rf"{_TIKTOK}/list/$"),
        _create(r"/segment/audience/$"),
        _add(r"/segment/mapping/$"),
        _remove(r"/segment/mapping/$"),
    ),
    "tiktok_ads-file": (
        _find(rf"{_TIKTOK}/list/$"),
        Point("upload a file", Kind.SET, rf"{_TIKTOK}/file/upload/$", "unconfirmed", method="POST", rows=True),
        Point("create the audience", Kind.ONCE, rf"{_TIKTOK}/create/$", "unconfirmed", Life.NEW, "POST", job=True),
        Point("replace what it holds", Kind.ONCE, rf"{_TIKTOK}/update/$", "unconfirmed", method="POST", job=True),
        _poll(rf"{_TIKTOK}/get/$", 3),
    ),
    "snapchat_ads": (
        _sign_in(r"/access_token$"),
        _find(r"/adaccounts/[0-9a-f-]+/segments$"),
        _create(r"/adaccounts/[0-9a-f-]+/segments$"),
        _add(r"/users$"),
        _remove(r"/users$", method="DELETE"),
        _poll(r"/segments/\d+$"),
    ),
    "klaviyo": (
        _find(r"/api/lists$"),
        _create(r"/api/lists$"),
        _add(r"/profile-bulk-import-jobs$", job=True),
        _poll(r"/profile-bulk-import-jobs/[^/]+$"),
        Point("wait for imports", Kind.READ, r"/profile-bulk-import-jobs$", "unsent", Life.LEAVE, "GET"),
        Point("look profiles up", Kind.READ, r"/api/profiles$", "unconfirmed", Life.LEAVE, "GET"),
        _remove(r"/relationships/profiles$", method="DELETE"),
    ),
    "edgetag": (_add(r"/audience$"),),
    "topsort": (
        _find(r"/audiences$"),
        Point("create a job", Kind.SET, r"/user-list$", "unconfirmed", method="POST", job=True),
        Point("put the file into the storage", Kind.SET, r"/storage/", "unconfirmed", method="PUT", rows=True),
        _poll(r"/audiences$", 2),
    ),
    "pitchtarget": (
        _sign_in(r"/oauth/authorize$"),
        _find(r"/custom_audiences$"),
        Point("build the audience", Kind.ONCE, r"/custom_audiences$", "unconfirmed", method="POST", job=True, rows=True),
        _poll(r"/custom_audiences$", 2),
        Point("delete the old audience", Kind.SET, r"/custom_audiences/\d+$", "unconfirmed", method="DELETE"),
    ),
    "whop": (
        _find(r"/audiences$"),
        Point("create a file", Kind.SET, r"/files$", "unconfirmed", method="POST"),
        Point("put the file into the storage", Kind.SET, r"/storage/", "unconfirmed", method="PUT", rows=True),
        _poll(r"/files/[^/]+$", name="ask whether the file is ready"),
        Point("build the audience", Kind.ONCE, r"/audiences$", "unconfirmed", method="POST", job=True),
        _poll(r"/audiences$", 2),
        Point("delete the old audience", Kind.SET, r"/audiences/[^/]+$", "unconfirmed", method="DELETE"),
    ),
    "commbox": (
        _find(r"/audiences$"),
        Point("create the audience", Kind.ONCE, r"/audiences$", "unconfirmed", Life.NEW, "POST", rows=True),
        Point("replace what it holds", Kind.SET, r"/Audiences/\d+$", "unconfirmed", method="PUT", rows=True),
    ),
}
DOORS = {door.id: door for door in all_doors()}
