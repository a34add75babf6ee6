"""What TikTok reads of people: the rows of a streaming request, and the lines of an uploaded file.

https://business-api.tiktok.com/portal/docs?id=1747012327159809
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from guestlist.sandbox._tiktok_errors import bad, refused
from guestlist.sandbox.core import SHA256_HEX, UUID_TEXT, Json

Key = tuple[str, str]
_MD5_HEX = re.compile(r"[0-9a-f]{32}")
_STREAMED = {
    "EMAIL_SHA256": "email",
    "PHONE_SHA256": "phone",
    "IDFA_SHA256": "mobile_ad_id",
    "IDFA_MD5": "mobile_ad_id",
    "AAID_SHA256": "mobile_ad_id",
    "AAID_MD5": "mobile_ad_id",
}
CREATE_TYPES = {
    "EMAIL_SHA256": "email",
    "PHONE_SHA256": "phone",
    **{f"{system}_{how}": "mobile_ad_id" for system in ("IDFA", "GAID", "FIRST") for how in ("SHA256", "MD5")},
    "MULTIPLE_TYPES": "",
}
UPLOAD_TYPES = {**CREATE_TYPES, "MAID_SHA256": "mobile_ad_id", "MAID_MD5": "mobile_ad_id"}
_COLUMNS = {
    "email_sha256": ("email", SHA256_HEX),
    "phone_sha256": ("phone", SHA256_HEX),
    "maid": ("mobile_ad_id", UUID_TEXT),
    "maid_sha256": ("mobile_ad_id", SHA256_HEX),
    "maid_md5": ("mobile_ad_id", _MD5_HEX),
}
_REPEATS = 3


def _form_of(name: str) -> re.Pattern[str]:
    return _MD5_HEX if name.endswith("_MD5") else SHA256_HEX


def read_schema(given: Json) -> list[str]:
    """The names of an ``id_schema``; their case does not matter, and none comes twice."""
    if not isinstance(given, list) or not given or not all(isinstance(name, str) for name in given):
        raise bad("id_schema must be a list of id types")
    names = [name.upper() for name in given]
    if unknown := [name for name in names if name not in _STREAMED]:
        raise bad(f"id_schema has the unknown types {', '.join(unknown)}")
    if len(set(names)) != len(names):
        raise bad("id_schema names a type twice")
    return names


def read_users(schema: Sequence[str], given: Json) -> list[list[tuple[Key, list[str]]]]:
    """The rows of ``batch_data``: for each user the keys, and the audiences that each is mapped to."""
    if not isinstance(given, list) or not given:
        raise bad("batch_data must be a list of users")
    return [_user(schema, row) for row in given]


def _user(schema: Sequence[str], row: Json) -> list[tuple[Key, list[str]]]:
    if not isinstance(row, list) or len(row) != len(schema):
        raise bad("each user of batch_data must have as many ids as id_schema")
    found = [_slot(name, slot) for name, slot in zip(schema, row, strict=True) if slot != {}]
    if not found:
        raise bad("a user of batch_data has no id")
    return found


def _slot(name: str, slot: Any) -> tuple[Key, list[str]]:
    if not isinstance(slot, dict) or set(slot) != {"id", "audience_ids"}:
        raise bad("an id is an object of id and audience_ids, or empty")
    value, audiences = slot["id"], slot["audience_ids"]
    if not isinstance(value, str) or not _form_of(name).fullmatch(value):
        raise bad(f"an id is not {name} in lower-case hex")
    if not isinstance(audiences, list) or not audiences or not all(isinstance(one, str) for one in audiences):
        raise bad("audience_ids must be a list of strings")
    return (_STREAMED[name], value), audiences


def read_file(kind: str, content: bytes) -> list[list[Key]]:
    """The lines of a file: UTF-8 without a mark, LF, no blank lines; several kinds of ids have a header."""
    if not content:
        raise refused("40906")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise refused("40914") from None
    lines = text.removesuffix("\n").split("\n")
    if kind == "MULTIPLE_TYPES":
        return _table(lines)
    if not all(_form_of(kind).fullmatch(line) for line in lines):
        raise refused("40915")
    return [[(UPLOAD_TYPES[kind], line)] for line in lines]


def _table(lines: Sequence[str]) -> list[list[Key]]:
    header = lines[0].lower().split(",")
    if not all(name in _COLUMNS and header.count(name) <= _REPEATS for name in header):
        raise refused("40915")
    if len(lines) == 1:
        raise refused("40906")
    return [_cells(header, line.split(",")) for line in lines[1:]]


def _cells(header: Sequence[str], cells: Sequence[str]) -> list[Key]:
    if len(cells) != len(header) or not any(cells):
        raise refused("40915")
    found = [(_COLUMNS[name], cell) for name, cell in zip(header, cells, strict=True) if cell]
    if not all(form.fullmatch(cell) for (_, form), cell in found):
        raise refused("40915")
    return [(field, cell) for (field, _), cell in found]
