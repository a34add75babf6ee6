"""Pruning: what is old and not needed goes, nothing else: after any runs, kills and prunes the next run makes it right."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest
from contract.doors import all_doors
from contract.rig import Door, Wish, World, expected_keys, people
from erasure.rig import erase, go_on, known_by, outcomes, segment_file
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from runtime.rig import Killed, kill_at

from guestlist.model.errors import ConfigError, GuestlistError
from guestlist.runtime.lake import Lake
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.sync.plan import PlanOptions
from guestlist.runtime.sync.run import EVERYTHING, SILENT, RunOptions, _serve, run_segment
from guestlist.runtime.upkeep.prune import prune
from guestlist.runtime.upkeep.stored import Stored, stored

EXAMPLES = int(os.environ.get("GUESTLIST_EXAMPLES", "4"))
FRAME = pl.DataFrame({"member": ["a"]})
POINTS = [
    (Lake, "write"), (Lake, "write_json"), (Ledger, "begin_run"), (Ledger, "enter_plan"), (Ledger, "opened"),
    (Ledger, "sending"), (Ledger, "received"), (Ledger, "closed"), (Ledger, "settled"), (Ledger, "seal"),
]  # fmt: skip


def aged(world: World) -> None:
    """Every file of the lake is from another time: its age keeps nothing any more."""
    for path in (world.folder / "lake").rglob("*"):
        os.utime(path, (0, 0))


def paths(found: list[Stored]) -> set[str]:
    return {one.path for one in found}


@dataclass(frozen=True)
class Step:
    """A run, killed at a point or not, then some prunes; a killed run may be gone on with where it stopped, as Airflow does."""

    numbers: list[int]
    dry: bool
    kill: tuple[type, str] | None
    when: str
    count: int
    prunes: bool
    resume: bool


STEPS = st.lists(
    st.builds(
        Step,
        st.lists(st.integers(0, 9), min_size=1, unique=True),
        st.sampled_from([False, False, False, True]),
        st.sampled_from([None, *POINTS]),
        st.sampled_from(["before", "after"]),
        st.integers(1, 3),
        st.booleans(),
        st.booleans(),
    ),
    min_size=2,
    max_size=6,
)


class Story:
    """One audience, and a lake of which nothing is young."""

    def __init__(self, world: World, door: Door) -> None:
        world.begin_anew()
        self.world, self.door, self.runs = world, door, 0

    def tell(self, step: Step) -> None:
        self.runs += 1
        segment, run_id = self._segment(step.numbers), f"run {self.runs}"
        killed = self._run(segment, run_id, step)
        if step.prunes:
            self.prune()
        if killed and step.resume and not step.dry and self.world.workspace(self.door).ledger.run(segment.name, run_id):
            self._resume(segment, run_id)
            self._check(step.numbers)

    def _run(self, segment: Any, run_id: str, step: Step) -> bool:
        with pytest.MonkeyPatch.context() as patch:
            if step.kill is not None:
                kill_at(patch, *step.kill, step.when, step.count)
            options = RunOptions(plan=PlanOptions(dry_run=step.dry), approved_by="tests")
            try:
                run_segment(self.world.workspace(self.door), segment, run_id, options)
            except Killed:
                if not step.resume:  # nobody goes on with it: it is entered as failed
                    self.world.workspace(self.door).ledger.end_run(segment.name, run_id, "failed", None)
                return True
        return False

    def _resume(self, segment: Any, run_id: str) -> None:
        """What Airflow does with the tasks after ``prepare``."""
        options = dataclasses.replace(EVERYTHING, approved_by="tests")
        _serve(self.world.workspace(self.door), segment, run_id, "c", options, SILENT)

    def prune(self) -> None:
        aged(self.world)
        prune(self.world.workspace(self.door))

    def end(self, numbers: list[int]) -> None:
        self.prune()
        report = self.world.run(self.door, self._segment(numbers), run_id="the last")
        assert report.state == "sealed"
        self._check(numbers)

    def _segment(self, numbers: list[int]) -> Any:
        return self.world.segment(self.door, "pruned", people(numbers), Wish())

    def _check(self, numbers: list[int]) -> None:
        audience = self.world.workspace(self.door).ledger.audience("pruned", "c")
        wanted = expected_keys(people(numbers), self.door)
        held = self.world.held(self.door, audience.id)
        if self.door.mode == "append":
            assert all(values <= held.get(kind, set()) for kind, values in wanted.items())
        else:
            assert held == wanted


@pytest.mark.slow
@pytest.mark.parametrize("door", all_doors(), ids=lambda door: door.id)
@given(steps=STEPS, last=st.lists(st.integers(0, 9), min_size=1, unique=True))
@settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
def test_nothing_that_anything_reads_is_ever_pruned(running: World, door: Door, steps: list[Step], last: list[int]) -> None:
    story = Story(running, door)
    for step in steps:
        story.tell(step)
    story.end(last)


@pytest.fixture
def meta() -> Door:
    return next(door for door in all_doors() if door.id == "meta")


@pytest.fixture
def klaviyo() -> Door:
    return next(door for door in all_doors() if door.id == "klaviyo")


@pytest.mark.slow
def test_after_a_sealed_run_only_the_newest_generation_stays(world: World, meta: Door) -> None:
    world.begin_anew()
    for numbers in (range(4), range(2, 6)):
        segment = world.segment(meta, "vips", people(numbers))
        world.run(meta, segment)
    workspace = world.workspace(meta)
    newest = workspace.ledger.generation("vips", "c").path
    assert prune(workspace) == [], "all of it is young"
    aged(world)
    would_go = paths(prune(workspace, dry_run=True))
    assert len(would_go) == 2 + 2 + 1
    assert paths(stored(workspace.lake)) == {*would_go, newest}
    assert paths(prune(workspace)) == would_go
    assert paths(stored(workspace.lake)) == {newest}
    assert [row.state for row in workspace.ledger.last_runs("vips")] == ["sealed", "sealed"], "the ledger keeps its history"


@pytest.mark.slow
def test_a_plan_that_was_begun_stays_until_it_is_sealed_and_a_run_that_waits_for_a_person_as_well(
    world: World, meta: Door
) -> None:
    world.begin_anew()
    segment = world.segment(meta, "vips", people(range(4)))
    world.fault(meta, meta.down, "add", times=9)
    with pytest.raises(GuestlistError):
        world.run(meta, segment, run_id="broke off")
    world.clear_faults(meta)
    stopped = world.segment(meta, "waits", people(range(4)), Wish(guards={"min_members": 100}))
    run_segment(world.workspace(meta), stopped, "stopped", RunOptions())
    workspace = world.workspace(meta)
    [plan] = workspace.ledger.unsealed_plans("vips", "c")
    aged(world)
    prune(workspace)
    assert paths(stored(workspace.lake)) == {plan.path}, "both runs are over; of one of them something was sent"
    assert world.run(meta, segment).state == "sealed"
    assert world.held(meta, world.audience(meta, segment)) == expected_keys(people(range(4)), meta)


@pytest.mark.slow
def test_a_run_under_way_keeps_what_it_has_made_for_two_weeks(calendar: World, meta: Door) -> None:
    segment = calendar.segment(meta, "vips", people(range(4)))
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Killed):
        kill_at(patch, Ledger, "enter_plan", "after")
        calendar.run(meta, segment)
    aged(calendar)
    assert prune(calendar.workspace(meta)) == []
    calendar.advance(15 * 86_400)
    assert len(prune(calendar.workspace(meta))) == 2


@pytest.mark.slow
def test_plain_text_that_a_dead_run_has_left_goes_after_a_day(calendar: World, klaviyo: Door) -> None:
    segment = calendar.segment(klaviyo, "vips", people(range(4)))
    calendar.run(klaviyo, segment)
    calendar.segment(klaviyo, "vips", people(range(6)))
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Killed):
        kill_at(patch, Ledger, "end_run", "before")  # sealed, and killed before it took its values out
        calendar.run(klaviyo, segment)
    workspace = calendar.workspace(klaviyo)
    workspace.ledger.end_run("vips", "run 2", "failed", None)
    assert prune(workspace) == []
    calendar.advance(86_400 + 60)
    prune(workspace)
    assert paths(stored(workspace.lake)) == {workspace.ledger.generation("vips", "c").path}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["meta", "klaviyo"])
def test_an_erasure_that_cannot_be_carried_out_yet_keeps_its_plan(world: World, name: str) -> None:
    world.begin_anew()
    door = next(door for door in all_doors() if door.id == name)
    rows = people(range(4))
    segment = segment_file(world, door, "vips", rows)
    world.run(door, segment)
    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, Ledger, "set_step", "after")
        erasure = erase(world, door, known_by(rows[0], *door.kinds))
        with pytest.raises(Killed):
            go_on(world, door, erasure)
    aged(world)
    assert {one.path.split("/")[1] for one in prune(world.workspace(door))} <= {"plans", "runs"}
    go_on(world, door, erasure)
    assert outcomes(world, door, erasure) == {"vips": "removed"}
    assert world.held(door, world.audience(door, segment)) == expected_keys(rows[1:], door)


@pytest.mark.slow
def test_an_audience_that_was_left_behind_keeps_its_last_generation(world: World, klaviyo: Door) -> None:
    world.begin_anew()
    for audience in ("Old", "New"):
        world.run(klaviyo, world.segment(klaviyo, "vips", people(range(4)), Wish(audience=audience)))
    workspace = world.workspace(klaviyo)
    [former] = workspace.ledger.former_audiences()
    assert (former.name, former.generation) == ("Old", 1)
    aged(world)
    prune(workspace)
    assert len(stored(workspace.lake)) == 2


@pytest.fixture
def small(tmp_path: Any) -> tuple[Lake, Any]:
    lake = Lake(str(tmp_path / "lake"))
    for path in ("s/runs/r/1", "s/plans/l/r-1/add", "s/generations/l/00000001"):
        lake.write(f"{path}/part-0.parquet", FRAME)
    return lake, tmp_path / "lake"


def test_the_lake_tells_runs_plans_and_generations_with_all_their_files(small: tuple[Lake, Any]) -> None:
    lake, folder = small
    lake.write("s/runs/r/2/part-0.parquet", FRAME)
    lake.write("s/erasures/whatever.parquet", FRAME)
    (folder / "s/generations/l/00000001/.part-1.parquet.tmp").write_bytes(b"half")
    found = {one.path: one.files for one in stored(lake)}
    assert found == {"s/runs/r": 2, "s/plans/l/r-1": 1, "s/generations/l/00000001": 2}
    for path in found:
        lake.remove(path)
    assert stored(lake) == []
    assert lake.exists("s/erasures/whatever.parquet"), "what is none of these is none of its business"


def test_a_lake_on_an_object_store_tells_the_age_of_its_objects() -> None:
    lake = Lake("memory://guestlist-prune")
    lake.write("s/generations/l/00000001/part-00000.parquet", FRAME)
    [one] = stored(lake)
    assert (one.path, one.files) == ("s/generations/l/00000001", 1)
    assert one.written.tzinfo is not None
    lake.remove(one.path)
    assert stored(lake) == []


def test_a_lake_that_is_not_there_yet_has_nothing(tmp_path: Any) -> None:
    assert stored(Lake(str(tmp_path / "none"))) == []


@pytest.mark.parametrize("days", ["0", "-1", "1.5", "soon", "999999999", "\u0661"])
def test_a_retention_that_is_none_is_told_before_anything_goes(world: World, meta: Door, days: str) -> None:
    workspace = world.workspace(meta)
    workspace.config = dataclasses.replace(workspace.config, retention_days=days)
    with pytest.raises(ConfigError, match="GUESTLIST_RETENTION_DAYS"):
        prune(workspace)
