"""How a fault ends by rule, written down from docs/promises.md: what decides is what the request does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from faults.points import Kind
from faults.trouble import (
    BROKEN,
    BUSY,
    BUSY_SILENT,
    DAY,
    DELETED,
    DOWN,
    EXPIRED,
    FAILED,
    FAILURES,
    NAMED,
    PERMISSION,
    REFUSED,
    RESET_AFTER,
    RESET_BEFORE,
    REVOKED,
    SILENT,
    STUCK,
    TERMS,
    UNNAMED,
    WRONG_TYPE,
    Fault,
)


@dataclass(frozen=True)
class Ending:
    """How the run ends that met the fault. ``state`` is that of its report, empty where the point decides.

    ``error`` names the class that `guestlist sync` ends with; empty in a green run. The next run is green in any case.
    """

    word: str
    error: str = ""
    state: str = ""


AGAIN = Ending("again")
TWICE = Ending("again, twice")
LOOKED_UP = Ending("looked up")
KNOWN = Ending("known already")
FRESH = Ending("fresh token")
HALVED = Ending("halves")
ANEW = Ending("anew")
WAITED = Ending("waited")
UNHARMED = Ending("unharmed")
LATER = Ending("later", "TransientError")
NEXT_DAY = Ending("later", "RateLimitedError")
PROTOCOL = Ending("report", "ProtocolError")
AUTH = Ending("mend", "AuthError")
CONFIG = Ending("mend", "ConfigError")
REJECTED = Ending("mend", "RejectedError")
LOST_ROWS = Ending("next run", "RejectedError", "rejected")
SILENCE = Ending("next run", "Unconfirmed", "unconfirmed")
GONE = Ending("next run", "ConfigError")

UNNOTICED = Ending("unnoticed")

WORDS: Mapping[str, str] = {
    "again": "the driver tries again within seconds, or after the wait that the platform asks for: the run is green",
    "again, twice": "the same, and the platform has had the request twice: it changes nothing the second time",
    "looked up": "nobody knows whether it acted, so the platform is asked: it had; nothing is repeated, the run is green",
    "known already": "the driver tries again, and the platform says that it has had the request: the run is green",
    "fresh token": "a fresh access token, or address for an upload, once: the run is green",
    "halves": "the batch is sent again in halves, down to the row: the run is green where all rows are taken",
    "anew": "the audience is made anew and filled with everybody: the run is green",
    "waited": "the run waits until the platform takes it: the run is green",
    "unharmed": "nothing hangs on it: the run is green",
    "unnoticed": "the platform says that all is well: the run is green, the next one makes the audience anew and fills it",
    "later": "red; Airflow tries the task again after minutes, or when the platform says; the command line's next run does",
    "mend": "red at once, because trying again cannot help: a person mends it, and the next run does the rest",
    "report": "red at once: the platform broke its own contract; the next run tries again",
    "next run": "red at its end; the next run makes up for it",
}
"""What a cell's first word means."""

NOT_ACTED: Mapping[Kind, Ending] = {Kind.SIGN_IN: AGAIN, Kind.READ: AGAIN, Kind.SET: AGAIN, Kind.ONCE: LATER}
ACTED: Mapping[Kind, Ending] = {Kind.SIGN_IN: AGAIN, Kind.READ: AGAIN, Kind.SET: TWICE, Kind.ONCE: LOOKED_UP}
RULES: Mapping[Fault, Mapping[Kind, Ending]] = {
    REFUSED: dict.fromkeys(Kind, LATER),
    RESET_BEFORE: NOT_ACTED,
    RESET_AFTER: ACTED,
    SILENT: ACTED,
    **dict.fromkeys(BROKEN, ACTED),
    BUSY: dict.fromkeys(Kind, AGAIN),
    BUSY_SILENT: dict.fromkeys(Kind, AGAIN),
    **dict.fromkeys(FAILURES, NOT_ACTED),
    DOWN: dict.fromkeys(Kind, LATER),
    WRONG_TYPE: dict.fromkeys(Kind, PROTOCOL),
    EXPIRED: {Kind.READ: FRESH, Kind.SET: FRESH, Kind.ONCE: FRESH},
    REVOKED: dict.fromkeys(Kind, AUTH),
    PERMISSION: dict.fromkeys((Kind.READ, Kind.SET, Kind.ONCE), AUTH),
    TERMS: dict.fromkeys((Kind.SET, Kind.ONCE), AUTH),
    DAY: dict.fromkeys((Kind.READ, Kind.SET, Kind.ONCE), NEXT_DAY),
    STUCK: {Kind.READ: SILENCE},
    FAILED: dict.fromkeys((Kind.SET, Kind.ONCE), LOST_ROWS),
    NAMED: dict.fromkeys((Kind.SET, Kind.ONCE), LOST_ROWS),
    UNNAMED: dict.fromkeys((Kind.SET, Kind.ONCE), LOST_ROWS),
    DELETED: dict.fromkeys((Kind.READ, Kind.SET, Kind.ONCE), GONE),
}
