"""What an answer of Meta means, by code and subcode, never by its text; and how much to slow down, by its usage headers.

Contract: https://developers.facebook.com/docs/marketing-api/error-reference and .../overview/rate-limiting
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from guestlist.destinations._reading import seconds, table, whole, word
from guestlist.model.conversation import Json, Reply, Verdict
from guestlist.model.errors import (
    AuthError,
    BatchRefused,
    ConfigError,
    GuestlistError,
    RateLimitedError,
    RejectedError,
    TransientError,
)

HELP = "https://developers.facebook.com/docs/marketing-api/error-reference"
NOT_THERE = "100/33"
_TERMS = "https://business.facebook.com/ads/manage/customaudiences/tos/"
_MINUTE = 60.0
_RATE = frozenset({4, 17, 32, 341, 613, 80000, 80003, 80004, 80014})
_AUTH = frozenset({102, 104, 190, 368})
_PERMISSION = frozenset({10, 200, 270, 294, 2654})
_RATE_SUBCODES_THAT_ARE_NOT = frozenset({(17, 1885172)})
_TERMS_SUBCODES = frozenset({1870034, 1870090, 1870092})
_REPLACE = {
    1870145: "an update of this audience is under way",
    1870147: "Meta lost the first batch of the replace: run it again",
    1870148: "the replace was taken in part only: run it again",
}
SESSION_OVER = frozenset({"2650/1870158", "2650/1870159"})
"""The 90 minutes of an upload session are over, or its last batch was there: what comes now is not taken in it."""
_FLAGGED = "Meta flagged the audience: rename it without health or finance terms"
_OVER = "Meta takes nothing more in this upload session: run the segment again"
_REFUSED = {
    1870047: "removing these people would make the audience too small: use mode replace",
    1870158: _OVER,
    1870159: _OVER,
    **dict.fromkeys((1713228, 1713230, 1713231), _FLAGGED),
}
_MOST = 10_000
"""More than any percentage, and than the minutes of a week: no number of Meta's."""


def verdict(reply: Reply) -> Verdict:
    """The error that a reply stands for, if any, and the seconds to hold back before the next call."""
    usage = _usage(reply.headers)
    error = _envelope(reply)
    if 200 <= reply.status < 300 and not reply.malformed and error is None:
        return Verdict(pause=_pause(usage))
    return Verdict(error=_error(reply, error or {}, usage))


def _envelope(reply: Reply) -> Mapping[str, Json] | None:
    """The error, where there is one; one of an unknown form is an error without a code."""
    return table(reply.body["error"]) if isinstance(reply.body, dict) and "error" in reply.body else None


def _error(reply: Reply, error: Mapping[str, Json], usage: tuple[float, float]) -> GuestlistError:
    code, subcode = whole(error.get("code")), whole(error.get("error_subcode"))
    shown = f"{code}/{subcode}" if subcode else str(code) if code else f"HTTP {reply.status}"
    facts: dict[str, Any] = {"code": shown, "request_id": word(error.get("fbtrace_id")) or reply.request_id, "help_url": HELP}
    if code in _RATE and (code, subcode) not in _RATE_SUBCODES_THAT_ARE_NOT:
        return RateLimitedError("Meta's rate limit is reached", retry_after=_wait(code, usage), **facts)
    if not code:
        return _without_code(reply, facts)
    if code == 1 and subcode == 99:
        return BatchRefused("Meta failed on the whole batch, as it does where a batch is too large", **facts)
    if error.get("is_transient") or code in (1, 2):
        return TransientError("Meta failed and says it will pass", **facts)
    return _permanent(code, subcode, facts)


def _without_code(reply: Reply, facts: dict[str, Any]) -> GuestlistError:
    if 300 <= reply.status < 400:
        return ConfigError("Meta's address leads elsewhere: look at `endpoint` in the connection", **facts)
    if reply.status == 429:
        wait = seconds(reply.headers.get("retry-after", ""))
        return RateLimitedError("Meta's rate limit is reached", retry_after=_MINUTE if wait is None else wait, **facts)
    if reply.status in (401, 403):
        return AuthError("Meta does not accept the access token, or it may not do this", **facts)
    if 400 <= reply.status < 500 and not reply.malformed:
        return RejectedError("Meta refuses the request", **facts)
    return TransientError(f"Meta answered {reply.status} with something that is not its JSON", **facts)


def _permanent(code: int, subcode: int, facts: dict[str, Any]) -> GuestlistError:
    if subcode in _TERMS_SUBCODES:
        return AuthError("the Custom Audience terms are not accepted for this account", **facts | {"help_url": _TERMS})
    if subcode in _REPLACE:
        wait = _MINUTE if subcode == 1870145 else None
        return TransientError(_REPLACE[subcode], **facts, retry_after=wait)
    if told := _REFUSED.get(subcode):
        return RejectedError(told, **facts)
    if code in _AUTH | _PERMISSION:
        lacking = "is not accepted, or the account is blocked" if code in _AUTH else "lacks ads_management on the ad account"
        return AuthError(f"the access token {lacking}: make a new one", **facts)
    if code == 100 and subcode == 33:
        return ConfigError("the audience or account is not there, or the token's user does not see it", **facts)
    if code == 2635:
        return ConfigError("Meta retired this API version: set api_version in the connection", **facts)
    return RejectedError("Meta refuses the request", **facts)


def _wait(code: int, usage: tuple[float, float]) -> float:
    """Meta's own estimate, in its headers in minutes, else the block's length: 300 s on the development tier."""
    _, regain = usage
    return regain * _MINUTE if regain > 0 else 5 * _MINUTE if code == 17 else _MINUTE


def _usage(headers: Mapping[str, str]) -> tuple[float, float]:
    """The highest percentage in any usage header, and the longest minutes to wait: every entry of every list counts."""
    percent = regain = 0.0
    for name in ("x-business-use-case-usage", "x-app-usage", "x-ad-account-usage"):
        try:
            parsed = json.loads(headers.get(name, "{}"))
        except ValueError:
            continue
        for entry in _entries(parsed):
            regain = max(regain, _number(entry.get("estimated_time_to_regain_access")))
            names = ("call_count", "total_cputime", "total_time", "acc_id_util_pct")
            percent = max(percent, *(_number(entry.get(name)) for name in names))
    return percent, regain


def _entries(parsed: Json) -> list[dict[str, Json]]:
    if not isinstance(parsed, dict):
        return []
    nested = [item for value in parsed.values() if isinstance(value, list) for item in value if isinstance(item, dict)]
    return nested or [parsed]


def _number(value: Json) -> float:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and 0 <= value < _MOST else 0.0


def _pause(usage: tuple[float, float]) -> float:
    """Nothing below three quarters of the quota; then a little more each percent; one call a minute from nine tenths."""
    percent, _ = usage
    return 0.0 if percent < 75 else _MINUTE if percent >= 90 else (percent - 74) * 2
