"""Runs a conversation with a platform: the one place that knows the network, waiting, retries and what may be logged."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from guestlist.model.conversation import Call, Conversation, Repeat, Reply, Verdict
from guestlist.model.errors import ConfigError, GuestlistError, OutcomeUnknown, RateLimitedError, TransientError
from guestlist.runtime import clock
from guestlist.runtime.pace import Pace

log = logging.getLogger("guestlist.driver")
T = TypeVar("T")


class Carrier(Protocol):
    """Really speaks to a platform.

    It returns a `Reply` for whatever the platform answers. Where nothing came back it raises `TransientError` if the
    request surely did not act, and `OutcomeUnknown` if it may have.
    """

    def send(self, call: Call) -> Reply:
        """Do one call."""

    def refresh(self) -> None:
        """Get a fresh access token."""

    def close(self) -> None:
        """Give back connections."""


@dataclass(frozen=True)
class Retries:
    """How long the driver itself tries: transient trouble of seconds. Anything longer is Airflow's, then the next run's."""

    attempts: int = 6
    seconds: float = 120.0
    first_wait: float = 0.5
    longest_wait: float = 30.0


@dataclass(frozen=True)
class _Trouble:
    """What became of one request that did not succeed."""

    error: GuestlistError
    refresh: bool = False
    may_have_acted: bool = True
    """A connection that was refused did not act; a reset, a time-out and an answer of trouble may have."""


@dataclass
class Driver:
    """Sends the calls of conversations through carriers.

    ``judge`` is the destination's verdict on a reply. ``requests`` counts the calls that were sent.
    """

    carriers: Mapping[str, Carrier]
    judge: Callable[[Call, Reply], Verdict]
    retries: Retries = Retries()
    sleep: clock.Sleep = clock.sleep
    random: random.Random = field(default_factory=random.Random)
    requests: int = 0
    gate: AbstractContextManager[Any] = field(default_factory=nullcontext)
    """Held while this driver waits, and passed before it sends: drivers that share one hold back together."""
    pace: Pace = field(default_factory=Pace)
    _pause: float = 0.0

    def run(self, conversation: Conversation[T]) -> T:
        """Hold a conversation to its end and return its result.

        Raises:
            GuestlistError: what the conversation did not handle; of a transient kind once the retries are used up.
        """
        try:
            call = next(conversation)
            while True:
                try:
                    reply = self._call(call)
                except GuestlistError as error:
                    call = conversation.throw(error)
                else:
                    call = conversation.send(reply)
        except StopIteration as end:
            result: T = end.value
            return result

    def _call(self, call: Call) -> Reply:
        started = clock.monotonic()
        refreshed = False
        attempt = 1
        while True:
            outcome = self._once(call)
            if isinstance(outcome, Reply):
                return outcome
            error = outcome.error
            if outcome.refresh and not refreshed:
                refreshed = True
                self._carrier(call).refresh()
                continue
            if not isinstance(error, TransientError):
                raise error
            if call.repeat is Repeat.LOOKUP and outcome.may_have_acted and not isinstance(error, RateLimitedError):
                raise OutcomeUnknown(f"{call}: nobody knows whether it acted", code=error.code, request_id=error.request_id)
            wait = self._wait(error, attempt)
            if attempt >= self.retries.attempts or clock.monotonic() - started + wait > self.retries.seconds:
                raise error
            log.info("%s: %s; attempt %d in %.1f s", call, type(error).__name__, attempt + 1, wait)
            with self.gate:
                self.sleep(wait)
            attempt += 1

    def _once(self, call: Call) -> Reply | _Trouble:
        with self.gate:
            if self._pause:
                self.sleep(self._pause)
                self._pause = 0.0
            if (wait := self.pace.take(clock.monotonic(), call.path)) > 0:
                self.sleep(wait)
        self.requests += 1
        try:
            reply = self._carrier(call).send(call)
        except TransientError as error:
            return _Trouble(error, may_have_acted=isinstance(error, OutcomeUnknown))
        verdict = self.judge(call, reply)
        self._pause = verdict.pause
        log.debug("%s: %d", call, reply.status)
        return reply if verdict.error is None else _Trouble(verdict.error, refresh=verdict.refresh)

    def _carrier(self, call: Call) -> Carrier:
        if call.carrier not in self.carriers:
            raise ConfigError(f"no carrier is called {call.carrier!r}")
        return self.carriers[call.carrier]

    def _wait(self, error: TransientError, attempt: int) -> float:
        """What the platform asks for, or else twice as long each time, with jitter so that clients do not come in step."""
        if error.retry_after is not None:
            return error.retry_after
        longest = min(self.retries.first_wait * 2.0 ** (attempt - 1), self.retries.longest_wait)
        return longest * self.random.uniform(0.5, 1.0)
