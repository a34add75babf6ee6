"""Several batches at once: as many as there are lanes, none after an error, and no receipt is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from guestlist.model.conversation import Call, Reply, Verdict
from guestlist.model.delivery import Batch, Receipt
from guestlist.model.errors import RateLimitedError, RejectedError
from guestlist.runtime.driver import Driver
from guestlist.runtime.sync.outbox import Outbox

Deliver = Callable[[Batch], Receipt]


class Lane:
    """Stands where a destination with its driver does; ``deliver`` is what the platform does with a batch."""

    def __init__(self, deliver: Deliver) -> None:
        self.destination = SimpleNamespace(send=lambda _session, _handle, batch: batch)
        self.driver = SimpleNamespace(requests=0, run=deliver, gate=None)


def batch(number: int) -> tuple[Any, Batch]:
    return SimpleNamespace(sequence=number), Batch(f"b{number}", number, pl.DataFrame({"email": ["x"]}))


@dataclass
class Post:
    """What an outbox was told to do, and what it wrote down."""

    begun: list[int] = field(default_factory=list)
    received: list[int] = field(default_factory=list)

    def deliver(self, lanes: int, deliver: Deliver, batches: int = 9) -> None:
        to = [Lane(deliver) for _ in range(lanes)]
        with Outbox(to, None, {}, self._sending, self._received) as outbox:
            for number in range(1, batches + 1):
                outbox.send(*batch(number))

    def _sending(self, row: Any, _batch: Batch) -> None:
        self.begun.append(row.sequence)

    def _received(self, row: Any, _receipt: Receipt, _requests: int) -> None:
        self.received.append(row.sequence)


@pytest.mark.parametrize("lanes", [1, 2, 4])
def test_every_batch_goes_out_once_and_no_more_than_there_are_lanes(lanes: int) -> None:
    under_way, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(lanes)

    def deliver(one: Batch) -> Receipt:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        if one.sequence <= lanes:
            together.wait(timeout=10)  # only passed when all lanes are used
        with lock:
            under_way -= 1
        return Receipt(1)

    post = Post()
    post.deliver(lanes, deliver)
    assert post.begun == list(range(1, 10))
    assert sorted(post.received) == post.begun
    assert most == lanes


def test_one_lane_keeps_the_order() -> None:
    post = Post()
    post.deliver(1, lambda _: Receipt(1))
    assert post.received == post.begun == list(range(1, 10))


def test_after_an_error_nothing_more_goes_out_and_what_was_on_its_way_is_written_down() -> None:
    failed = threading.Event()

    def deliver(one: Batch) -> Receipt:
        if one.sequence == 2:
            failed.set()
            raise RejectedError("no")
        failed.wait(timeout=10)
        return Receipt(1)

    post = Post()
    with pytest.raises(RejectedError):
        post.deliver(3, deliver, batches=100)
    assert set(post.received) == set(post.begun) - {2}
    assert len(post.begun) < 20


def test_while_one_lane_waits_for_the_platform_none_sends() -> None:
    sleeping, sent = threading.Event(), []
    gate = threading.Lock()

    class Carrier:
        def __init__(self, name: str) -> None:
            self.name = name

        def send(self, call: Call) -> Reply:
            sent.append((self.name, sleeping.is_set()))
            return Reply(429 if len(sent) == 1 else 200)

    def sleep(_seconds: float) -> None:
        sleeping.set()
        other.start()
        other.join(timeout=0.3)
        assert other.is_alive(), "the other lane is held back"
        sleeping.clear()

    def judge(_call: Call, reply: Reply) -> Verdict:
        return Verdict(RateLimitedError("slower", retry_after=5.0) if reply.status == 429 else None)

    def talk() -> Any:
        yield Call("c", "POST", "path")

    first, second = (Driver({"c": Carrier(name)}, judge, sleep=sleep, gate=gate) for name in ("first", "second"))
    other = threading.Thread(target=second.run, args=(talk(),))
    first.run(talk())
    other.join(timeout=10)
    assert sorted(sent) == [("first", False), ("first", False), ("second", False)]
