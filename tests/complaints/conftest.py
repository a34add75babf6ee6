"""One sandbox for all tests of this folder, its calendar, and the messy run of each door, which happens once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from complaints.rig import Messy, messy_run
from contract.fixtures import running, world
from contract.rig import Door, World
from upkeep.conftest import calendar

__all__ = ["calendar", "running", "world"]


@pytest.fixture(scope="session")
def messy(running: World) -> Callable[[Door], Messy]:
    """What came of the messy people at a door."""
    known: dict[str, Messy] = {}

    def of(door: Door) -> Messy:
        if door.id not in known:
            known[door.id] = messy_run(running, door)
        return known[door.id]

    return of
