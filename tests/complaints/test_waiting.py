"""Complaints of a platform's work that was overtaken, met other work, or was not waited for; most are in tests/faults."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest
from complaints.rig import MIRRORING, doors
from contract.carriers import put_between
from contract.fixtures import small_batches
from contract.rig import Door, World, expected_keys, people

from guestlist.model.conversation import Call, Reply
from guestlist.runtime.driver import Carrier

pytestmark = pytest.mark.slow
ONE_AT_A_TIME = [door for door in MIRRORING if door.capabilities.limits.parallel_batches == 1]


@doors(ONE_AT_A_TIME)
def test_what_belongs_together_is_sent_one_request_after_the_other(
    world: World, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere millions of identifiers were added to one job by several at once, which the platform refused.

    https://github.com/googleads/google-ads-python/issues/605
    """
    small_batches(monkeypatch, 2)
    rows = people(range(16))
    segment = world.segment(door, world.name("parts"), rows)
    workspace = world.workspace(door)
    traffic = Traffic()
    put_between(workspace, traffic.send)
    assert world.run(door, segment, workspace).state == "sealed"
    assert (len(traffic.sent), traffic.most) == (8, 1)
    jobs = {call.body["resourceName"] for call in traffic.sent} if door.door == "google_ads" else {"the only one"}
    assert len(jobs) == 1
    assert world.held(door, world.audience(door, segment)) == expected_keys(rows, door)


@dataclass
class Traffic:
    """The requests that carried rows, and the most of them that were under way at a time."""

    sent: list[Call] = field(default_factory=list)
    most: int = 0
    _under_way: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, carrier: Carrier, call: Call) -> Reply:
        with self._lock:
            self.sent += [call] if call.rows else []
            self._under_way += bool(call.rows)
            self.most = max(self.most, self._under_way)
        reply = carrier.send(call)
        with self._lock:
            self._under_way -= bool(call.rows)
        return reply
