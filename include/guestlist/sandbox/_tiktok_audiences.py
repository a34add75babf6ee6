"""How TikTok shows its audiences, and the parameters by which it is asked for them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from guestlist.sandbox._tiktok_errors import bad
from guestlist.sandbox.core import Audience, Json, Request, Settings

YEAR = 365
_DAY = 86_400
_EXPIRING = 60 * _DAY


def view(audience: Audience, type_name: str, held: int, now: float, settings: Settings) -> dict[str, Json]:
    """One audience, which ends a year after its last edit, or when it was told; ``type_name`` is what its type is called."""
    data = audience.data
    days = data.get("retention_in_days")
    ends = (data["edited"] if days is None else audience.created) + (days or YEAR) * _DAY
    forced = settings["cover_num"]
    anybody = held > 0 or data.get("built", False)
    cover = forced if forced is not None and anybody else int(held * settings["match_rate"])
    return {
        "audience_id": audience.id,
        "name": audience.name,
        type_name: audience.kind,
        "audience_sub_type": data.get("sub_type", "NORMAL"),
        "calculate_type": data.get("calculate_type"),
        "cover_num": cover,
        "is_valid": not data.get("work") and cover >= settings["minimum_matched"] and ends > now,
        "is_expiring": ends - now < _EXPIRING,
        "is_creator": True,
        "shared": False,
        "owner_id": audience.account,
        "error_msg": data.get("error_msg", ""),
        "create_time": _time(audience.created),
        "expired_time": _time(ends),
    }


def history(audience: Audience) -> Sequence[Json]:
    """Its edits, the newest first."""
    return [
        {"action": line["action"], "editor": line["editor"], "msg": line["msg"], "opt_time": _time(line["at"])}
        for line in audience.data.get("history", [])
    ]


def number_of(given: Json, name: str, least: int, most: int) -> int:
    """A number, which a query holds as digits."""
    digits = isinstance(given, str) and given.isascii() and given.isdigit()
    number = int(given) if digits else given
    if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
        raise bad(f"{name} must be a number from {least} to {most}")
    return number


def ids_of(given: str | None) -> list[str]:
    """A list of audiences, which a query holds as JSON."""
    try:
        found = json.loads(given or "")
    except ValueError:
        found = None
    if not isinstance(found, list) or not 1 <= len(found) <= 100 or not all(isinstance(one, str) for one in found):
        raise bad("custom_audience_ids must be a JSON list of 1 to 100 strings")
    return found


def name_of(given: Json, most: int) -> str:
    """A name of an audience."""
    if not isinstance(given, str) or not 1 <= len(given) <= most:
        raise bad(f"custom_audience_name must have 1 to {most} characters")
    return given


def one_of(given: Json, words: Collection[str]) -> str:
    """One of the words that there are."""
    if not isinstance(given, str) or given not in words:
        raise bad(f"one of {', '.join(words)} is wanted")
    return given


def body_of(request: Request, known: Collection[str]) -> dict[str, Any]:
    """A body, which is a JSON object of names that the endpoint knows."""
    try:
        body = request.json()
    except ValueError:
        raise bad("the body is not JSON") from None
    if not isinstance(body, dict):
        raise bad("the body is not an object")
    if unknown := sorted(set(body) - {"advertiser_id", *known}):
        raise bad(f"there is no {', '.join(unknown)}")
    return body


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")
