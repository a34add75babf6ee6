"""What an answer of TikTok means: by the code in its body, which wins over the HTTP status.

Its text is looked at in one place, because one code stands for two things; it is never repeated.
Contract: https://business-api.tiktok.com/portal/docs?id=1737172488964097
"""

from __future__ import annotations

from typing import Any

from guestlist.destinations._reading import seconds, table, word
from guestlist.model.conversation import Call, Form, Repeat, Reply, Verdict
from guestlist.model.errors import (
    AuthError,
    BatchRefused,
    ConfigError,
    GuestlistError,
    RateLimitedError,
    RejectedError,
    TransientError,
)

HELP = "https://business-api.tiktok.com/portal/docs?id=1737172488964097"
MISSING = frozenset({"40007", "40300", "40301"})
LOST_FILES = frozenset({"40905", "40910"})
"""The file is not there, or has expired: it has to be uploaded again."""
BUSY = "40002"
"""As a rate limit: the audience takes no change at the moment. Otherwise a bad parameter."""
_BUSY = ("processing", "not editable", "unfinished")
_OK, _PARTIAL, _DUPLICATED = 0, 20001, 40050
_THROTTLED = frozenset({40016, 40100, 40132, 40133})
_WAITS = (1.0, 2.0, 300.0)
"""A code does not say which limit it means: by the second, or by the minute, after which TikTok wants five minutes' rest."""
_PERMISSION = frozenset({40001, 40118, 40119, 40125})
_TOKEN = frozenset({40101, 40102, 40104, 40105, 40106, 40110, 40113, 40115})
_MISUSE = frozenset({40006, 40008, 40009, 40010, 40014, 40051, 41001})
_NOT_YET = frozenset({40201, 40202, 40900})
"""A task is not ready, two writes met, and a file that arrived damaged."""
_TOO_MANY = 40011
_BAD_ROWS = frozenset({40000, 40002, 40914, 40915})
_FIRST_SYSTEM_ERROR = 50_000
_MAINTENANCE = 60_001
_MINUTE = 60.0


def verdict(call: Call, reply: Reply) -> Verdict:
    """The error that a reply stands for, if any."""
    body = table(reply.body)
    code = body.get("code")
    if not isinstance(code, int) or isinstance(code, bool) or (code == _OK and reply.status >= 400):
        return Verdict(error=_by_status(reply, _facts(reply, f"HTTP {reply.status}")))
    return Verdict(error=_by_code(call, code, word(body.get("message")), _facts(reply, str(code))))


def request_id(reply: Reply) -> str | None:
    """TikTok's name for the request, which its support asks for."""
    return word(table(reply.body).get("request_id")) or reply.headers.get("x-tt-logid")


def throttled_for(times: int) -> float:
    """Seconds to wait when TikTok has throttled so many calls in a row, from 1."""
    return _WAITS[min(times, len(_WAITS)) - 1]


def _facts(reply: Reply, code: str) -> dict[str, Any]:
    return {"code": code, "request_id": request_id(reply), "help_url": HELP}


def _by_status(reply: Reply, facts: dict[str, Any]) -> GuestlistError:
    """What no code in the body tells."""
    if reply.status == 429:
        wait = seconds(reply.headers.get("retry-after", ""))
        return RateLimitedError("TikTok's rate limit is reached", retry_after=wait, **facts)
    if reply.status in (401, 403):
        return AuthError("TikTok does not accept the access token, or it may not do this", **facts)
    if 400 <= reply.status < 500:
        return ConfigError("TikTok knows no such address: look at `endpoint` in the connection", **facts)
    if reply.status >= 500:
        return TransientError("TikTok failed", retry_after=5 * _MINUTE, **facts)
    return TransientError(f"TikTok answered {reply.status} with something that is not its envelope", **facts)


def _by_code(call: Call, code: int, message: str, facts: dict[str, Any]) -> GuestlistError | None:
    if code == _OK or (code == _PARTIAL and not call.rows):
        return None
    if code == _PARTIAL:
        return BatchRefused("TikTok took the request in part, and does not say which", **facts)
    if code == _DUPLICATED:
        if call.repeat is Repeat.LOOKUP or isinstance(call.body, Form):
            return TransientError("TikTok has had this request already", **facts)
        return None
    if code in _THROTTLED:
        return RateLimitedError("TikTok's rate limit is reached", **facts)
    if str(code) == BUSY and _is_busy(message):
        told = "TikTok takes no change of this audience now: it processes one, or took today's replace, or has too few people"
        return RateLimitedError(told, retry_after=30 * _MINUTE, **facts)
    return _passing(code, facts) or _permanent(call, code, facts)


def _is_busy(message: str) -> bool:
    """Whether this bad parameter is an audience that cannot be changed at the moment; only the text tells."""
    said = message.casefold()
    return any(words in said for words in _BUSY)


def _passing(code: int, facts: dict[str, Any]) -> TransientError | None:
    if code == _MAINTENANCE:
        return TransientError("TikTok is under maintenance", retry_after=5 * _MINUTE, **facts)
    if code in _NOT_YET or code >= _FIRST_SYSTEM_ERROR:
        return TransientError("TikTok failed and may not the next time", **facts)
    return None


def _permanent(call: Call, code: int, facts: dict[str, Any]) -> GuestlistError:
    if code in _TOKEN:
        return AuthError("TikTok does not accept the access token: authorise the app again for a new one", **facts)
    if code in _PERMISSION:
        lacking = "the app or its token may not do this for the advertiser: look at scopes, Business Center and allow-list"
        return AuthError(lacking, **facts)
    if facts["code"] in MISSING:
        return ConfigError("TikTok has no such audience or advertiser", **facts)
    if code in _MISUSE:
        return ConfigError("TikTok does not offer this under the address in use: look at `endpoint`", **facts)
    if call.rows and (code == _TOO_MANY or code in _BAD_ROWS):
        return BatchRefused("TikTok refuses the whole request, naming no row", **facts)
    return RejectedError("TikTok refuses the request", **facts)
