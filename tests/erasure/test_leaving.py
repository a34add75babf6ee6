"""Consent withdrawn, a suppression list that grows, a holdout that grows: who leaves is taken off by the next run, first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from contract.doors import all_doors
from contract.rig import Door, Wish, World, expected_keys, people, person

from guestlist.model.errors import TransientError
from guestlist.model.vocabulary import Mode
from guestlist.runtime.driver import Retries
from guestlist.runtime.ledger import audiences, runs, sessions

pytestmark = pytest.mark.slow
LEAVING = [(door, mode) for door in all_doors() for mode in door.capabilities.modes if mode not in (Mode.APPEND, Mode.REMOVE)]
"""Where the platform can take anybody off; in mode append nobody leaves, and in mode remove nobody was on it."""
MIRRORING = [door for door in all_doors() if door.mode is Mode.MIRROR]


def _id(value: object) -> str:
    return value.id if isinstance(value, Door) else str(value)


@pytest.fixture(autouse=True)
def nobody_is_erased(world: World) -> None:
    """Other tests of this folder erase the same people."""
    world.begin_anew()


def settled_for_good(world: World, mode: Mode) -> None:
    if mode is Mode.REPLACE:
        world.advance(49 * 3600)  # TikTok takes one replace every two days


@pytest.mark.parametrize(("door", "mode"), LEAVING, ids=_id)
def test_who_withdraws_consent_is_off_after_the_next_run(world: World, door: Door, mode: Mode) -> None:
    rows = people(range(8))
    segment = world.segment(door, world.name("consent"), rows, Wish(mode=str(mode)))
    assert world.run(door, segment).state == "sealed"
    assert world.held(door, world.audience(door, segment)) == expected_keys(rows, door)
    settled_for_good(world, mode)
    withdrawn = [row | {"consent": "no" if row["id"] in ("c2", "c5") else "yes"} for row in rows]
    report = world.run(door, world.segment(door, segment.name, withdrawn, Wish(mode=str(mode))))
    left = [row for row in withdrawn if row["consent"] == "yes"]
    assert world.held(door, world.audience(door, segment)) == expected_keys(left, door)
    assert (report.state, report.opt_outs and report.opt_outs.members) == ("sealed", 2)


@pytest.mark.parametrize("door", MIRRORING, ids=_id)
def test_a_suppression_list_that_grows_is_removed_first(world: World, door: Door) -> None:
    name, rows = world.name("suppressed"), people(range(8))

    def listed(*numbers: int) -> Wish:
        lines = ["mail", *(person(number)["email"].upper() for number in numbers)]
        (world.folder / f"{name}-no.csv").write_text("\n".join(lines) + "\n")
        return Wish(more={"suppress": [{"file": f"{name}-no.csv", "identifiers": {"email": "mail"}}]})

    segment = world.segment(door, name, rows, listed(0))
    assert world.run(door, segment).state == "sealed"
    before = len(world.log(door))
    joined = [*rows, *people(range(20, 23))]
    report = world.run(door, world.segment(door, name, joined, listed(0, 3, 4)))
    assert (report.state, report.removed, report.added) == ("sealed", 2, 3)
    kept = [row for row in joined if row["id"] not in ("c0", "c3", "c4")]
    assert world.held(door, world.audience(door, segment)) == expected_keys(kept, door)
    kinds = [entry["operation"] for entry in world.log(door)[before:] if entry.get("operation") in ("add", "remove")]
    assert kinds == sorted(kinds, reverse=True), "every removal goes before any addition"
    assert set(kinds) == {"add", "remove"}


@pytest.mark.parametrize(("door", "mode"), LEAVING, ids=_id)
def test_a_holdout_that_grows_keeps_its_people_and_takes_the_new_ones_off(world: World, door: Door, mode: Mode) -> None:
    rows = people(range(60))

    def held_out(percent: int, name: str) -> set[str]:
        wish = Wish(mode=str(mode), more={"holdout": {"percent": percent, "experiment": "spring"}})
        segment = world.segment(door, name, rows, wish)
        assert world.run(door, segment).state == "sealed"
        held = world.held(door, world.audience(door, segment))
        assert all(values <= expected_keys(rows, door)[kind] for kind, values in held.items())
        return {row["id"] for row in rows if not _is_on(row, held, door)}

    name = world.name("holdout")
    small = held_out(5, name)
    settled_for_good(world, mode)
    large = held_out(25, name)
    assert small
    assert small < large
    assert len(large) < 30


def _is_on(row: dict[str, str], held: dict[str, set[str]], door: Door) -> bool:
    keys = expected_keys([row], door)
    on = {kind: values <= held.get(kind, set()) for kind, values in keys.items()}
    assert len(set(on.values())) == 1, "wholly or not at all"
    return all(on.values())


class Clock:
    """The ledger's clock, which a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time = datetime(2026, 3, 1, 5, tzinfo=UTC)
        for module in (audiences, runs, sessions):
            monkeypatch.setattr(module, "now", self)

    def __call__(self) -> datetime:
        self.time += timedelta(microseconds=1)
        return self.time

    def pass_hours(self, hours: float) -> None:
        self.time += timedelta(hours=hours)


@pytest.mark.parametrize("door", [door for door in MIRRORING if door.platform == "meta"], ids=_id)
def test_the_time_from_opt_out_to_receipt_begins_with_the_first_run_that_knew(
    world: World, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    rows = people(range(8))
    segment = world.segment(door, world.name("optout"), rows)
    assert world.run(door, segment).opt_outs is None, "nobody has left"
    clock.pass_hours(24)
    world.segment(door, segment.name, rows[1:])
    world.fault(door, door.down, "remove", times=9)
    with pytest.raises(TransientError):
        world.run(door, segment, world.workspace(door, retries=Retries(attempts=2, seconds=10)))
    world.clear_faults(door)
    clock.pass_hours(6)
    world.segment(door, segment.name, rows[4:])
    report = world.run(door, segment)
    assert report.opt_outs is not None
    assert report.opt_outs.members == 4
    assert report.opt_outs.median_seconds < 1, "three are known since this run"
    assert 6 * 3600 <= report.opt_outs.worst_seconds < 6 * 3600 + 1, "the first one since the run that failed"
    assert world.run(door, segment).opt_outs is None
