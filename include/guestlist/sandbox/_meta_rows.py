"""Meta's ``payload``: the schema's rules, and rows into match keys.

https://developers.facebook.com/docs/marketing-api/reference/custom-audience/users/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from guestlist.sandbox._meta_errors import refused
from guestlist.sandbox.core import SHA256_HEX, UUID_TEXT, Json

ROWS_PER_REQUEST = 10_000
EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_SINGLES = {"EMAIL": "email", "PHONE": "phone", "MADID": "mobile_ad_id", "EXTERN_ID": "external_id"}
_PROFILE = ("FN", "LN", "FI", "CT", "ST", "ZIP", "COUNTRY", "GEN", "DOBY", "DOBM", "DOBD")
_NAMES = ("FN", "LN", "FI")
_HASHED = frozenset({"EMAIL", "PHONE", *_PROFILE})
_LDU = ("DATA_PROCESSING_OPTIONS", "DATA_PROCESSING_OPTIONS_COUNTRY", "DATA_PROCESSING_OPTIONS_STATE")
_COLUMNS = frozenset({*_SINGLES, *_PROFILE, "LOOKALIKE_VALUE", *_LDU})
_TEXT_SCHEMAS = {
    "EMAIL_SHA256": "EMAIL",
    "PHONE_SHA256": "PHONE",
    "MOBILE_ADVERTISER_ID": "MADID",
    **{name: name for name in _COLUMNS - set(_LDU) - {"LOOKALIKE_VALUE"}},
}
_KNOWN = {"schema", "data", "is_raw", "app_ids", "page_ids", "ig_account_ids", "data_source", "customer_consent"}
_SCOPED = ("app_ids", "page_ids", "ig_account_ids")


@dataclass(slots=True)
class Rows:
    """The rows of one payload. ``keys`` are ``(kind, value, worth)``; ``invalid`` are the positions of malformed rows."""

    schema: tuple[str, ...]
    count: int
    keys: list[tuple[str, str, float | None]] = field(default_factory=list)
    invalid: list[int] = field(default_factory=list)
    samples: list[Json] = field(default_factory=list)


def read_payload(given: Json) -> tuple[tuple[str, ...], list[list[Any]]]:
    """Schema and rows of a payload that obeys the rules; raises `Refused` with code 100, or 1/99 for too many rows."""
    payload = _payload(given)
    schema = payload.get("schema")
    columns = _text_schema(schema) if isinstance(schema, str) else _list_schema(schema)
    data = payload.get("data")
    if not isinstance(data, list) or not data:
        raise refused(100, message="Data is missing or does not match schema")
    if len(data) > ROWS_PER_REQUEST:
        raise refused(1, 99)
    if isinstance(schema, str):
        data = [row if isinstance(row, list) else [row] for row in data]
    width = len(columns)
    if not all(isinstance(row, list) and len(row) == width for row in data):
        raise refused(100, message="Data is missing or does not match schema")
    return columns, data


def _payload(given: Json) -> dict[str, Any]:
    if given is None:
        raise refused(100, message="The parameter payload is required")
    try:
        payload = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        raise refused(100, message="Param payload must be a JSON object") from None
    if not isinstance(payload, dict):
        raise refused(100, message="Param payload must be a JSON object")
    if unknown := sorted(set(payload) - _KNOWN):
        raise refused(100, message=f"Param payload has unknown keys: {', '.join(unknown)}")
    if not isinstance(payload.get("is_raw", False), bool):
        raise refused(100, message="is_raw must be a boolean")
    if any(payload.get(name) for name in _SCOPED):
        raise refused(100, message="app, page and Instagram ids go with UID and PAGEUID schemas only")
    return payload


def _text_schema(schema: str) -> tuple[str, ...]:
    if schema not in _TEXT_SCHEMAS:
        raise refused(100, message="Unknown schema")
    return (_TEXT_SCHEMAS[schema],)


def _list_schema(schema: Json) -> tuple[str, ...]:
    if not isinstance(schema, list) or not schema or not all(isinstance(name, str) for name in schema):
        raise refused(100, message="schema must be a string or an array of keys")
    if unknown := sorted(set(schema) - _COLUMNS):
        raise refused(100, message=f"schema has unknown keys: {', '.join(unknown)}")
    if len(set(schema)) != len(schema):
        raise refused(100, message="schema names a key twice")
    if (_LDU[1] in schema) != (_LDU[2] in schema) or (_LDU[1] in schema and _LDU[0] not in schema):
        raise refused(100, message=f"{_LDU[1]} and {_LDU[2]} stand together, beside {_LDU[0]}")
    return tuple(schema)


def _hashed(value: Any) -> bool:
    return isinstance(value, str) and SHA256_HEX.fullmatch(value) is not None and value != EMPTY_HASH


def _mobile_id(value: Any) -> bool:
    good = isinstance(value, str) and UUID_TEXT.fullmatch(value) is not None and value == value.lower()
    return good and value.strip("0-") != ""


def _external_id(value: Any) -> bool:
    return isinstance(value, str) and value == value.strip()


def _worth(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _options(value: Any) -> bool:
    return value in ([], ["LDU"])


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(_HASHED, _hashed),
    "MADID": _mobile_id,
    "EXTERN_ID": _external_id,
    "LOOKALIKE_VALUE": _worth,
    _LDU[0]: _options,
    _LDU[1]: _number,
    _LDU[2]: _number,
}


def read_rows(schema: tuple[str, ...], data: Sequence[list[Any]], rejected: Sequence[int] = ()) -> Rows:
    """Rows into keys. A row with a malformed value, or with nothing that can identify anybody, is invalid as a whole."""
    rows = Rows(schema, len(data))
    checks = [_CHECKS[name] for name in schema]
    singles = [(place, _SINGLES[name]) for place, name in enumerate(schema) if name in _SINGLES]
    profile = [schema.index(name) if name in schema else None for name in _PROFILE]
    worth_at = schema.index("LOOKALIKE_VALUE") if "LOOKALIKE_VALUE" in schema else None
    refuse = frozenset(rejected)
    for place, row in enumerate(data):
        keys: list[tuple[str, str]] = []
        if place not in refuse and all(value == "" or check(value) for check, value in zip(checks, row, strict=True)):
            keys = [(kind, row[at]) for at, kind in singles if row[at] != ""] or _profile_key(row, profile)
        if not keys:
            rows.invalid.append(place)
            if len(rows.samples) < 100:
                rows.samples.append(row)
        worth = row[worth_at] if worth_at is not None and row[worth_at] != "" else None
        rows.keys += [(kind, value, worth) for kind, value in keys]
    return rows


def _profile_key(row: list[Any], places: list[int | None]) -> list[tuple[str, str]]:
    """The key of somebody who is known by name only; none where there is no name."""
    parts = ["" if place is None else row[place] for place in places]
    return [("profile", "|".join(parts))] if any(parts[: len(_NAMES)]) else []
