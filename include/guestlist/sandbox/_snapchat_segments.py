"""Snapchat's segments and their users: what a request may say of them, and how a segment is shown.

https://developers.snap.com/api/marketing-api/Ads-API/customer-lists
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guestlist.sandbox._snapchat_errors import failed
from guestlist.sandbox.core import Audience, Json, Request, Settings, iso

LIFETIME = 9999
_SCHEMAS = {"EMAIL_SHA256": "email", "PHONE_SHA256": "phone", "MOBILE_AD_ID_SHA256": "mobile_ad_id"}
_SOURCES = ("FIRST_PARTY", "ENGAGEMENT", "PIXEL", "MOBILE", "FOOT_TRAFFIC_INSIGHTS")
_LONGEST_NAME = 375


def elements(request: Request, name: str) -> list[dict[str, Any]]:
    """The objects under ``name`` in the JSON body, at least one; raises `Refused` with 400."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise failed(400, "Content-Type must be application/json")
    try:
        body = request.json()
    except ValueError:
        raise failed(400, "The body is not JSON") from None
    found = body.get(name) if isinstance(body, dict) else None
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        raise failed(400, f"The body must have an array {name}")
    return found


def problem_of(segment: Mapping[str, Any], account: str) -> str | None:
    """What is wrong with a segment that is to be, if anything is."""
    name, days = segment.get("name"), segment.get("retention_in_days")
    if segment.get("ad_account_id") != account:
        return "ad_account_id must be that of the path"
    if not isinstance(name, str) or not name or len(name) > _LONGEST_NAME:
        return f"name is required, with up to {_LONGEST_NAME} characters"
    if segment.get("source_type") not in _SOURCES:
        return f"source_type must be one of {', '.join(_SOURCES)}"
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= LIFETIME:
        return f"retention_in_days is required: days, or {LIFETIME} for a lifetime"
    return None if isinstance(segment.get("description", ""), str | None) else "description must be text"


def identifiers(users: Mapping[str, Any], segment: str, most: int) -> tuple[str, list[str]]:
    """Kind and values of one element of ``users``; raises `Refused` with 400."""
    schema, data = users.get("schema"), users.get("data")
    if str(users.get("id", segment)) != segment:
        raise failed(400, "id is not that of the segment")
    if not isinstance(schema, list) or len(schema) != 1 or schema[0] not in _SCHEMAS:
        raise failed(400, f"schema must be one of {', '.join(_SCHEMAS)}")
    if not isinstance(data, list) or not data or not all(_is_single(one) for one in data):
        raise failed(400, "data must be an array of arrays of one identifier each")
    if len(data) > most:
        raise failed(400, "There are too many identifiers in the request")
    return _SCHEMAS[schema[0]], [one[0] for one in data]


def _is_single(one: Json) -> bool:
    return isinstance(one, list) and len(one) == 1 and isinstance(one[0], str)


def view(segment: Audience, users: int, now: float, settings: Settings) -> dict[str, Json]:
    """The segment with all its fields; ``users`` are those that Snapchat matched."""
    data = segment.data
    complete = data["processed"] is not None and now >= data["processed"]
    enough = "READY" if users >= settings["users_for_targeting"] else "TOO_FEW_USERS"
    return {
        "id": segment.id,
        "ad_account_id": segment.account,
        "name": segment.name,
        "description": data["description"],
        "source_type": data["source_type"],
        "retention_in_days": data["retention_in_days"],
        "status": "ACTIVE" if now >= segment.created + settings["activation_seconds"] else "PENDING",
        "created_at": iso(segment.created),
        "updated_at": iso(data["updated"] or segment.created),
        "approximate_number_users": users,
        "upload_status": "COMPLETE" if complete else "NO_UPLOAD" if data["processed"] is None else "PROCESSING",
        "targetable_status": enough if complete else "NOT_READY",
        "organization_id": "40d6719b-da09-410b-9185-0cc9c0dfed1d",
        "visible_to": ["ALL_ACCOUNTS"],
    }
