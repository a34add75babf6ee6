"""Runs keep to the rates that platforms document, however fast they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from contract.doors import all_doors
from contract.rig import Door, World, expected_keys, people

from guestlist.destinations import destination_class
from guestlist.model.capabilities import Capabilities
from guestlist.runtime import clock

PACED = [door for door in all_doors() if door.id in ("klaviyo", "snapchat_ads", "google_ads-data_manager")]
PEOPLE = 310


@pytest.mark.slow
@pytest.mark.parametrize("door", PACED, ids=lambda door: door.id)
def test_a_run_keeps_to_it_over_all_its_lanes(world: World, monkeypatch: pytest.MonkeyPatch, door: Door) -> None:
    """More batches than go into a minute, at the times that the sandbox has seen them."""
    world.begin_anew()
    ahead, real, known = [0.0], clock.monotonic, destination_class(door.platform).capabilities_for

    def sleep(seconds: float) -> None:
        ahead.append(ahead[-1] + seconds)
        world.sleep(seconds)

    def one_row_a_batch(options: Any) -> Capabilities:
        return replace(known(options), limits=replace(known(options).limits, rows_per_batch=1))

    monkeypatch.setattr(clock, "monotonic", lambda: real() + ahead[-1])
    monkeypatch.setattr(destination_class(door.platform), "capabilities_for", staticmethod(one_row_a_batch))
    segment = world.segment(door, "paced", people(range(PEOPLE)))
    world.run(door, segment, world.workspace(door, sleep=sleep))
    times = [(datetime.fromisoformat(line["at"]).timestamp(), line["path"]) for line in world.log(door)]
    paced = 0
    for rate in known(destination_class(door.platform).Options(**door.options)).limits.rates:
        mine = [time for time, path in times if path.removeprefix(f"/{door.door}").startswith(rate.path)]
        if len(mine) > rate.requests:
            on_the_way = 5  # requests leave in time; how long the first one takes is the machine's matter
            assert mine[-1] - mine[0] > (len(mine) - 1) // rate.requests * rate.seconds - on_the_way
            paced += 1
    assert paced
    assert world.held(door, world.audience(door, segment)) == expected_keys(people(range(PEOPLE)), door)
