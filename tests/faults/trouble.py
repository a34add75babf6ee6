"""The faults, and what the fault script of the sandbox says for each at each door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contract.rig import Door
from faults.points import Point

Action = Mapping[str, Any]
FOR_EVER = 10**7
"""Seconds that no run waits."""


@dataclass(frozen=True, eq=False)
class Fault:
    """Something that goes wrong with a request.

    ``action`` is the same at every door; what differs from door to door stands in `_ACTIONS`. ``acts`` says that the platform
    does what it was asked. A ``lasting`` fault meets every try of the run. ``detour`` is for what happens before the platform.
    """

    name: str
    action: Action = field(default_factory=dict)
    acts: bool = False
    lasting: bool = False
    detour: str = ""


REFUSED = Fault("connection refused", detour="refused", lasting=True)
RESET_BEFORE = Fault("reset before acting", {"drop": "before"})
RESET_AFTER = Fault("reset after acting", {"drop": "after"}, acts=True)
SILENT = Fault("timeout after acting", {"silent": True}, acts=True, detour="hurried")
BUSY = Fault("429 that says how long")
BUSY_SILENT = Fault("429 that does not", {"status": 429})
FAILURES = tuple(Fault(str(status), {"status": status}) for status in (500, 502, 503))
DOWN = Fault("503 for longer", {"status": 503}, lasting=True)
BROKEN = tuple(
    Fault(f"{name} body", {"malformed": how}, acts=True)
    for name, how in (("HTML", "html"), ("empty", "empty"), ("truncated", "truncated"))
)
WRONG_TYPE = Fault("wrong-typed body", {"malformed": "wrong_type"}, acts=True)
EXPIRED = Fault("expired token", {"expire_token": True})
REVOKED = Fault("revoked token", lasting=True)
PERMISSION = Fault("permission lost", lasting=True)
TERMS = Fault("terms not accepted", lasting=True)
DAY = Fault("quota for the day", lasting=True)
STUCK = Fault("job stuck", acts=True, lasting=True)
FAILED = Fault("job failed", {"fail_job": True}, acts=True)
NAMED = Fault("rows refused by name", {"reject_rows": [1]}, acts=True)
UNNAMED = Fault("rows refused without names", acts=True)
DELETED = Fault("audience deleted by someone", {"delete_audiences": True})
FAULTS = (
    *(REFUSED, RESET_BEFORE, RESET_AFTER, SILENT, BUSY, BUSY_SILENT, *FAILURES, DOWN, *BROKEN, WRONG_TYPE),
    *(EXPIRED, REVOKED, PERMISSION, TERMS, DAY, STUCK, FAILED, NAMED, UNNAMED, DELETED),
)

_USAGE = '{"77": [{"type": "custom_audience", "call_count": 100, "estimated_time_to_regain_access": 1}]}'
_LATER = {"status": 429, "headers": {"retry-after": "7"}}
_TOO_MANY = {"status": 429}
_NO_GRANT = {"status": 400, "body": {"error": "invalid_grant"}}
_DAY_OF_GOOGLE = {"error": "RATE_LIMIT_EXCEEDED", "reason": "IngestionMutateRequestsPerDayPerProject"}
_IMPORT_OF_OTHERS = {"status": 200, "body": {"data": [{"type": "profile-bulk-import-job", "id": "others"}], "links": {}}}
_META_TERMS, _GONE_ADDRESS = {"error": "200/1870034"}, {"status": 403}
_ACTIONS: Mapping[tuple[str, Fault], Action] = {
    ("google_ads-data_manager", PERMISSION): {"error": "PERMISSION_DENIED"},
    ("google_ads-data_manager", TERMS): {"error": "TERMS_AND_CONDITIONS_NOT_SIGNED"},
    ("google_ads-data_manager", DAY): _DAY_OF_GOOGLE,
    ("google_ads-google_ads", PERMISSION): {"error": "authorization_error.USER_PERMISSION_DENIED"},
    ("google_ads-google_ads", TERMS): {"error": "offline_user_data_job_error.CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS"},
    ("google_ads-google_ads", DAY): {"error": "quota_error.RESOURCE_EXHAUSTED"},
    ("meta", BUSY): {"error": "80003", "headers": {"x-business-use-case-usage": _USAGE}},
    ("meta", PERMISSION): {"error": "200"},
    ("meta", TERMS): _META_TERMS,
    ("meta", STUCK): {"status": 200, "body": {"data": []}},
    ("tiktok_ads-streaming", BUSY_SILENT): {"error": "40100"},
    ("tiktok_ads-streaming", PERMISSION): {"error": "40001"},
    ("tiktok_ads-streaming", UNNAMED): {"error": "20001"},
    ("tiktok_ads-file", BUSY_SILENT): {"error": "40100"},
    ("tiktok_ads-file", PERMISSION): {"error": "40001"},
    ("snapchat_ads", PERMISSION): {"error": "E3002"},
    ("snapchat_ads", UNNAMED): {"error": "users"},
    ("klaviyo", PERMISSION): {"error": "permission_denied"},
    ("klaviyo", DAY): {"status": 429, "headers": {"retry-after": "40000"}},
    ("edgetag", PERMISSION): {"status": 403},
    ("edgetag", REVOKED): {"status": 401},
    ("edgetag", UNNAMED): {"error": "provider"},
    ("topsort", PERMISSION): {"error": "403"},
    ("pitchtarget", PERMISSION): {"status": 403},
    ("pitchtarget", TERMS): {"error": "terms"},
    ("whop", PERMISSION): {"error": "403"},
    ("commbox", PERMISSION): {"status": 403},
}


def settings_of(door: Door, point: Point, fault: Fault) -> Mapping[str, Any]:
    """The sandbox's settings for a fault that is a state of the account and no answer to one request."""
    if fault is DAY and door.id == "tiktok_ads-file":
        return {"replace_hours": 30}
    if fault is STUCK and not action_of(door, point, fault):
        return {"file_seconds" if "the file is ready" in point.name else "settle_seconds": FOR_EVER}
    return {}


def action_of(door: Door, point: Point, fault: Fault) -> Action:
    """What the fault script says for a fault at a point of a door."""
    if point.name.endswith("into the storage") and fault in (EXPIRED, PERMISSION):
        return _GONE_ADDRESS
    if point.name == "wait for imports" and fault is STUCK:
        return _IMPORT_OF_OTHERS
    if point.kind == "sign-in" and fault in (BUSY, REVOKED):
        return _LATER if fault is BUSY else _NO_GRANT
    general = {BUSY: door.busy[0], REVOKED: door.denied, UNNAMED: door.partial_failure}
    return _ACTIONS.get((door.id, fault)) or fault.action or general.get(fault) or {}
