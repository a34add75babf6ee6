"""User lists of the Data Manager API: what may be created and changed, how a list reads, and AIP-160 filters.

https://developers.google.com/data-manager/api/reference/rpc/google.ads.datamanager.v1
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from guestlist.sandbox import _google_lists as lists
from guestlist.sandbox._data_manager_errors import invalid, refused
from guestlist.sandbox._data_manager_requests import ENUM, enum, typed
from guestlist.sandbox.core import Audience, Json

_KEY_TYPES = ("UPLOAD_KEY_TYPE_UNSPECIFIED", lists.CONTACT, lists.MOBILE, lists.USER, "PAIR_ID", "PSEUDONYMOUS_ID")
_STATUS = ("MEMBERSHIP_STATUS_UNSPECIFIED", "OPEN", "CLOSED")
_SOURCES = ("DATA_SOURCE_TYPE_UNSPECIFIED", "DATA_SOURCE_TYPE_FIRST_PARTY")
_KEY_SPACES = ("KEY_SPACE_UNSPECIFIED", "IOS", "ANDROID")
_INFO_SHAPE = {"dataSourceType": ENUM, "matchRatePercentage": object, "keySpace": ENUM, "appId": str}
_LIST_SHAPE = {
    **dict.fromkeys(("name", "displayName", "description", "integrationCode", "membershipDuration"), str),
    **dict.fromkeys(("id", "readOnly", "closingReason", "accessReason", "accountAccessStatus"), object),
    **dict.fromkeys(("sizeInfo", "targetNetworkInfo"), object),
    "membershipStatus": ENUM,
    "ingestedUserListInfo": {
        "uploadKeyTypes": [ENUM],
        **dict.fromkeys(("contactIdInfo", "mobileIdInfo", "userIdInfo"), _INFO_SHAPE),
        **dict.fromkeys(("pairIdInfo", "pseudonymousIdInfo", "partnerAudienceInfo"), object),
    },
}
"""What a list may hold; what is read-only is taken and ignored."""
_INFO_OF = {lists.CONTACT: "contactIdInfo", lists.MOBILE: "mobileIdInfo", lists.USER: "userIdInfo"}
_CHANGEABLE = ("displayName", "description", "membershipStatus", "integrationCode", "membershipDuration")
_DURATION = re.compile(r"(-?\d+)(?:\.\d+)?s")
_DAY = 86_400
_LONGEST_NAME = 255


def read_new(body: Json) -> tuple[str, str, dict[str, Json]]:
    """Name, kind and data of a list to be created."""
    data = typed(body, _LIST_SHAPE, "user_list")
    ingested = data.get("ingestedUserListInfo", {})
    field = "user_list.ingested_user_list_info.upload_key_types"
    types = [enum(value, _KEY_TYPES, field) for value in ingested.get("uploadKeyTypes", [])]
    if not types or 0 in types:
        raise invalid(field, "REQUIRED_FIELD_MISSING")
    kind = _KEY_TYPES[types[0]]
    if len(types) > 1 or kind not in _INFO_OF:
        raise invalid(field, "UNSUPPORTED_USER_LIST_UPLOAD_KEY_TYPES")
    if others := set(ingested) - {"uploadKeyTypes", _INFO_OF[kind]}:
        raise invalid(field, "UNSUPPORTED_INGESTED_USER_LIST_INFO_CONFIG", f"{', '.join(sorted(others))} goes with other keys")
    values = _values(data, required=True)
    return values.pop("name"), kind, {**values, **_info(kind, ingested.get(_INFO_OF[kind], {}))}


def _info(kind: str, info: Mapping[str, Any]) -> dict[str, Json]:
    path = f"user_list.ingested_user_list_info.{kind.lower()}_info"
    if enum(info.get("dataSourceType"), (*_SOURCES, "THIRD_1", "THIRD_2", "THIRD_3"), f"{path}.data_source_type") > 1:
        raise refused("ADVERTISER_NOT_ALLOWLISTED_FOR_UPLOADED_DATA")
    if kind != lists.MOBILE:
        return {}
    space = enum(info.get("keySpace"), _KEY_SPACES, f"{path}.key_space")
    if not space or not info.get("appId"):
        raise invalid(f"{path}.{'app_id' if space else 'key_space'}", "REQUIRED_FIELD_MISSING")
    return {"key_space": _KEY_SPACES[space], "app_id": info["appId"]}


def _values(data: Mapping[str, Any], *, required: bool) -> dict[str, Json]:
    """What a list's owner may say of it. ``required`` is for a new list; a change names only what it changes."""
    values: dict[str, Json] = {}
    if required or "displayName" in data:
        values["name"] = _text(data.get("displayName"), "display_name", "INVALID_DISPLAY_NAME")
    if required or "description" in data:
        values["description"] = _text(data.get("description"), "description", "INVALID_DESCRIPTION")
    if required or "membershipStatus" in data:
        values["status"] = _STATUS[enum(data.get("membershipStatus"), _STATUS, "user_list.membership_status") or 1]
    if required or "integrationCode" in data:
        values["integration_code"] = str(data.get("integrationCode") or "")
    if required or "membershipDuration" in data:
        values["days"] = _days(data.get("membershipDuration"))
    return values


def _text(value: Json, name: str, reason: str) -> str:
    if value is None and name == "display_name":
        raise invalid(f"user_list.{name}", "REQUIRED_FIELD_MISSING")
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_NAME:
        raise invalid(f"user_list.{name}", reason)
    return value


def _days(value: Json) -> int:
    """Whole days of a duration such as ``46656000s``; unset means the longest."""
    field = "user_list.membership_duration"
    if value is None:
        return lists.MAX_DAYS
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None or "." in value or int(found[1]) % _DAY or int(found[1]) <= 0:
        raise invalid(field, "INVALID_ARGUMENT", "the duration must be a multiple of 86400s")
    if int(found[1]) > lists.MAX_DAYS * _DAY:
        raise invalid(field, "MEMBERSHIP_DURATION_TOO_LONG")
    return int(found[1]) // _DAY


def read_change(body: Json, mask: str | None, audience: Audience) -> dict[str, Json]:
    """The values that a PATCH changes; without a mask, all that the body holds."""
    data = typed(body, _LIST_SHAPE, "user_list")
    names = [_camel(name) for name in mask.split(",")] if mask else [name for name in data if name in _CHANGEABLE]
    if "ingestedUserListInfo" in {name.split(".")[0] for name in names} | ({"ingestedUserListInfo"} & set(data) - set(names)):
        types = data.get("ingestedUserListInfo", {}).get("uploadKeyTypes")
        if types is None or [_KEY_TYPES[enum(value, _KEY_TYPES, "update_mask")] for value in types] != [audience.kind]:
            raise invalid("user_list.ingested_user_list_info.upload_key_types", "IMMUTABLE_FIELD_FOR_UPDATE")
    if unknown := [name for name in names if name not in _CHANGEABLE and not name.startswith("ingestedUserListInfo")]:
        raise invalid("update_mask", "INVALID_UPDATE_MASK", f"it cannot change {', '.join(unknown)}")
    return _values({name: data.get(name) for name in names}, required=False)


def view(audience: Audience, size: int, match_rate: float) -> Json:
    """A list as it reads."""
    data = audience.data
    info: dict[str, Json] = {"dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY"}
    if audience.kind == lists.CONTACT and size:
        info["matchRatePercentage"] = round(match_rate * 100)
    if audience.kind == lists.MOBILE:
        info |= {"keySpace": data["key_space"], "appId": data["app_id"]}
    return {
        "name": f"accountTypes/GOOGLE_ADS/accounts/{audience.account}/userLists/{audience.id}",
        "id": audience.id,
        "readOnly": False,
        "displayName": audience.name,
        "description": data["description"],
        "membershipStatus": data["status"],
        "integrationCode": audience.reference,
        "membershipDuration": f"{data['days'] * _DAY}s",
        "accessReason": "OWNED",
        "accountAccessStatus": "ENABLED",
        "sizeInfo": {
            "displayNetworkMembersCount": str(size),
            "searchNetworkMembersCount": str(size),
            "youtubeMembersCount": str(size),
            "gmailMembersCount": str(size),
        },
        "targetNetworkInfo": {"eligibleForDisplay": size > 0, "eligibleForSearch": size > 0},
        "ingestedUserListInfo": {"uploadKeyTypes": [audience.kind], _INFO_OF[audience.kind]: info},
    }


_FILTER_FIELDS: dict[str, Callable[[Audience], str]] = {
    "id": lambda audience: audience.id,
    "display_name": lambda audience: audience.name,
    "description": lambda audience: str(audience.data["description"]),
    "membership_status": lambda audience: str(audience.data["status"]),
    "integration_code": lambda audience: audience.reference,
    "access_reason": lambda _: "OWNED",
    "ingested_user_list_info.upload_key_types": lambda audience: audience.kind,
}
_VALUE = r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,()"']+)"""
_TERM = re.compile(rf"\s*([\w.]+)\s*(!=|=|<|>|:)\s*{_VALUE}\s*")
_IN_TERM = re.compile(rf"\s*IN\s*\(\s*([\w.]+)\s*((?:,\s*{_VALUE}\s*)+)\)\s*")


def filtered(found: list[Audience], text: str) -> list[Audience]:
    """The lists that an AIP-160 filter lets through: AND, =, !=, <, >, : and ``IN(field, ...)``."""
    place, styles = 0, set()
    while text.strip():
        if match := _IN_TERM.match(text, place):
            values = [_unquoted(value[0]) for value in re.finditer(_VALUE, match[2])]
            found = [audience for audience in found if _read(match[1], audience) in values]
        elif match := _TERM.match(text, place):
            wanted = _unquoted(match[3])
            found = [audience for audience in found if _compare(_read(match[1], audience), match[2], wanted)]
        else:
            raise invalid("filter", "INVALID_FILTER")
        styles |= {"snake" for _ in re.findall(r"_", match[1])} | {"camel" for _ in re.findall(r"[A-Z]", match[1])}
        _field(match[1])
        place = match.end()
        if place == len(text):
            break
        if not (joined := re.compile(r"AND\b").match(text, place)):
            raise invalid("filter", "INVALID_FILTER")
        place = joined.end()
    if len(styles) > 1:
        raise invalid("filter", "INVALID_FILTER", "use one case style for the fields of a filter")
    return found


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] in "\"'" else text


def _field(name: str) -> str:
    snake = re.sub(r"([A-Z])", r"_\1", name).lower()
    if snake not in _FILTER_FIELDS:
        raise invalid("filter", "INVALID_FILTER", f"lists cannot be filtered by {name}")
    return snake


def _read(name: str, audience: Audience) -> str:
    return _FILTER_FIELDS[_field(name)](audience)


def _compare(actual: str, operator: str, wanted: str) -> bool:
    if operator == ":":
        return wanted.lower() in actual.lower()
    if operator in ("=", "!="):
        return (actual == wanted) == (operator == "=")
    width = max(len(actual), len(wanted)) if actual.isdigit() and wanted.isdigit() else 0
    left, right = actual.zfill(width), wanted.zfill(width)
    return left < right if operator == "<" else left > right


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name.strip())
