"""What Meta's errors mean, by code and subcode, and how long it wants to be left alone."""

from __future__ import annotations

import json

import pytest
from contract.rig import World, people
from destinations.meta import CALL, meta
from destinations.test_meta import DOOR

from guestlist.model.conversation import Reply
from guestlist.model.errors import (
    AuthError,
    BatchRefused,
    ConfigError,
    GuestlistError,
    RateLimitedError,
    RejectedError,
    TransientError,
)


def error(
    code: int, subcode: int | None = None, *, transient: bool = False, status: int = 400, **headers: str
) -> GuestlistError:
    body = {"error": {"code": code, "message": "m", "is_transient": transient, "fbtrace_id": "trace"}}
    if subcode:
        body["error"]["error_subcode"] = subcode
    found = meta().judge(CALL, Reply(status, body, headers)).error
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("code", "subcode", "kind"),
    [
        (1, None, TransientError), (2, None, TransientError), (1, 99, BatchRefused),
        (4, None, RateLimitedError), (17, 2446079, RateLimitedError), (32, None, RateLimitedError),
        (341, None, RateLimitedError), (613, 1487742, RateLimitedError), (613, 5044001, RateLimitedError),
        (613, None, RateLimitedError), (80000, None, RateLimitedError), (80003, None, RateLimitedError),
        (80004, None, RateLimitedError), (80014, None, RateLimitedError), (368, None, AuthError),
        (190, None, AuthError), (190, 460, AuthError), (190, 463, AuthError), (190, 467, AuthError),
        (102, None, AuthError), (104, None, AuthError), (10, None, AuthError), (200, None, AuthError),
        (294, None, AuthError), (270, None, AuthError), (200, 1870034, AuthError), (200, 1870090, AuthError),
        (200, 1870050, AuthError), (200, 1870092, AuthError), (200, 1870047, RejectedError), (100, None, RejectedError),
        (100, 33, ConfigError), (100, 1713230, RejectedError), (100, 1713228, RejectedError),
        (100, 1713231, RejectedError), (105, None, RejectedError), (194, None, RejectedError), (2635, None, ConfigError),
        (2654, None, AuthError), (2654, 1713092, AuthError), (2656, None, RejectedError),
        (2650, 1870145, TransientError), (2650, 1870147, TransientError), (2650, 1870158, RejectedError),
        (2650, 1870159, RejectedError), (2650, 1870148, TransientError), (2650, 1870144, RejectedError),
    ],
)  # fmt: skip
def test_every_documented_code_has_its_class(code: int, subcode: int | None, kind: type[GuestlistError]) -> None:
    found = error(code, subcode)
    assert type(found) is kind
    assert found.code == (f"{code}/{subcode}" if subcode else str(code))
    assert found.request_id == "trace"
    assert (found.help_url or "").startswith("https://")


def test_any_error_that_says_it_passes_is_tried_again_whatever_its_code() -> None:
    assert type(error(99999, transient=True)) is TransientError
    assert type(error(99999)) is RejectedError


def test_terms_link_to_the_page_where_they_are_accepted() -> None:
    assert "customaudiences/tos" in str(error(200, 1870034))


@pytest.mark.parametrize("status", [200, 400, 500])
def test_an_error_in_an_answer_of_any_status_is_an_error(status: int) -> None:
    assert isinstance(error(190, status=status), AuthError)


def usage(percent: float, minutes: float = 0, name: str = "x-business-use-case-usage") -> dict[str, str]:
    calm = {
        "type": "ads_management",
        "call_count": 1,
        "total_cputime": 1,
        "total_time": 1,
        "estimated_time_to_regain_access": 0,
    }
    busy = {**calm, "type": "custom_audience", "total_time": percent, "estimated_time_to_regain_access": minutes}
    return {name: json.dumps({"11": [calm], "77": [calm, busy]})}


@pytest.mark.parametrize(("percent", "pause"), [(0, 0), (74, 0), (75, 2), (80, 12), (89, 30), (90, 60), (100, 60)])
def test_the_fullest_of_all_quotas_says_how_much_to_slow_down(percent: int, pause: float) -> None:
    assert meta().judge(CALL, Reply(200, {}, usage(percent))).pause == pause


@pytest.mark.parametrize(
    "headers",
    [
        {"x-app-usage": '{"call_count": 95, "total_time": 1, "total_cputime": 1}'},
        {"x-ad-account-usage": '{"acc_id_util_pct": 93.5, "reset_time_duration": 10}'},
    ],
)
def test_the_other_usage_headers_count_as_well(headers: dict[str, str]) -> None:
    assert meta().judge(CALL, Reply(200, {}, headers)).pause == 60


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", "7", "null", '{"77": "x"}', '{"77": [7]}', '{"77": [{"call_count": "x"}]}']
)
def test_a_broken_usage_header_is_no_reason_to_wait(text: str) -> None:
    assert meta().judge(CALL, Reply(200, {}, {"x-business-use-case-usage": text})).pause == 0


def test_the_time_to_regain_access_is_in_minutes() -> None:
    assert error(80003, **usage(100, 5)).retry_after == 300
    assert error(80003).retry_after == 60
    assert error(17, 2446079).retry_after == 300


def test_the_driver_slows_down_before_the_hourly_quota_is_used_up(world: World) -> None:
    world.admin("POST", "clock", {"now": "2026-03-01T00:05:00Z"})
    ready = world.ready(DOOR, world.segment(DOOR, world.name("quota"), people(range(3))))
    audience = ready.driver.run(ready.destination.ensure(ready.spec))  # two calls
    world.settings("meta", calls_per_hour=20)
    for _ in range(18):
        ready.driver.run(ready.destination.describe(audience))
    assert world.sleeps == [2, 12, 22, 60, 60]  # after the fifteenth call, the sixteenth and so on
    assert {line["status"] for line in world.log(DOOR)} == {200}
