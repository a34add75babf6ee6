"""An account of Google Ads, people, sessions and batches for the tests of both of its doors."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from contract.rig import digest

from guestlist.destinations import destination_class
from guestlist.destinations.base import Destination
from guestlist.model.audiences import AudienceRef, AudienceSpec
from guestlist.model.delivery import Batch, Consent, Session
from guestlist.model.errors import (
    RejectedError,
)
from guestlist.model.vocabulary import Field, Operation

AUDIENCE = AudienceRef("7001", "VIPs", "https://ads.google.com/aw/audiences/management")
SPEC = AudienceSpec("VIPs", "people", "guestlist:vips:google", (Field.EMAIL,))
EMAIL, EMAIL2, PHONE, FIRST, LAST = (
    digest(word) for word in ("a@example.com", "b@example.com", "+4915112345678", "zoe", "doe")
)
ADDRESS = {"first_name": FIRST, "last_name": LAST, "country": "DE", "postal_code": "80331"}
CONTACT_FIELDS = (Field.EMAIL, Field.PHONE, Field.FIRST_NAME, Field.LAST_NAME, Field.COUNTRY, Field.POSTAL_CODE)
GRANTED = Consent(ad_user_data=True, ad_personalization=True)
OPERATING = {"accountType": "GOOGLE_ADS", "accountId": "1234567890"}
HANDLE = {"job": "customers/1234567890/offlineUserDataJobs/1"}
BOTH = pytest.mark.parametrize("api", ["data_manager", "google_ads"])


def google(api: str = "data_manager", login: str | None = None, **options: Any) -> Destination:
    cls = destination_class("google_ads")
    extra = {"customer_id": "123-456-7890", "client_id": "i", "client_secret": "s", "refresh_token": "r"}
    return cls(cls.Settings(**extra, login_customer_id=login), cls.Options(api=api, **options))


def session(operation: Operation = Operation.ADD, **changes: Any) -> Session:
    given = {"total_batches": 1, "total_users": 2, "fields": CONTACT_FIELDS, "consent": GRANTED, **changes}
    return Session(4242, operation, AUDIENCE, pull_date="2026-03-01", **given)


def batch(*people_: dict[str, Any]) -> Batch:
    rows = [{field.value: row.get(field.value) for field in CONTACT_FIELDS} for row in people_]
    lists = {"email": pl.List(pl.String), "phone": pl.List(pl.String)}
    schema = {field.value: lists.get(field.value, pl.String) for field in CONTACT_FIELDS}
    return Batch("b", 1, pl.DataFrame(rows, schema=schema))


WHOLE = batch({"email": [EMAIL, EMAIL2], "phone": [PHONE], **ADDRESS}, {"email": [EMAIL], "first_name": FIRST})


def refused(code: str) -> RejectedError:
    return RejectedError("x", code=code)
