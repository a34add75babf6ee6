"""Killed at any write of the ledger and begun again, an erasure ends the same: the person off, one receipt, nothing open."""

from __future__ import annotations

import json

import pytest
from contract.doors import all_doors
from contract.rig import Door, World, expected_keys, people
from erasure.rig import erase, go_on, known_by, segment_file, steps
from runtime.rig import Killed, kill_at

from guestlist.model.errors import BusyError
from guestlist.model.vocabulary import Operation
from guestlist.pipeline.receipts import first_break
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.sync import close_and_poll, make_plan, open_session, prepare, send_part

pytestmark = pytest.mark.slow
META, GOOGLE = (next(door for door in all_doors() if door.id == name) for name in ("meta", "google_ads-data_manager"))
DELIVERY = ("opened", "sending", "received", "closed", "settled", "seal")
WRITES = ("enter_erasure", "enter_steps", "take_lease", "set_step", "enter_plan", *DELIVERY, "drop_lease", "close_erasure")
KILLS = [(META, write, when) for write in WRITES for when in ("before", "after")]
KILLS += [(GOOGLE, write, "before") for write in DELIVERY]


@pytest.mark.parametrize(("door", "write", "when"), KILLS, ids=lambda value: value.id if isinstance(value, Door) else value)
def test_killed_and_begun_again(world: World, door: Door, write: str, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world.begin_anew()
    rows = people(range(6))
    segment = segment_file(world, door, "vips", rows)
    assert world.run(door, segment).state == "sealed"
    with monkeypatch.context() as patch:
        kill_at(patch, Ledger, write, when)
        with pytest.raises(Killed):
            go_on(world, door, erase(world, door, known_by(rows[3])))
    ledger = world.workspace(door).ledger
    found = [row.id for row in ledger.erasures()]
    erasure = found[0] if found else erase(world, door, known_by(rows[3]))
    assert go_on(world, door, erasure).errors == ()
    rest = expected_keys([row for row in rows if row is not rows[3]], door)
    assert world.held(door, world.audience(door, segment)) == rest
    (step,) = steps(world, door, erasure).values()
    assert (step.outcome, step.found, sorted(step.removed)) == ("removed", True, ["email", "phone"])
    kinds = [json.loads(link.content)["kind"] for link in ledger.receipts()]
    assert (kinds, first_break(ledger.receipts())) == (["entered", "closed"], None)
    assert world.run(door, segment).state == "sealed"
    assert world.held(door, world.audience(door, segment)) == rest


def test_a_run_that_was_prepared_before_brings_nobody_back(world: World) -> None:
    world.begin_anew()
    door = META
    rows = people(range(6))
    segment = segment_file(world, door, "vips", rows[:3])
    assert world.run(door, segment).state == "sealed"
    segment_file(world, door, "vips", rows)
    workspace = world.workspace(door)
    prepare(workspace, segment, "before")
    plan_id = make_plan(workspace, segment, "before", "c")
    assert go_on(world, door, erase(world, door, known_by(rows[5]))).errors == ()
    with pytest.raises(BusyError):
        open_session(workspace, segment, plan_id, Operation.ADD)
    again = make_plan(workspace, segment, "before", "c")
    assert again != plan_id
    open_session(workspace, segment, again, Operation.ADD)
    send_part(workspace, segment, again, Operation.ADD, 0)
    while not (progress := close_and_poll(workspace, segment, again, Operation.ADD)).done:
        world.sleep(progress.wait)
    assert world.held(door, world.audience(door, segment)) == expected_keys(rows[:5], door)
