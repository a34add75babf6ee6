"""One sandbox for all tests of this folder, and a calendar: Guestlist's clock goes with the sandbox's."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from contract.fixtures import running, world
from contract.rig import World

from guestlist.runtime import clock
from guestlist.runtime.ledger import audiences, checkpoints, erasures, needed, plans, rows, runs, sessions

__all__ = ["running", "world"]
_TELL_THE_TIME = (clock, audiences, checkpoints, erasures, needed, plans, rows, runs, sessions)


@pytest.fixture
def calendar(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in which time passes for both sides alike, when something waits or a test lets days go by."""
    real_now, real_advance = clock.now, world.advance
    moved = timedelta()

    def now() -> datetime:
        return real_now() + moved

    def advance(seconds: float) -> None:
        nonlocal moved
        moved += timedelta(seconds=seconds)
        real_advance(seconds)

    for module in _TELL_THE_TIME:
        monkeypatch.setattr(module, "now", now)
    monkeypatch.setattr(world, "advance", advance)
    world.begin_anew()
    return world
