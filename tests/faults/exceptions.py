"""Where a platform ends otherwise than by the rule, or a fault does not exist: from the platforms' contracts, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from faults.endings import (
    ACTED,
    ANEW,
    AUTH,
    HALVED,
    KNOWN,
    LATER,
    LOST_ROWS,
    NEXT_DAY,
    PROTOCOL,
    REJECTED,
    SILENCE,
    TWICE,
    UNHARMED,
    UNNOTICED,
    WAITED,
    Ending,
)
from faults.points import DOORS, POINTS, Kind, Life, Point
from faults.trouble import (
    BROKEN,
    BUSY_SILENT,
    DAY,
    DELETED,
    EXPIRED,
    FAILED,
    FAILURES,
    FAULTS,
    NAMED,
    PERMISSION,
    RESET_AFTER,
    REVOKED,
    SILENT,
    STUCK,
    TERMS,
    UNNAMED,
    WRONG_TYPE,
    Fault,
)


@dataclass(frozen=True)
class Exceptional:
    """Where a platform ends otherwise than by the rule, and why. Empty names stand for all."""

    doors: tuple[str, ...]
    points: tuple[str, ...]
    faults: tuple[Fault, ...]
    ending: Ending | Mapping[Kind, Ending]
    why: str

    def of(self, door: str, point: Point, fault: Fault) -> Ending | None:
        if (
            fault not in self.faults
            or (self.doors and door not in self.doors)
            or (self.points and point.name not in self.points)
        ):
            return None
        return self.ending if isinstance(self.ending, Ending) else self.ending.get(point.kind)


_TIKTOK, _DATA_MANAGER, _JOBS = (
    ("tiktok_ads-streaming", "tiktok_ads-file"),
    ("google_ads-data_manager",),
    ("google_ads-google_ads",),
)
_BUILDING = ("pitchtarget", "whop")
_ASK = "ask what became of it"
_CALLS = (Kind.READ, Kind.SET, Kind.ONCE)
EXCEPTIONS: tuple[Exceptional, ...] = (
    Exceptional(
        ("klaviyo", "pitchtarget"),
        ("remove people", "delete the old audience"),
        (*BROKEN, WRONG_TYPE),
        UNHARMED,
        "its success is a 204, which has no body that could be broken",
    ),
    Exceptional(
        (*_BUILDING, "topsort"),
        ("put the file into the storage",),
        (BROKEN[1],),
        UNHARMED,
        "a storage has no answer but its status",
    ),
    Exceptional(
        _BUILDING,
        ("delete the old audience",),
        (RESET_AFTER, SILENT, *BROKEN),
        KNOWN,
        "what is deleted already is not deleted again",
    ),
    Exceptional(
        _JOBS,
        ("run the job",),
        (RESET_AFTER, SILENT, BROKEN[0], BROKEN[2], WRONG_TYPE),
        KNOWN,
        "a job that runs already is not run again",
    ),
    Exceptional((), ("find the audience",), (DELETED,), ANEW, "this is where a run notices"),
    Exceptional(("meta", *_TIKTOK), (), (EXPIRED,), AUTH, "the token is one that a person makes"),
    Exceptional(
        _TIKTOK,
        (),
        FAILURES,
        dict.fromkeys(_CALLS, LATER),
        "TikTok wants five minutes' rest after a 5xx: longer than a task waits",
    ),
    Exceptional(
        _DATA_MANAGER,
        ("add people", "remove people"),
        (WRONG_TYPE,),
        PROTOCOL,
        "people go out past Google's client, which reads the rest",
    ),
    Exceptional(
        _JOBS, ("create the audience",), (BROKEN[1], WRONG_TYPE), PROTOCOL, "over gRPC it is a message that names nothing"
    ),
    Exceptional(_JOBS, ("create a job",), (BROKEN[1],), PROTOCOL, "over gRPC it is a message that names nothing"),
    Exceptional(
        (*_TIKTOK, "snapchat_ads", *_DATA_MANAGER, *_JOBS),
        (),
        (WRONG_TYPE,),
        {kind: ACTED[kind] for kind in _CALLS},
        "without the platform's envelope, or not to be parsed as its message, it is no answer at all",
    ),
    Exceptional(
        _JOBS,
        (),
        (BUSY_SILENT,),
        dict.fromkeys(_CALLS, NEXT_DAY),
        "over gRPC this is how Google says that the day's quota is used up",
    ),
    Exceptional(
        _JOBS, ("find the audience",), (BROKEN[1],), UNHARMED, "over gRPC it means no results: the second search finds it"
    ),
    Exceptional(
        _JOBS,
        ("add people", "remove people", "run the job"),
        (BROKEN[1],),
        UNHARMED,
        "over gRPC this is what success looks like",
    ),
    Exceptional(_JOBS, (_ASK,), (BROKEN[1],), LOST_ROWS, "over gRPC it means that there is no such job"),
    Exceptional(
        ("meta",),
        ("add people", "remove people", "begin a replace"),
        (WRONG_TYPE,),
        UNHARMED,
        "Meta's own counts of the session are asked for afterwards, and decide",
    ),
    Exceptional((*_DATA_MANAGER, *_JOBS, "klaviyo"), (_ASK,), (DELETED,), UNNOTICED, "the job ends well without its list"),
    Exceptional(
        _JOBS,
        ("add people", "remove people", "run the job"),
        (DELETED,),
        UNNOTICED,
        "a job that was created ends well without its list",
    ),
    Exceptional(
        ("klaviyo",),
        (),
        (DELETED,),
        replace(REJECTED, word="next run", state="unconfirmed"),
        "Klaviyo refuses a list that is not there",
    ),
    Exceptional(
        ("commbox",), (), (DELETED,), replace(REJECTED, word="next run"), "CommBox refuses an audience that is not there"
    ),
    Exceptional(("topsort",), (_ASK,), (DELETED,), SILENCE, "it never appears"),
    Exceptional(("tiktok_ads-file", *_BUILDING), (_ASK,), (DELETED,), LOST_ROWS, "what was sent is lost with it"),
    Exceptional(_BUILDING, ("delete the old audience",), (DELETED,), UNNOTICED, "the new one was there when it was asked for"),
    Exceptional(
        ("topsort", *_BUILDING), (), (DELETED,), UNHARMED, "only the old audience is gone: a new one is built in any case"
    ),
    Exceptional(
        (*_BUILDING, "topsort"),
        ("put the file into the storage", "delete the old audience"),
        (WRONG_TYPE,),
        UNHARMED,
        "its success is its status",
    ),
    Exceptional(
        ("klaviyo",), ("wait for imports",), (STUCK,), LATER, "two minutes are waited for imports of others, and no longer"
    ),
    Exceptional(("whop",), ("ask whether the file is ready",), (STUCK,), LATER, "two minutes are waited for a file"),
    Exceptional(("topsort",), (), (FAILED,), SILENCE, "Topsort does not tell of failures: the audience never appears"),
    Exceptional(
        ("pitchtarget",), (), (TERMS,), REJECTED, "its page shows no form of this error: any refusal asks about the terms"
    ),
    Exceptional((*_TIKTOK, "snapchat_ads"), (), (UNNAMED,), HALVED, "the whole request is refused"),
    Exceptional(("edgetag",), (), (UNNAMED,), TWICE, "a provider of EdgeTag failed: the others have the people already"),
    Exceptional(("tiktok_ads-file",), (), (DAY,), WAITED, "TikTok takes one replace a day: it is asked again at each question"),
)


@dataclass(frozen=True)
class Only:
    """The cells in which a fault exists, by door and point, and why it does not elsewhere."""

    there: Callable[[str, Point], bool]
    why: str


def _is_storage(point: Point) -> bool:
    return point.name.endswith("into the storage")


def _at(*places: tuple[str, str]) -> Callable[[str, Point], bool]:
    return lambda door, point: (door, point.name) in places or (door, "") in places


EXISTS: Mapping[Fault, Only] = {
    EXPIRED: Only(
        lambda door, point: DOORS[door].stale is not None or door in ("meta", *_TIKTOK) or _is_storage(point),
        "the other platforms' credentials do not expire; of a storage, it is the upload's address that does",
    ),
    REVOKED: Only(lambda _, point: not _is_storage(point), "no credential goes to a storage: its address is signed"),
    PERMISSION: Only(lambda _, point: not _is_storage(point), "the same; and signing in says nothing of permissions"),
    TERMS: Only(
        _at(
            ("google_ads-data_manager", "add people"),
            ("google_ads-google_ads", "create a job"),
            *(("meta", name) for name in ("create the audience", "add people", "begin a replace")),
            ("pitchtarget", "build the audience"),
        ),
        "the other platforms' pages know no terms that a request could miss",
    ),
    DAY: Only(
        lambda door, point: (
            door in (*_DATA_MANAGER, *_JOBS)
            or (door, point.name) in (("klaviyo", "create the audience"), ("tiktok_ads-file", "replace what it holds"))
        ),
        "the other platforms document no quota by the day, or do not tell it from any other 429",
    ),
    STUCK: Only(
        lambda door, point: (
            (point.name == _ASK and door != "meta")
            or (door, point.name)
            in (("meta", "ask what was received"), ("klaviyo", "wait for imports"), ("whop", "ask whether the file is ready"))
        ),
        "it shows where the platform is asked what became of its work",
    ),
    FAILED: Only(lambda _, point: point.job, "the other requests begin no work that could fail later"),
    NAMED: Only(
        lambda door, point: point.rows and DOORS[door].refuses_rows and (door, point.name) != ("klaviyo", "remove people"),
        "the other platforms name no row",
    ),
    UNNAMED: Only(
        lambda door, point: (
            (point.job and DOORS[door].partial_failure is not None)
            or (point.rows and door in ("tiktok_ads-streaming", "snapchat_ads", "edgetag"))
        ),
        "the other platforms name the rows, or take a request as a whole",
    ),
    DELETED: Only(
        lambda door, point: point.life is not Life.NEW and DOORS[door].notices_deletion,
        "a first run has nothing that could be deleted; EdgeTag tells nothing of its audiences",
    ),
}
"""Faults that do not exist everywhere."""


STAYS: Mapping[tuple[str, str], tuple[Fault, ...]] = {
    ("pitchtarget", "build the audience"): (WRONG_TYPE, FAILED),
    ("pitchtarget", _ASK): (STUCK,),
    ("whop", "build the audience"): (WRONG_TYPE,),
    ("whop", _ASK): (STUCK,),
    **{("topsort", point.name): FAULTS for point in POINTS["topsort"]},
}
"""Where an audience that a run has begun to build stays beside the one that the next run builds.

Topsort's cannot be deleted. Of the others nobody can say by their name alone that they are ours, so none is deleted unasked.
"""


FINISHED_FIRST = {("tiktok_ads-file", "replace what it holds")}
"""Where a run that is begun anew finishes the replace of the one before, whose files are there, and then has its own."""
