"""What every platform makes of a reply: each status, each form, each header, and never an exception."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from contract.doors import EVERY_DOOR, destination_of
from contract.rig import Door
from hypothesis import given, settings
from hypothesis import strategies as st

from guestlist.model.conversation import Call, Reply
from guestlist.model.errors import AuthError, GuestlistError, RateLimitedError, TransientError

CALL = Call("any", "POST", "somewhere")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = """
error code error_subcode is_transient message status details errors reason metadata fieldViolations field quota_limit
errorCode location fieldPathElements fieldName index quotaErrorDetails retryDelay
"""
WORDS = st.sampled_from(NAMES.split())
ERROR_LIKE = st.recursive(
    JSON,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=8,
)


def bodies() -> Iterator[tuple[str, Reply]]:
    for status in range(100, 600):
        for what, body, malformed in (
            ("an error in JSON", {"error": {"message": "no"}}, False),
            ("an empty object", {}, False),
            ("no JSON at all", None, True),
            ("a list", [1], False),
            ("an error that is text", {"error": "unexpected"}, False),
            ("an error that is a list", {"error": [{"code": 190}]}, False),
        ):
            yield f"{status} with {what}", Reply(status, body, {}, None, malformed)


@EVERY_DOOR
def test_every_status_is_judged_and_no_failure_passes(door: Door) -> None:
    destination = destination_of(door)
    for what, reply in bodies():
        error = destination.judge(CALL, reply).error
        if reply.status >= 400 or reply.malformed:
            assert isinstance(error, GuestlistError), what
        if reply.status == 429:
            assert isinstance(error, RateLimitedError), what
        elif reply.status in (401, 403):
            assert isinstance(error, AuthError), what
        elif reply.status >= 500:
            assert isinstance(error, TransientError), what


@EVERY_DOOR
@given(status=st.integers(100, 599), body=ERROR_LIKE, malformed=st.booleans())
@settings(max_examples=300, derandomize=True, deadline=None)
def test_judgement_never_breaks(door: Door, status: int, body: Any, malformed: bool) -> None:
    for reply in (
        Reply(status, body, {}, None, malformed),
        Reply(status, {"error": body}, {"retry-after": "x"}, "r", malformed),
    ):
        verdict = destination_of(door).judge(CALL, reply)
        assert verdict.pause >= 0
        if status >= 400 or malformed:
            assert isinstance(verdict.error, GuestlistError)
            assert verdict.error.retry_after is None or verdict.error.retry_after >= 0


@EVERY_DOOR
def test_a_wait_in_a_header_is_never_a_reason_to_break(door: Door) -> None:
    for text in ("7", "0", "-1", "7.5", "", "nan", "inf", "Wed, 21 Oct 2026 07:28:00 GMT", "²", "1e400"):
        error = destination_of(door).judge(CALL, Reply(429, {"error": {}}, {"retry-after": text})).error
        assert isinstance(error, RateLimitedError)
        assert error.retry_after is None or 0 <= error.retry_after < 10**6, text


@EVERY_DOOR
def test_an_error_never_carries_what_the_platform_wrote(door: Door) -> None:
    canary = "canary@example.com"
    shapes: list[Any] = [
        {"error": {"message": canary, "code": 100, "error_user_msg": canary, "error_data": canary}},
        {
            "error": {
                "message": canary,
                "status": "INVALID_ARGUMENT",
                "details": [{"fieldViolations": [{"description": canary}]}],
            }
        },
        {"error": {"errors": [{"message": canary, "trigger": {"stringValue": canary}}]}},
        {"error": canary},
    ]
    for status, body in itertools.product((400, 401, 403, 404, 429, 500), shapes):
        error = destination_of(door).judge(CALL, Reply(status, body)).error
        assert canary not in f"{error!r} {error}", (status, body)
