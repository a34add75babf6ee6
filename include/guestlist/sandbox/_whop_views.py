"""An audience as Whop shows it: how far its newest file is, by the clock; in the undated form or the dated one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from guestlist.sandbox._whop_errors import refused
from guestlist.sandbox.core import Audience, Json, iso

_PAGE = 20
_LONGEST_PAGE = 100
_PENDING, _PROCESSING = 0.1, 0.6
"""Up to these shares of the settle time."""


def is_through(audience: Audience) -> bool:
    """Whether the newest file has come to its end."""
    return audience.data["final"] is not None


def view(audience: Audience, now: float, match_rate: float, *, dated: bool) -> dict[str, Json]:
    """The audience; dates are numbers in the undated form, texts in the dated one, which tells more."""
    facts: dict[str, Any] = audience.data
    status, share = _progress(facts, now)
    read = 0 if status == "pending" or is_through(audience) else facts["added"]
    updated = facts["ends"] if is_through(audience) else facts["begun"]
    shown = {
        "id": audience.id,
        "name": audience.name,
        "status": status,
        "total_rows": facts["total"] + read,
        "processed_rows": facts["total"] + int(read * share),
        "matched_rows": facts["passed_on"],
        "progress_percent": 100 if is_through(audience) else round(100 * share, 1),
        "error_message": facts["error"],
        "platform_audience_ids": [f"meta_{audience.row}"] if facts["passed_on"] else [],
        "created_at": iso(audience.created) if dated else audience.created,
        "updated_at": iso(updated) if dated else updated,
    }
    return shown | (_dated(facts, match_rate) if dated else {})


def _progress(facts: Mapping[str, Any], now: float) -> tuple[str, float]:
    """The status, and which share of the time has passed."""
    if facts["final"] is not None:
        return facts["final"], 1.0
    length = facts["ends"] - facts["begun"]
    share = min(max((now - facts["begun"]) / length, 0.0), 1.0) if length else 1.0
    return "pending" if share < _PENDING else "processing" if share < _PROCESSING else "syncing", share


def _dated(facts: Mapping[str, Any], match_rate: float) -> dict[str, Json]:
    known = facts["final"] in ("ready", "partial")
    percent = round(100 * match_rate)
    return {
        "audience_type": "custom",
        "source_type": "csv_upload",
        "auto_refresh": False,
        "filters": None,
        "engagement": None,
        "last_refreshed_at": None,
        "lookalike_ratio": None,
        "lookalike_starting_ratio": None,
        "source_audience_id": None,
        "match_rates": [
            {
                "platform": "meta",
                "status": "available" if known else "calculating",
                "lower_bound": percent - 5 if known else None,
                "upper_bound": percent + 5 if known else None,
            }
        ],
    }


def page(found: list[Audience], query: Mapping[str, str], show: Callable[[Audience], Json]) -> Json:
    """A page of audiences, ``first`` of them after the cursor ``after``."""
    first = query.get("first", str(_PAGE))
    if not first.isdigit() or not 0 < int(first) <= _LONGEST_PAGE:
        raise refused(400, f"first must be 1 to {_LONGEST_PAGE}")
    after = query.get("after")
    start = 0
    if after is not None:
        places = [place for place, audience in enumerate(found) if _cursor(audience) == after]
        if not places:
            raise refused(400, "after is no cursor of this list")
        start = places[0] + 1
    shown = found[start : start + int(first)]
    return {
        "data": [show(audience) for audience in shown],
        "page_info": {
            "start_cursor": _cursor(shown[0]) if shown else None,
            "end_cursor": _cursor(shown[-1]) if shown else None,
            "has_next_page": start + int(first) < len(found),
            "has_previous_page": start > 0,
        },
    }


def _cursor(audience: Audience) -> str:
    return f"cursor_{audience.row}"
