"""What Meta says of an audience: the bounds of its size, its states, and what is wrong with it.

Contract: https://developers.facebook.com/docs/marketing-api/reference/custom-audience
"""

from __future__ import annotations

from collections.abc import Mapping

from guestlist.destinations._reading import count, inside
from guestlist.model.audiences import AudienceState
from guestlist.model.capabilities import Sizes
from guestlist.model.conversation import Json

FIELDS = "operation_status,delivery_status,approximate_count_lower_bound,approximate_count_upper_bound,permission_for_actions"
SIZES = Sizes(shown_from=100, lag_hours=24)
BROKEN = {
    414: "a replace of this audience is under way",
    470: "the audience's creator is inactive",
    471: "Meta flagged the audience: rename it without health or finance terms",
    500: "Meta asks the advertiser to act on this audience",
}
"""States in which no replace can begin."""
_TROUBLE = {
    100: "nobody has used it for two years: Meta deletes it in 90 days unless a campaign uses it",
    411: "few of its people match: look whether their keys are hashed as Meta wants them",
    412: "many of its rows are invalid: look whether their keys are hashed as Meta wants them",
    415: "the last replace failed: run the segment again",
} | {code: BROKEN[code] for code in (470, 471, 500)}
_WORDS = {0: "not available", 200: "normal", 410: "no upload yet", 414: "replacing", 441: "populating", 450: "stale"}
_UNUSABLE = 400
"""Delivery states from here on."""


def state_of(body: Json) -> AudienceState:
    """The state in words of our own; bounds of -1 mean that Meta does not tell."""
    low, high = (_bound(body, f"approximate_count_{which}_bound") for which in ("lower", "upper"))
    operation, delivery = inside(body, "operation_status"), count(inside(body, "delivery_status"), "code")
    code = count(operation, "code")
    status = _WORDS.get(code, f"state {code}") if "code" in operation else None
    trouble = _trouble(code, delivery, inside(body, "permission_for_actions"))
    return AudienceState(None if low is None or high is None else (low, high), None, status, trouble)


def _bound(body: Json, name: str) -> int | None:
    """None where Meta does not tell, also by -1."""
    told = isinstance(body, dict) and body.get(name, -1) != -1
    return count(body, name) if told or not isinstance(body, dict) else None


def _trouble(code: int, delivery: int, permissions: Mapping[str, Json]) -> str | None:
    if code in _TROUBLE:
        return _TROUBLE[code]
    if delivery >= _UNUSABLE:
        return f"no campaign can use it (delivery status {delivery}): look at its page"
    if permissions.get("can_edit") is False:
        return "it is read only for the access token's user: give the user the right to edit it"
    return None
