"""What Whop says of an audience: how far it is, what became of its rows, and the match rate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeGuard

from guestlist.destinations._reading import each, word
from guestlist.model.conversation import Json
from guestlist.model.delivery import JobOutcome
from guestlist.model.errors import ProtocolError

_ENDED = frozenset({"ready", "partial", "failed"})


def under_way(audience: Mapping[str, Json]) -> bool:
    """Whether Whop is still at it; a status that its documentation does not have is waited out."""
    return word(audience.get("status")) not in _ENDED


def failed(audience: Mapping[str, Json]) -> bool:
    """Whether the build has failed as a whole."""
    return audience.get("status") == "failed"


def built(audience: Mapping[str, Json], sent: int) -> JobOutcome:
    """What became of ``sent`` rows, once Whop is through.

    ``ready`` is Whop's word for all of them, except for rows that it has not even found in the file. ``partial`` is its word
    for less: the rows that it did not pass on to the ad platforms are lost, one at least, so that the run is not green.
    """
    total, passed_on = rows_in(audience, "total_rows"), rows_in(audience, "matched_rows")
    partial = audience.get("status") == "partial"
    if failed(audience) or (partial and not passed_on):
        return JobOutcome(failed=True)
    missed = max(sent - total, 0)
    lost = min(max(total - passed_on, 1), sent - missed) if partial else 0
    rejected = {"not_in_file": missed, "partial": lost}
    return JobOutcome({reason: count for reason, count in rejected.items() if count}, match_rate=match_rate(audience))


def match_rate(audience: Mapping[str, Json]) -> str | None:
    """The ad platforms' own estimates, such as ``meta 40-50 %``; None until they have one."""
    told = []
    for rate in each(audience.get("match_rates")):
        low, high = rate.get("lower_bound"), rate.get("upper_bound")
        if rate.get("platform") == "meta" and _is_number(low) and _is_number(high):
            told.append(f"meta {low:g}-{high:g} %")
    return ", ".join(told) or None


def rows_in(audience: Mapping[str, Json], name: str) -> int:
    """A count, which the contract types as a number of any kind; `ProtocolError` where it is none."""
    value = audience.get(name)
    if not _is_number(value):
        raise ProtocolError(f"the platform's answer has no `{name}` of the kind that its documentation promises")
    return int(value)


def _is_number(value: Json) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
