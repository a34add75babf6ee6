"""The driver: what is sent again, after how long, and what never is; errors go into the conversation that they belong to."""

from __future__ import annotations

import logging
import random
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestlist.model.capabilities import Rate
from guestlist.model.conversation import Call, Repeat, Reply, Verdict
from guestlist.model.errors import (
    AuthError,
    ConfigError,
    GuestlistError,
    OutcomeUnknown,
    ProtocolError,
    RateLimitedError,
    RejectedError,
    TransientError,
)
from guestlist.runtime import clock
from guestlist.runtime.driver import Driver, Retries
from guestlist.runtime.pace import Pace

SECRET = "f" * 64
CALL = Call("http", "POST", "/users", {"data": [SECRET]}, {"token": SECRET}, {"authorization": SECRET}, rows=2)
CREATE = Call("http", "POST", "/audiences", {"name": SECRET}, repeat=Repeat.LOOKUP)
LATE = OutcomeUnknown("the request broke off")
REFUSED = TransientError("the platform cannot be reached")


class Script:
    """A carrier that plays answers: a status, a reply, or an error that is raised."""

    def __init__(self, *answers: int | Reply | GuestlistError) -> None:
        self.answers = list(answers)
        self.calls: list[Call] = []
        self.refreshed = 0

    def send(self, call: Call) -> Reply:
        self.calls.append(call)
        answer = self.answers.pop(0)
        if isinstance(answer, GuestlistError):
            raise answer
        return Reply(answer, {"echo": SECRET}) if isinstance(answer, int) else answer

    def refresh(self) -> None:
        self.refreshed += 1

    def close(self) -> None:
        """Nothing is open."""


def judge(call: Call, reply: Reply) -> Verdict:
    """A plain platform: what its statuses mean."""
    after = float(reply.headers["retry-after"]) if "retry-after" in reply.headers else None
    if reply.status == 401:
        return Verdict(AuthError("not you"), refresh=True)
    if reply.status == 429:
        return Verdict(RateLimitedError("too many", retry_after=after))
    if reply.status >= 500:
        return Verdict(TransientError("their fault", code="E5", request_id="r1", retry_after=after))
    if reply.status >= 400:
        return Verdict(RejectedError("no"))
    return Verdict(pause=float(reply.headers.get("pause", 0)))


class World:
    """A driver whose time passes only by sleeping."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: int | Reply | GuestlistError, **retries: Any) -> None:
        self.slept: list[float] = []
        self.carrier = Script(*answers)
        monkeypatch.setattr(clock, "monotonic", lambda: 1000 + sum(self.slept))
        self.driver = Driver(
            {"http": self.carrier}, judge, Retries(**retries), sleep=self.slept.append, random=random.Random(4711)
        )

    def one(self, call: Call = CALL) -> Reply:
        return self.driver.run(asked(call))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda *answers, **retries: World(monkeypatch, *answers, **retries)


def asked(call: Call) -> Generator[Call, Reply, Reply]:
    return (yield call)


def test_an_answer_is_sent_into_the_conversation(world: Any) -> None:
    here = world(200, 201)

    def talk() -> Generator[Call, Reply, tuple[int, int]]:
        first = yield CALL
        second = yield CREATE
        return first.status, second.status

    assert here.driver.run(talk()) == (200, 201)
    assert here.carrier.calls == [CALL, CREATE]
    assert (here.driver.requests, here.slept) == (2, [])


def test_a_conversation_without_calls(world: Any) -> None:
    def talk() -> Generator[Call, Reply, str]:
        return "nothing to ask"
        yield CALL

    here = world()
    assert here.driver.run(talk()) == "nothing to ask"
    assert here.driver.requests == 0


@pytest.mark.parametrize("trouble", [500, 503, 429, LATE, REFUSED], ids=str)
def test_trouble_that_passes_is_waited_out(world: Any, trouble: Any) -> None:
    here = world(trouble, trouble, 200)
    assert here.one().status == 200
    assert here.driver.requests == 3
    first, second = here.slept
    assert 0.25 <= first <= 0.5 <= second <= 1.0


def test_waits_double_up_to_the_longest_with_jitter(world: Any) -> None:
    here = world(*[500] * 8, 200, attempts=9, seconds=1000, first_wait=1, longest_wait=10)
    here.one()
    bases = [1, 2, 4, 8, 10, 10, 10, 10]
    assert all(base / 2 <= wait <= base for base, wait in zip(bases, here.slept, strict=True))
    assert len(set(here.slept)) == 8, "clients do not come in step"
    again = world(*[500] * 8, 200, attempts=9, seconds=1000, first_wait=1, longest_wait=10)
    again.one()
    assert again.slept == here.slept, "the same dice, the same waits"


def test_tries_are_bounded_by_their_number(world: Any) -> None:
    here = world(*[500] * 9, attempts=4, seconds=1e9)
    with pytest.raises(TransientError, match="their fault"):
        here.one()
    assert (here.driver.requests, len(here.slept)) == (4, 3)


def test_tries_are_bounded_by_their_time(world: Any) -> None:
    here = world(*[500] * 99, attempts=99, seconds=10, first_wait=1, longest_wait=4)
    with pytest.raises(TransientError):
        here.one()
    assert 6 < sum(here.slept) <= 10


def test_a_wait_that_ends_just_in_time_is_waited(world: Any) -> None:
    here = world(Reply(429, headers={"retry-after": "4"}), Reply(429, headers={"retry-after": "6"}), 200, seconds=10)
    assert here.one().status == 200
    assert here.slept == [4, 6]


@pytest.mark.parametrize("status", [429, 503])
def test_the_platforms_own_wait_is_obeyed(world: Any, status: int) -> None:
    here = world(Reply(status, headers={"retry-after": "17"}), Reply(status, headers={"retry-after": "0"}), 200)
    here.one()
    assert here.slept == [17, 0]


def test_a_wait_that_is_too_long_is_left_to_airflow(world: Any) -> None:
    here = world(Reply(429, headers={"retry-after": "3600"}))
    with pytest.raises(RateLimitedError) as caught:
        here.one()
    assert caught.value.retry_after == 3600
    assert here.slept == []


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_refusal_is_not_tried_again(world: Any, status: int) -> None:
    here = world(status)
    with pytest.raises(RejectedError):
        here.one()
    assert here.driver.requests == 1


def test_a_token_is_refreshed_once(world: Any) -> None:
    here = world(401, 200)
    assert here.one().status == 200
    assert (here.carrier.refreshed, here.slept) == (1, [])
    here = world(401, 401)
    with pytest.raises(AuthError):
        here.one()
    assert (here.carrier.refreshed, here.driver.requests) == (1, 2)
    here = world(401, 500, 401)
    with pytest.raises(AuthError):
        here.one()
    assert here.carrier.refreshed == 1
    here = world(401, 200, 401, 200)
    here.one()
    here.one()
    assert here.carrier.refreshed == 2, "each call may ask once"


@pytest.mark.parametrize("trouble", [500, 503, LATE], ids=str)
def test_what_creates_something_is_looked_up_before_it_is_repeated(world: Any, trouble: Any) -> None:
    here = world(trouble, 200)
    with pytest.raises(OutcomeUnknown) as caught:
        here.one(CREATE)
    assert here.driver.requests == 1
    assert here.slept == []
    assert SECRET not in str(caught.value)
    if trouble in (500, 503):
        assert (caught.value.code, caught.value.request_id) == ("E5", "r1")


@pytest.mark.parametrize("trouble", [REFUSED, 429], ids=str)
def test_what_surely_did_not_act_is_repeated(world: Any, trouble: Any) -> None:
    here = world(trouble, 200)
    assert here.one(CREATE).status == 200
    assert here.driver.requests == 2


def test_a_conversation_may_handle_an_error_and_go_on(world: Any) -> None:
    here = world(500, 200)

    def talk() -> Generator[Call, Reply, str]:
        try:
            yield CREATE
        except OutcomeUnknown:
            reply = yield CALL
            return f"looked up: {reply.status}"
        return "created"

    assert here.driver.run(talk()) == "looked up: 200"


def test_a_conversation_may_end_with_an_error_handled(world: Any) -> None:
    def talk() -> Generator[Call, Reply, str]:
        try:
            yield CALL
        except RejectedError:
            return "given up"
        return "done"

    assert world(400).driver.run(talk()) == "given up"


def test_a_conversation_may_raise_another_error(world: Any) -> None:
    def talk() -> Generator[Call, Reply, None]:
        try:
            yield CALL
        except RejectedError as error:
            raise ProtocolError("that cannot be") from error

    with pytest.raises(ProtocolError):
        world(400).driver.run(talk())


def test_cleaning_up_runs_when_an_error_goes_through(world: Any) -> None:
    done = []

    def talk() -> Generator[Call, Reply, None]:
        try:
            yield CALL
        finally:
            done.append(True)

    with pytest.raises(RejectedError):
        world(400).driver.run(talk())
    assert done == [True]


def test_a_pause_is_kept_before_the_next_call_and_only_then(world: Any) -> None:
    here = world(Reply(200, headers={"pause": "7"}), 200, 200)
    here.one()
    assert here.slept == []
    here.one()
    here.one()
    assert here.slept == [7]


def test_a_pause_is_not_kept_again_after_a_request_without_an_answer(world: Any) -> None:
    here = world(Reply(200, headers={"pause": "7"}), REFUSED, 200)
    here.one()
    here.one()
    assert here.slept[0] == 7
    assert len(here.slept) == 2, "and one wait before the retry"


def test_a_request_keeps_to_the_pace_of_its_path(world: Any) -> None:
    here = world(200, 200, 200)
    here.driver.pace = Pace([Rate(1, 0.5, "/users")])
    here.one()
    here.one(CREATE)
    assert here.slept == [], "no rate is for that path"
    here.one()
    assert here.slept == [0.5]


def test_a_verdict_may_depend_on_the_call(world: Any) -> None:
    here = world(404, 404)
    here.driver.judge = lambda call, reply: Verdict() if call.method == "DELETE" else judge(call, reply)
    assert here.one(Call("http", "DELETE", "/users/1")).status == 404
    with pytest.raises(RejectedError):
        here.one()


def test_an_unknown_carrier_is_a_mistake_in_the_set_up(world: Any) -> None:
    here = world()
    with pytest.raises(ConfigError, match="'pigeon'"):
        here.one(Call("pigeon", "GET", "/"))


def test_every_retry_counts_as_a_request(world: Any) -> None:
    here = world(500, 401, 200)
    here.one()
    assert here.driver.requests == 3


def test_log_lines_hold_no_bodies(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="guestlist")
    here = world(500, LATE, Reply(200, {"token": SECRET}, {"set-cookie": SECRET}))
    here.one()
    told = [record.getMessage() for record in caplog.records]
    first, second = here.slept
    assert told == [
        "POST /users, 2 rows: 500",
        f"POST /users, 2 rows: TransientError; attempt 2 in {first:.1f} s",
        f"POST /users, 2 rows: OutcomeUnknown; attempt 3 in {second:.1f} s",
        "POST /users, 2 rows: 200",
    ]
    assert SECRET not in "".join(told) + repr(here.driver) + repr([record.__dict__ for record in caplog.records])


troubles = st.lists(st.sampled_from([200, 500, 429, 401, 400, LATE, REFUSED]), max_size=12)


@given(troubles, st.sampled_from(Repeat), st.integers(1, 6))
def test_any_trouble_ends_in_an_answer_or_an_error_within_bounds(answers: list[Any], repeat: Repeat, attempts: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        here = World(patch, *answers, 400, attempts=attempts, seconds=60)
        call = Call("http", "POST", "/x", repeat=repeat)
        try:
            outcome: Any = here.one(call).status
        except GuestlistError as error:
            outcome = error
        assert outcome == 200 or isinstance(outcome, GuestlistError)
        assert not isinstance(outcome, OutcomeUnknown) or LATE in answers or repeat is Repeat.LOOKUP
        assert here.driver.requests <= attempts + 1, "one more where a token was refreshed"
        assert sum(here.slept) <= 60
        if repeat is Repeat.LOOKUP:
            acted = [answer for answer in answers[: here.driver.requests - 1] if answer in (500, LATE)]
            assert not acted, "nothing is sent again after a call that may have created something"
