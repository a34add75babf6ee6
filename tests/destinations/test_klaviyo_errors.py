"""What Klaviyo's answers mean: by status, code and pointer; when to slow down."""

from __future__ import annotations

from typing import Any

import pytest
from destinations.klaviyo import A, klaviyo, pointer, refusal

from guestlist.destinations._klaviyo_errors import NotThere
from guestlist.model.conversation import Call, Reply
from guestlist.model.errors import (
    AuthError,
    BatchRefused,
    ConfigError,
    ProtocolError,
    RateLimitedError,
    RejectedError,
    TransientError,
)

READ, ROWS = Call("http", "GET", "/api/lists"), Call("http", "POST", "/api/profile-bulk-import-jobs", rows=3)


def error_of(reply: Reply, call: Call = READ) -> Any:
    return klaviyo().judge(call, reply).error


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, ProtocolError),
        (400, RejectedError),
        (401, AuthError),
        (403, AuthError),
        (404, NotThere),
        (405, RejectedError),
        (409, RejectedError),
        (410, ConfigError),
        (413, RejectedError),
        (429, RateLimitedError),
        (104, TransientError),
        (500, TransientError),
        (503, TransientError),
        (524, TransientError),
    ],
)
def test_every_documented_status_has_its_class(status: int, kind: type[Exception]) -> None:
    assert type(error_of(Reply(status))) is kind


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success_is_success_unless_it_cannot_be_read(status: int) -> None:
    assert error_of(Reply(status)) is None
    assert type(error_of(Reply(status, malformed=True))) is TransientError


def test_the_rows_that_are_pointed_at_are_named_with_klaviyos_code() -> None:
    error = error_of(refusal(pointer(2), "/data/attributes/profiles/data/0", "/data", code="invalid"), ROWS)
    assert isinstance(error, BatchRefused)
    assert error.rows == {2: "invalid", 0: "invalid"}


def test_a_request_that_is_too_large_is_one_to_be_halved() -> None:
    error = error_of(Reply(413), ROWS)
    assert (type(error), error.rows, error.code) == (BatchRefused, {}, "payload_too_large")


def test_what_klaviyo_wrote_is_in_no_error() -> None:
    for status in (400, 401, 403, 404, 409, 410, 413, 429, 500):
        body = {"errors": [{"id": A, "code": A, "title": A, "detail": A, "source": {"pointer": A}, "meta": {"x": A}}]}
        for call in (READ, ROWS):
            error = error_of(Reply(status, body), call)
            assert A not in f"{error} {error!r}"
            assert error.code in (f"HTTP {status}", "payload_too_large")


def test_klaviyos_name_for_the_request_is_told() -> None:
    body = {"errors": [{"id": "b7b7a5a2-3c7e-4d7e-9d5e-2f2d4a7a9c11", "code": "permission_denied"}]}
    error = error_of(Reply(403, body))
    assert (error.request_id, error.code) == ("b7b7a5a2-3c7e-4d7e-9d5e-2f2d4a7a9c11", "permission_denied")


def test_the_wait_of_a_429_is_its_header() -> None:
    assert error_of(Reply(429, None, {"retry-after": "17"})).retry_after == 17
    assert error_of(Reply(429)).retry_after is None


@pytest.mark.parametrize(
    ("left", "reset", "pause"),
    [("1", "40", 0), ("0", "40", 40), ("0", "", 0), ("", "40", 0), ("x", "40", 0), ("0", "9999", 60), ("0", "-1", 0)],
)
def test_when_the_minute_has_no_calls_left_the_next_one_waits_for_its_end(left: str, reset: str, pause: float) -> None:
    headers = {"ratelimit-remaining": left, "ratelimit-reset": reset, "ratelimit\u2010limit": "150"}
    assert klaviyo().judge(READ, Reply(200, {}, headers)).pause == pause
