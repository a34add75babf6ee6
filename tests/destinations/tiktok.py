"""An advertiser of TikTok, sessions, batches and answers for its tests."""

from __future__ import annotations

from typing import Any

import polars as pl
from contract.rig import digest

from guestlist.destinations import destination_class
from guestlist.destinations.base import Destination
from guestlist.model.audiences import AudienceRef, AudienceSpec
from guestlist.model.conversation import Reply
from guestlist.model.delivery import Batch, Session
from guestlist.model.vocabulary import Field, Operation

ADVERTISER = "7012345678901234567"
AUDIENCE = AudienceRef("9", "VIPs", "https://example.com")
NEW = AudienceRef("", "VIPs", "https://example.com")
SPEC = AudienceSpec("VIPs", "people", "guestlist:vips:tiktok", (Field.EMAIL,))
EMAIL, PHONE, MOBILE = digest("janedoe@gmail.com"), digest("+16577770000"), digest("5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b25")
FIELDS = (Field.EMAIL, Field.PHONE)


def tiktok(**options: Any) -> Destination:
    cls = destination_class("tiktok_ads")
    return cls(cls.Settings(advertiser_id=ADVERTISER, access_token="t"), cls.Options(**options))


def files() -> Destination:
    return tiktok(api="file")


def session(operation: Operation = Operation.ADD, audience: AudienceRef = AUDIENCE, **changes: Any) -> Session:
    given = {"total_batches": 1, "total_users": 2, "fields": FIELDS, **changes}
    return Session(9007199254740991, operation, audience, pull_date="2026-03-01", **given)


def batch(**columns: list[Any]) -> Batch:
    given = columns or {"email": [EMAIL, None], "phone": [None, PHONE]}
    return Batch("b", 1, pl.DataFrame(given, schema=dict.fromkeys(given, pl.String)))


def ok(data: Any = None, code: int = 0) -> Reply:
    body = {"code": code, "message": "OK", "request_id": "r", "data": {} if data is None else data}
    return Reply(200, body, {"x-tt-logid": "r"})


def refusal(code: int, message: str = "no") -> Reply:
    return Reply(200, {"code": code, "message": message, "request_id": "r", "data": {}})


def page(*items: dict[str, Any], total: int = 1) -> Reply:
    """A page of the list of audiences."""
    return ok({"list": list(items), "page_info": {"page": 1, "page_size": 100, "total_number": 1, "total_page": total}})


def listed(audience: str = "9", name: str = "VIPs", kind: str = "Partner", **more: Any) -> dict[str, Any]:
    return {"audience_id": audience, "name": name, "audience_type": kind, "is_creator": True, **more}


def told(audience: str = "9", history: int = 1, **details: Any) -> Reply:
    """What TikTok tells of one audience."""
    lines = [{"action": 1, "opt_time": f"2026-03-0{line + 1} 00:00:00"} for line in range(history)]
    view = {"audience_id": audience, "is_valid": True, "cover_num": 5000, "error_msg": "", "type": "Customer File Audience"}
    return ok({"list": [{"audience_details": {**view, **details}, "audience_history": lines}]})
