"""A Klaviyo account, sessions, batches and answers for its tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from guestlist.destinations import destination_class
from guestlist.destinations.base import Destination
from guestlist.model.audiences import AudienceRef, AudienceSpec
from guestlist.model.conversation import Reply
from guestlist.model.delivery import Batch, Session
from guestlist.model.vocabulary import Field, Operation

AUDIENCE = AudienceRef("Y6nRLr", "VIPs", "https://www.klaviyo.com/list/Y6nRLr")
SPEC = AudienceSpec("VIPs", "people", "guestlist:vips:klaviyo", (Field.EMAIL,))
A, B, C = "a@example.com", "b+vip@example.com", "c@example.com"
JOB = Reply(202, {"data": {"type": "profile-bulk-import-job", "id": "job-1"}}, {}, "request-1")
IMPORTS = "/api/profile-bulk-import-jobs"


def klaviyo(**options: Any) -> Destination:
    cls = destination_class("klaviyo")
    return cls(cls.Settings(api_key="pk_1"), cls.Options(**options))


def session(operation: Operation = Operation.ADD, *fields: Field) -> Session:
    return Session(11, operation, AUDIENCE, 1, 3, "2026-03-01", fields or (Field.EMAIL,))


def batch(*emails: str, **columns: list[Any]) -> Batch:
    given = {"email": list(emails or (A, B)), **columns}
    return Batch("b", 1, pl.DataFrame(given, schema=dict.fromkeys(given, pl.String)))


def resources(kind: str, *ids: str, following: str | None = None, **attributes: Any) -> Reply:
    """A page of resources; ``following`` is the address of the next one."""
    data = [{"type": kind, "id": found, "attributes": attributes} for found in ids]
    return Reply(200, {"data": data, "links": {"self": "x", "prev": None, "next": following}})


def job(status: str, **counts: int) -> Reply:
    return Reply(200, {"data": {"type": "profile-bulk-import-job", "id": "job-1", "attributes": {"status": status, **counts}}})


def import_errors(*payloads: Any, code: str = "invalid") -> Reply:
    found = [{"type": "import-error", "id": "1", "attributes": {"code": code, "original_payload": item}} for item in payloads]
    return Reply(200, {"data": found, "links": {"next": None}})


def refusal(*pointers: str, status: int = 400, code: str = "invalid") -> Reply:
    errors = [{"code": code, "detail": A, "source": {"pointer": pointer}} for pointer in pointers]
    return Reply(status, {"errors": errors})


def pointer(place: int) -> str:
    return f"/data/attributes/profiles/data/{place}/attributes/email"


def profiles(body: Any) -> Sequence[dict[str, Any]]:
    found: list[dict[str, Any]] = body["data"]["attributes"]["profiles"]["data"]
    return found
