"""An ad account of Meta, sessions and batches for its tests."""

from __future__ import annotations

from typing import Any

import polars as pl
from contract.rig import digest

from guestlist.destinations import destination_class
from guestlist.destinations.base import Destination
from guestlist.model.audiences import AudienceRef, AudienceSpec
from guestlist.model.conversation import Call
from guestlist.model.delivery import Batch, Session
from guestlist.model.vocabulary import Field, Operation

AUDIENCE = AudienceRef("120", "VIPs", "https://example.com")
SPEC = AudienceSpec("VIPs", "people", "guestlist:vips:meta", (Field.EMAIL,))
EMAIL, PHONE, FIRST = digest("person@example.com"), digest("4915112345678"), digest("zoe")
CALL = Call("meta", "POST", "120/users")


def meta(**options: Any) -> Destination:
    cls = destination_class("meta")
    return cls(cls.Settings(ad_account_id="act_77", access_token="t", app_id="1", app_secret="s"), cls.Options(**options))


def session(operation: Operation = Operation.ADD, **changes: Any) -> Session:
    given = {"total_batches": 3, "total_users": 25_000, "fields": (Field.EMAIL, Field.PHONE, Field.FIRST_NAME), **changes}
    return Session(9007199254740991, operation, AUDIENCE, pull_date="2026-03-01", **given)


def batch(sequence: int = 1, **columns: list[Any]) -> Batch:
    given = columns or {"email": [EMAIL, None], "phone": [None, PHONE], "first_name": [FIRST, None]}
    return Batch("b", sequence, pl.DataFrame(given))


def accounts_of(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "audience_id": "120",
        "session_id": "1",
        "num_received": 2,
        "num_invalid_entries": 0,
        "invalid_entry_samples": [],
        **body,
    }
