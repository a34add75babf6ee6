"""TikTok's return codes: what each of them means to a run, whatever the HTTP status says."""

from __future__ import annotations

from typing import Any

import pytest
from destinations.tiktok import ok, refusal, tiktok

from guestlist.model.conversation import Call, Form, Repeat, Reply
from guestlist.model.errors import (
    AuthError,
    BatchRefused,
    ConfigError,
    GuestlistError,
    RateLimitedError,
    RejectedError,
    TransientError,
)

MAPPING = Call("http", "POST", "segment/mapping/", rows=3)
UPLOAD = Call("http", "POST", "dmp/custom_audience/file/upload/", Form({}), rows=3)
UPDATE = Call("http", "POST", "dmp/custom_audience/update/", repeat=Repeat.LOOKUP)
LIST = Call("http", "GET", "dmp/custom_audience/list/")


def judged(reply: Reply, call: Call = LIST) -> GuestlistError | None:
    return tiktok().judge(call, reply).error


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        (AuthError, (40001, 40118, 40119, 40125)),
        (AuthError, (40101, 40102, 40104, 40105, 40106, 40110, 40113, 40115)),
        (ConfigError, (40007, 40300, 40301)),
        (ConfigError, (40006, 40008, 40009, 40010, 40014, 40051, 41001)),
        (RateLimitedError, (40016, 40100, 40132, 40133)),
        (TransientError, (40201, 40202, 40900, 50000, 50002, 51305, 60001, 50999)),
        (RejectedError, (40000, 40002, 40011, 40200, 40700, 40905, 40906, 40907, 40908, 40909, 40910, 40914, 40915, 40999)),
    ],
)
def test_each_code_has_its_consequence(kind: type[GuestlistError], codes: tuple[int, ...]) -> None:
    for code in codes:
        error = judged(refusal(code))
        assert type(error) is kind, code
        assert (error.code, error.request_id) == (str(code), "r")


@pytest.mark.parametrize("code", [40000, 40002, 40011, 40914, 40915])
def test_a_refusal_of_rows_is_one_of_the_batch(code: int) -> None:
    assert type(judged(refusal(code), MAPPING)) is BatchRefused
    assert type(judged(refusal(code), UPLOAD)) is BatchRefused
    assert type(judged(refusal(code), UPDATE)) is RejectedError


def test_the_code_in_the_body_wins_over_the_status() -> None:
    assert judged(ok()) is None
    assert type(judged(Reply(500, {"code": 40105}))) is AuthError
    assert type(judged(Reply(200, {"code": 50000}))) is TransientError
    assert type(judged(Reply(404, {"code": 0}))) is ConfigError


@pytest.mark.parametrize(
    "body", [None, [], {}, {"message": "OK"}, {"code": "0"}, {"code": None}, {"code": True}, {"code": [0]}]
)
def test_an_answer_without_a_code_is_no_success(body: Any) -> None:
    """ "OK" as a message means nothing."""
    assert type(judged(Reply(200, body))) is TransientError


def test_what_the_status_tells_where_there_is_no_code() -> None:
    assert type(judged(Reply(404, None, {}, None, malformed=True))) is ConfigError
    assert type(judged(Reply(403, {}))) is AuthError
    down = judged(Reply(503, None, {}, None, malformed=True))
    assert (type(down), down.retry_after if down else 0) == (TransientError, 300)


@pytest.mark.parametrize(
    "message",
    [
        "The audience is Processing, try again",
        "Audience 9 is not editable",
        "There is an existing unfinished replace: at most one a day",
    ],
)
def test_an_audience_that_cannot_be_changed_now_is_tried_again_later(message: str) -> None:
    for call in (MAPPING, UPDATE):
        error = judged(refusal(40002, f"{message}, canary@example.com"), call)
        assert type(error) is RateLimitedError
        assert error.retry_after == 1800
        assert "canary" not in f"{error!r} {error}"


def test_a_duplicated_request_was_accepted_or_is_looked_up() -> None:
    assert judged(refusal(40050), MAPPING) is None
    assert type(judged(refusal(40050), UPDATE)) is TransientError  # the driver makes it an unknown outcome
    assert type(judged(refusal(40050), UPLOAD)) is TransientError  # its answer is the file's path


def test_a_partial_success_counts_where_the_audience_tells_the_rest() -> None:
    assert judged(ok(code=20001), UPDATE) is None
    assert type(judged(ok(code=20001), MAPPING)) is BatchRefused


def test_maintenance_takes_five_minutes() -> None:
    error = judged(refusal(60001))
    assert error is not None
    assert error.retry_after == 300
