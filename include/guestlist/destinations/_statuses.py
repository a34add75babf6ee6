"""What an HTTP status means where a platform's page says no more of it than its number."""

from __future__ import annotations

from typing import Any

from guestlist.destinations._reading import seconds
from guestlist.model.conversation import Reply
from guestlist.model.errors import AuthError, ConfigError, GuestlistError, RateLimitedError, RejectedError, TransientError


def status_error(reply: Reply, platform: str, *, code: str = "", help_url: str | None = None) -> GuestlistError | None:
    """The error that an answer of ``platform`` stands for; None for a success. ``code`` is the platform's own word for it."""
    if 200 <= reply.status < 300 and not reply.malformed:
        return None
    shown = f"HTTP {reply.status} {code}".rstrip()
    facts: dict[str, Any] = {"code": shown, "request_id": reply.request_id, "help_url": help_url}
    match reply.status:
        case 401 | 403:
            return AuthError(f"{platform} does not accept the credential, or it may not do this", **facts)
        case 408:
            return TransientError(f"{platform} gave up waiting for the request", **facts)
        case 429:
            wait = seconds(reply.headers.get("retry-after", ""))
            return RateLimitedError(f"{platform}'s rate limit is reached", retry_after=wait, **facts)
        case status if 400 <= status < 500:
            return RejectedError(f"{platform} refuses the request", **facts)
        case status if 300 <= status < 400:
            return ConfigError(f"{platform}'s address leads elsewhere: write down the address that it leads to", **facts)
    return TransientError(f"{platform} answered {reply.status} with something that is no success of its kind", **facts)
