"""Meta's Custom Audience node: what may be created, what is read, and the Graph API's field selection and paging."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from guestlist.sandbox._meta_errors import refused
from guestlist.sandbox._meta_rows import Rows
from guestlist.sandbox.core import Audience, Book, Json

_SOURCES = ("USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED")
_LABEL_WORDS = """
CUSTOMERS GENERAL_CUSTOMERS QUALIFIED_LEADS DISQUALIFIED_LEADS APP_USERS TRIAL_USERS ENGAGED_USERS
HIGH_VALUE_CUSTOMERS LOW_VALUE_CUSTOMERS AT_RISK DISENGAGED RECENT_PURCHASERS CART_ABANDONERS OTHER_1 OTHER_2 OTHER_3
"""
_LABELS = frozenset(_LABEL_WORDS.split())
# Names that hint at health or finance get an audience flagged; Meta publishes no list, these are ours.
_SENSITIVE = re.compile(
    r"diabet|cancer|hiv\b|depress|pregnan|medical|patient|disease|health|bankrupt|credit score|in debt|mortgage|payday",
    re.IGNORECASE,
)
_EXTERNAL_ID_SECONDS = 90 * 86_400
_TRUE = (True, 1, "1", "true", "True")
_FALSE = (False, 0, "0", "false", "False", None, "")
_STATUS = {
    0: "Not available",
    100: "Expiring audience",
    200: "Normal",
    400: "Warning",
    410: "No upload",
    411: "Low match rate",
    412: "High invalid rate",
    414: "replace_in_progress",
    415: "replace_error",
    441: "Populating",
    450: "Stale",
    470: "Inactive owner",
    471: "Flagged for integrity",
    500: "Error",
}


def read_new(params: Mapping[str, Any]) -> tuple[str, dict[str, Json]]:
    """Name and data of an audience to be created; raises `Refused` with code 100."""
    name = params.get("name")
    if not isinstance(name, str) or not name.strip():
        raise refused(100, message="The parameter name is required")
    if params.get("subtype") != "CUSTOM":
        raise refused(100, message="The parameter subtype must be CUSTOM for a customer-file audience")
    source = params.get("customer_file_source")
    if source is not None and source not in _SOURCES:
        raise refused(100, message=f"customer_file_source must be one of {', '.join(_SOURCES)}")
    description = str(params.get("description") or "")
    return name, {
        "description": description,
        "customer_file_source": source,
        "is_value_based": _boolean(params.get("is_value_based"), "is_value_based"),
        "retention_days": _retention(params.get("retention_days")),
        "audience_labels": _labels(params.get("audience_labels")),
        "flagged": _SENSITIVE.search(f"{name} {description}") is not None,
        "content_updated": None,
        "updated": None,
        "populated": None,
        "mostly_invalid": False,
        "replace": None,
        "replace_failed": False,
    }


def _boolean(value: Any, name: str) -> bool:
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise refused(100, message=f"{name} must be a boolean")


def _retention(value: Any) -> int | None:
    if value in (None, "", 0, "0"):
        return None
    if not re.fullmatch(r"\d{1,3}", str(value)) or not 1 <= int(value) <= 180:
        raise refused(100, message="retention_days must be between 1 and 180")
    return int(value)


def _labels(value: Any) -> list[str]:
    try:
        labels = json.loads(value) if isinstance(value, str) else value or []
    except ValueError:
        raise refused(100, message="audience_labels must be a list") from None
    if not isinstance(labels, list) or not all(isinstance(label, str) and label in _LABELS for label in labels):
        raise refused(100, message="audience_labels holds an unknown label")
    return labels


def change(audience: Audience, params: Mapping[str, Any]) -> None:
    """Change name or description; nothing else of a customer-file audience can be changed here."""
    audience.name = str(params.get("name", audience.name))
    audience.data["description"] = str(params.get("description", audience.data["description"]))
    audience.data["flagged"] = _SENSITIVE.search(f"{audience.name} {audience.data['description']}") is not None


def _status(audience: Audience, now: float) -> int:
    data = audience.data
    if data["flagged"]:
        return 471
    if data["replace"]:
        return 414
    if data["replace_failed"]:
        return 415
    if data["content_updated"] is None:
        return 410
    if now < (data["populated"] or 0):
        return 441
    return 412 if data["mostly_invalid"] else 200


def view(audience: Audience, matched: int, now: float, settings: Any) -> dict[str, Json]:
    """The node with all its fields; sizes are hidden below 100 matched people."""
    data = audience.data
    code = settings["operation_status"] or _status(audience, now)
    delivery = 300 if matched < 100 else 200
    lower, upper = (matched // 100 * 100, (matched // 100 + 2) * 100) if matched >= 100 else (-1, -1)
    return {
        "id": audience.id,
        "account_id": audience.account,
        "name": audience.name,
        "description": data["description"],
        "subtype": "CUSTOM",
        "customer_file_source": data["customer_file_source"],
        "is_value_based": data["is_value_based"],
        "retention_days": data["retention_days"] or 0,
        "operation_status": {"code": code, "description": _STATUS.get(code, "")},
        "delivery_status": {"code": delivery, "description": "Ready" if delivery == 200 else "Too small"},
        "approximate_count_lower_bound": lower,
        "approximate_count_upper_bound": upper,
        "time_created": int(audience.created),
        "time_updated": int(data["updated"] or audience.created),
        "time_content_updated": int(data["content_updated"] or 0),
        "data_source": {"type": "FILE_IMPORTED", "sub_type": "HASHES"},
        "fields_violating_integrity_policy": ["name"] if data["flagged"] else [],
        "permission_for_actions": {"can_edit": not data["flagged"], "can_see_insight": "true", "can_share": "true"},
    }


def chosen(full: Mapping[str, Json], fields: str | None, node: str, default: Sequence[str]) -> dict[str, Json]:
    """The wanted fields of a node, always with its id; raises `Refused` for a field that there is not."""
    names = [name.strip() for name in fields.split(",") if name.strip()] if fields else list(default)
    if unknown := [name for name in names if name not in full]:
        raise refused(100, message=f"Tried accessing nonexisting field ({unknown[0]}) on node type ({node})")
    kept = {name: full[name] for name in names}
    return kept | ({"id": full["id"]} if "id" in full else {})


def page(items: list[dict[str, Json]], query: Mapping[str, str]) -> dict[str, Json]:
    """One page of a list; ``after`` is the position of the last one that was seen."""
    limit, after = query.get("limit", "25"), query.get("after", "0")
    if not limit.isdigit() or not after.isdigit():
        raise refused(100, message="Invalid cursor or limit")
    start, end = int(after), int(after) + min(int(limit), 1000)
    paging: dict[str, Json] = {"cursors": {"before": str(start), "after": str(min(end, len(items)))}}
    if end < len(items):
        paging["next"] = f"https://graph.facebook.com/v26.0/next?after={end}"
    return {"data": items[start:end], **({"paging": paging} if items else {})}


def filtered(found: list[Audience], filtering: str | None) -> list[Audience]:
    """Audiences that a ``filtering`` parameter lets through: by name or id, EQUAL, CONTAIN or IN."""
    if not filtering:
        return found
    try:
        rules = [(rule["field"], rule["operator"].upper(), rule["value"]) for rule in json.loads(filtering)]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise refused(100, message="filtering must be a list of field, operator and value") from None
    for name, operator, value in rules:
        if name not in ("name", "id") or operator not in ("EQUAL", "CONTAIN", "IN"):
            raise refused(100, message="filtering knows name and id, with EQUAL, CONTAIN and IN")
        found = [audience for audience in found if _passes(getattr(audience, name), operator, value)]
    return found


def _passes(actual: str, operator: str, value: Any) -> bool:
    return actual == value if operator == "EQUAL" else str(value) in actual if operator == "CONTAIN" else actual in value


def put_in(book: Book, audience: Audience, keys: Sequence[tuple[str, str, float | None]], moment: float) -> None:
    """Add keys: external ids are kept for 90 days, everything else for the audience's retention."""
    days = audience.data["retention_days"]
    lapses = moment + days * 86_400 if days else None
    external = moment + _EXTERNAL_ID_SECONDS
    book.add(audience, (key for key in keys if key[0] != "external_id"), added=moment, lapses=lapses)
    book.add(
        audience,
        (key for key in keys if key[0] == "external_id"),
        added=moment,
        lapses=min(lapses, external) if lapses else external,
    )


def touch(book: Book, audience: Audience, now: float, rows: Rows | None = None) -> None:
    """Note that the content changed, and whether most rows were invalid."""
    audience.data["content_updated"] = now
    if rows is not None:
        audience.data["mostly_invalid"] = len(rows.invalid) * 2 > rows.count
    book.save(audience)
