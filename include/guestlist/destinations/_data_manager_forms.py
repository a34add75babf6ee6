"""Audience members and outcomes of requests in the forms of the Data Manager API."""

from __future__ import annotations

from collections.abc import Mapping

from guestlist.destinations._google import Row, address_of
from guestlist.destinations._reading import inside
from guestlist.model.conversation import Json
from guestlist.model.delivery import JobOutcome


def match_rate_of(status: Mapping[str, Json]) -> str | None:
    """The range, wherever the kind of data puts it; None until Google has one."""
    for kind in inside(status, "audienceMembersIngestionStatus").values():
        name = str(kind.get("uploadMatchRateRange", "")) if isinstance(kind, dict) else ""
        if "_TO_" in name or "LESS_THAN" in name:
            text = name.removeprefix("MATCH_RATE_RANGE_").removeprefix("LESS_THAN_")
            return f"{'< ' * ('LESS_THAN' in name)}{text.replace('_TO_', '-')} %"
    return None


def merged(parts: list[JobOutcome]) -> JobOutcome:
    """The outcome of a batch that went out in several requests."""
    rejected: dict[str, int] = {}
    for part in parts:
        for reason, refused in part.rejected.items():
            rejected[reason] = rejected.get(reason, 0) + refused
    rates = [part.match_rate for part in parts if part.match_rate]
    return JobOutcome(rejected, failed=any(part.failed for part in parts), match_rate=rates[-1] if rates else None)


def member_of(row: Row) -> Json:
    """An audience member: all identifiers of one person."""
    if mobile := row.get("mobile_ad_id"):
        return {"mobileData": {"mobileIds": mobile}}
    if user_id := row.get("external_id"):
        return {"userIdData": {"userId": user_id}}
    identifiers: list[Json] = [{"emailAddress": value} for value in row.get("email") or ()]
    identifiers += [{"phoneNumber": value} for value in row.get("phone") or ()]
    if address := address_of(row):
        names = ("givenName", "familyName", "regionCode", "postalCode")
        identifiers.append({"address": dict(zip(names, address, strict=True))})
    return {"compositeData": {"userData": {"userIdentifiers": identifiers}}}
