"""Meta's errors: envelope, codes and subcodes, with the HTTP status and whether they pass."""

from __future__ import annotations

import json
import secrets

from guestlist.sandbox.core import Answer, Refused

_OAUTH = "OAuthException"
# (code, subcode): (HTTP status, is_transient, message)
_ERRORS: dict[tuple[int, int | None], tuple[int, bool, str]] = {
    (1, None): (500, True, "An unknown error occurred"),
    (1, 99): (500, False, "An unknown error occurred"),
    (2, None): (503, True, "Service temporarily unavailable"),
    (4, None): (403, True, "Application request limit reached"),
    (10, None): (403, False, "Application does not have permission for this action"),
    (17, 2446079): (400, True, "User request limit reached"),
    (32, None): (403, True, "Page request limit reached"),
    (100, None): (400, False, "Invalid parameter"),
    (100, 33): (400, False, "Unsupported request. Object does not exist, or cannot be loaded due to missing permissions"),
    (100, 1713228): (400, False, "This audience was flagged and cannot be edited"),
    (100, 1713230): (400, False, "This audience was flagged: uploads to it are blocked"),
    (100, 1713231): (400, False, "This audience was flagged and cannot be edited"),
    (102, None): (401, False, "Session key invalid or no longer valid"),
    (104, None): (401, False, "An access token is required to request this resource"),
    (105, None): (400, False, "Too many parameters"),
    (190, None): (401, False, "Error validating access token: it is not valid"),
    (190, 460): (401, False, "Error validating access token: the password was changed"),
    (190, 463): (401, False, "Error validating access token: the session has expired"),
    (190, 467): (401, False, "Error validating access token: it is invalid"),
    (194, None): (400, False, "Missing at least one required parameter"),
    (200, None): (403, False, "Permissions error"),
    (200, 1870034): (403, False, "The Custom Audience terms have not been accepted"),
    (200, 1870047): (403, False, "The removal would make the audience too small"),
    (200, 1870050): (403, False, "The ad account is not linked to a business"),
    (200, 1870090): (403, False, "The Custom Audience terms have not been accepted"),
    (200, 1870092): (403, False, "The Business Tools terms have not been accepted"),
    (270, None): (403, False, "Development access tier cannot do this"),
    (294, None): (403, False, "Managing advertisements requires ads_management"),
    (341, None): (403, True, "Application limit reached"),
    (368, None): (403, False, "The action attempted has been deemed abusive or is otherwise disallowed"),
    (613, None): (400, True, "Calls to this api have exceeded the rate limit"),
    (613, 1487742): (400, True, "There have been too many calls from this ad account"),
    (613, 5044001): (400, True, "Too many mutations for this app and ad account"),
    (2500, None): (400, False, "Unknown path components"),
    (2635, None): (400, False, "You are calling a deprecated version of the Ads API"),
    (2650, 1870144): (400, False, "The audience is too large to be replaced"),
    (2650, 1870145): (400, True, "An update of this audience is in progress"),
    (2650, 1870147): (400, False, "The first batch of the session is missing"),
    (2650, 1870148): (400, False, "The audience was updated in part"),
    (2650, 1870158): (400, False, "The 90 minutes of the session are over"),
    (2650, 1870159): (400, False, "The session has finished already"),
    (2654, None): (400, False, "Failed to create the custom audience"),
    (2654, 1713092): (403, False, "No write permission for this ad account"),
    (2656, None): (400, False, "The audience cannot be deleted: lookalikes depend on it"),
    (80000, None): (400, True, "There have been too many calls to this ad account (ads insights)"),
    (80003, None): (400, True, "There have been too many calls to this ad account (custom audience)"),
    (80004, None): (400, True, "There have been too many calls to this ad account (ads management)"),
    (80014, None): (400, True, "There have been too many calls to this ad account (catalog)"),
}
RATE_CODES = (4, 17, 32, 341, 613, 80000, 80003, 80004, 80014)


def refused(code: int, subcode: int | None = None, message: str | None = None) -> Refused:
    """The refusal for a documented code."""
    status, transient, text = _ERRORS[code, subcode]
    error: dict[str, object] = {
        "message": f"(#{code}) {message or text}",
        "type": _OAUTH,
        "code": code,
        "is_transient": transient,
        "error_user_title": text,
        "error_user_msg": message or text,
        "fbtrace_id": secrets.token_urlsafe(12),
    }
    if subcode is not None:
        error["error_subcode"] = subcode
    return Refused(Answer(status, {"error": error}))


def named(code: str) -> Answer:
    """The answer for ``code`` or ``code/subcode`` as text; `ValueError` if it is not documented."""
    number, _, subcode = code.partition("/")
    key = (int(number), int(subcode) if subcode else None)
    if key not in _ERRORS:
        known = ", ".join(str(code) if sub is None else f"{code}/{sub}" for code, sub in _ERRORS)
        raise ValueError(f"meta has no error {code}; it has: {known}")
    answer = refused(*key).answer
    if key[0] in RATE_CODES:
        answer.headers |= usage_header("1", "custom_audience", 100, 5, "standard_access")
    return answer


def usage_header(account: str, kind: str, percent: int, minutes: int, tier: str) -> dict[str, str]:
    """The business-use-case usage of an account: percent of the hourly quota, minutes until it is free again.

    https://developers.facebook.com/docs/graph-api/overview/rate-limiting/
    """
    usage = {
        "type": kind,
        "call_count": percent,
        "total_cputime": percent // 2,
        "total_time": percent // 2,
        "estimated_time_to_regain_access": minutes,
        "ads_api_access_tier": tier,
    }
    return {"x-business-use-case-usage": json.dumps({account: [usage]})}
