"""What Klaviyo's JSON:API asks of a request: headers, filters, relationships.

https://developers.klaviyo.com/en/docs/filtering_ and .../api_versioning_and_deprecation_policy
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from guestlist.sandbox._klaviyo_errors import refused
from guestlist.sandbox.core import Json, Request

_STRING = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_FILTER = re.compile(rf"(equals|any)\(\s*([\w.]+)\s*,\s*({_STRING}|\[\s*(?:{_STRING}(?:\s*,\s*{_STRING})*)?\s*\])\s*\)")
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_REVISION = re.compile(r"\d{4}-\d{2}-\d{2}(?:\.\w+)?")
_TYPES = ("application/vnd.api+json", "application/json")
_ANY_TYPE = ("*/*", "application/*", *_TYPES)


@dataclass(frozen=True, slots=True)
class Filter:
    """What a filter asks for: any of these values of a field."""

    field: str
    values: tuple[str, ...]


def check_headers(request: Request, oldest: str, newest: str) -> None:
    """A revision that is supported, and JSON:API both ways; plain JSON is taken as well."""
    revision = request.headers.get("revision", "")
    if not _REVISION.fullmatch(revision) or revision > newest:
        raise refused("invalid", "A valid revision header is required.", parameter="revision")
    if revision < oldest:
        raise refused("revision_retired", parameter="revision")
    accepted = [part.split(";")[0].strip() for part in request.headers.get("accept", "*/*").split(",")]
    if not any(kind in _ANY_TYPE for kind in accepted):
        raise refused("not_acceptable")
    if request.body and request.headers.get("content-type", "").split(";")[0].strip() not in _TYPES:
        raise refused("unsupported_media_type")


def read_filter(request: Request, fields: Collection[str], most: int) -> Filter | None:
    """The filter of the query, None where there is none; at most ``most`` values."""
    if (text := request.query.get("filter")) is None:
        return None
    if not (match := _FILTER.fullmatch(text.strip())):
        raise refused("invalid", "Invalid filter provided.", parameter="filter")
    operator, field, written = match.groups()
    if field not in fields:
        raise refused("invalid", f"'{field}' is not a valid field for filtering.", parameter="filter")
    values = tuple(_unquoted(found) for found in re.findall(_STRING, written))
    if (operator == "any") != written.startswith("[") or not values or len(values) > most:
        raise refused("invalid", f"{operator} takes a list of 1 to {most} values, equals takes one.", parameter="filter")
    return Filter(field, values)


def _unquoted(text: str) -> str:
    """A string of a filter; escapes are those of JSON, and the single quote."""
    plain = _ESCAPED.sub(lambda m: chr(int(m[1], 16)) if m[1] else _LETTERS.get(m[2], m[2]), text[1:-1])
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def document(request: Request, kind: str) -> dict[str, Any]:
    """``data`` of the body, an object of this type."""
    data = _data(request)
    if not isinstance(data, dict) or data.get("type") != kind:
        raise refused("invalid", f"The type must be '{kind}'.", pointer="/data/type")
    return data


def identifiers(data: Json, kind: str, pointer: str, most: int) -> list[str]:
    """The ids of a relationship's list of resources, at most ``most``."""
    if not isinstance(data, list) or not 1 <= len(data) <= most:
        raise refused("invalid", f"A list of 1 to {most} resources is required.", pointer=pointer)
    for place, item in enumerate(data):
        if not isinstance(item, dict) or item.get("type") != kind or not isinstance(item.get("id"), str) or not item["id"]:
            raise refused("invalid", f"A resource of type '{kind}' with an id is required.", pointer=f"{pointer}/{place}")
    return [item["id"] for item in data]


def related(request: Request, most: int) -> list[str]:
    """The profile ids of a request on a relationship."""
    return identifiers(_data(request), "profile", "/data", most)


def _data(request: Request) -> Json:
    try:
        body = request.json()
    except ValueError:
        raise refused("invalid", "The payload is not valid JSON.", pointer="/") from None
    if not isinstance(body, dict) or "data" not in body:
        raise refused("invalid", "The payload must have 'data'.", pointer="/data")
    return body["data"]


def resource(kind: str, name: str, attributes: Json, address: str) -> dict[str, Any]:
    """A resource as JSON:API shows it; ``address`` is that of its collection."""
    return {"type": kind, "id": name, "attributes": attributes, "links": {"self": f"{address}/{name}"}}
