"""Whatever happens to people, to requests and to runs: after one run without a fault the books equal the segment."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import pytest
from contract.doors import all_doors
from contract.fixtures import small_batches
from contract.rig import Door, Wish, World, balanced, expected_keys, person
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from guestlist.model.errors import DataError, GuestlistError
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Mode
from guestlist.runtime.driver import Retries
from guestlist.runtime.sync.report import DestinationReport

EXAMPLES = int(os.environ.get("GUESTLIST_EXAMPLES", "10"))
"""For each door in mode mirror; the other modes get half of it. Set it to a few hundred for a long search."""
ROWS_PER_BATCH = 3
"""In place of ten thousand, so that a handful of people make several batches."""
_EMAILS = [f"mail{number}@example.com" for number in range(5)]
_PHONES = [f"+4915110000{number:03}" for number in range(4)]
_ROW = st.fixed_dictionaries(
    {
        "email": st.sampled_from(["", *_EMAILS]),
        "email2": st.sampled_from(["", "", *_EMAILS]),
        "phone": st.sampled_from(["", *_PHONES]),
        "first": st.sampled_from(["", "zoe", "amir"]),
        "last": st.sampled_from(["", "doe"]),
        "zip": st.sampled_from(["", "80331"]),
        "country": st.sampled_from(["", "DE"]),
        "consent": st.sampled_from(["yes", "yes", "yes", "no"]),
    }
)
PEOPLE = st.dictionaries(st.integers(0, 11), _ROW, min_size=1, max_size=12).map(
    lambda rows: [person(number, **row) for number, row in rows.items()]
)
SUPPRESSED = st.lists(st.sampled_from(_EMAILS), max_size=2, unique=True)


Faults = list[tuple[str, Mapping[str, Any], int, int]]
"""A place, what goes wrong there, how often, and how many requests are let pass first."""


@dataclasses.dataclass(frozen=True)
class Step:
    """A run of the segment as it is then, and what goes wrong in it."""

    people: list[dict[str, str]]
    suppressed: list[str]
    faults: Faults
    again: bool
    """A run that fails is begun anew under the same name, as Airflow does."""
    hours: int
    """Until the next step."""


def faults_of(door: Door) -> st.SearchStrategy[Faults]:
    """What goes wrong in one run.

    Rows are refused in runs of their own: no platform takes a row, loses the answer, and refuses the same row a second later.
    """
    actions: list[Mapping[str, Any]] = [door.busy[0], door.down, {"drop": "before"}, {"drop": "after"}]
    actions += [{"malformed": how} for how in door.malformed]
    later = [fault for fault in (door.late_failure, door.partial_failure) if fault]
    failures = [st.tuples(st.just(door.fails_at), st.sampled_from(later))] if later else []
    anything = st.one_of(st.tuples(st.sampled_from([*door.paths, ""]), st.sampled_from(actions)), *failures)
    if not door.refuses_rows:
        return _several(anything)
    with_rows = [path for path in ("add", "remove") if path in door.paths]
    refusals = st.tuples(st.sampled_from(with_rows), st.sampled_from([{"reject_rows": [0]}, {"reject_rows": [1, 2]}]))
    return st.one_of(_several(anything), _several(st.one_of(refusals, *failures)))


def _several(chosen: st.SearchStrategy[tuple[str, Mapping[str, Any]]]) -> st.SearchStrategy[Faults]:
    one = st.tuples(chosen, st.integers(1, 3), st.integers(0, 2)).map(lambda drawn: (*drawn[0], drawn[1], drawn[2]))
    return st.lists(one, max_size=3)


def steps(door: Door) -> st.SearchStrategy[list[Step]]:
    step = st.builds(Step, PEOPLE, SUPPRESSED, faults_of(door), st.booleans(), st.sampled_from([0, 0, 1, 24]))
    return st.lists(step, min_size=1, max_size=4)


def pairs(*modes: Mode) -> list[tuple[Door, Mode]]:
    return [(door, mode) for door in all_doors() for mode in modes if mode in door.capabilities.modes]


@pytest.fixture(autouse=True)
def several_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch, ROWS_PER_BATCH)


class Play:
    """One audience through all its steps."""

    def __init__(self, world: World, door: Door, mode: Mode, name: str) -> None:
        world.begin_anew()
        self.world, self.door, self.mode = world, door, mode
        self.name, self.runs = name, 0
        self.ever: dict[str, set[str]] = {}
        self.wanted: dict[str, set[str]] = {}

    def segment(self, step: Step) -> Segment:
        wanted = [
            row for row in step.people if row["consent"] == "yes" and not {row["email"], row["email2"]} & {*step.suppressed}
        ]
        self.wanted = expected_keys(wanted, self.door)
        for kind, values in self.wanted.items():
            self.ever.setdefault(kind, set()).update(values)
        (self.world.folder / f"{self.name}-no.csv").write_text(
            "\n".join(["mail", *step.suppressed, "nobody@example.com"]) + "\n"
        )
        suppress = [{"file": f"{self.name}-no.csv", "identifiers": {"email": "mail"}}]
        wish = Wish(mode=str(self.mode), audience=self.name, more={"suppress": suppress})
        return self.world.segment(self.door, self.name, step.people, wish)

    def attempt(self, segment: Segment, run_id: str) -> DestinationReport | None:
        workspace = self.world.workspace(self.door, retries=Retries(attempts=2, seconds=60, first_wait=0.1))
        try:
            report = self.world.run(self.door, segment, workspace, run_id)
        except GuestlistError:
            return None
        assert balanced(report), report
        if report.state == "sealed":
            self.check()
        return report

    def check(self) -> None:
        """A green run means that the books are right."""
        found = self.world.workspace(self.door).ledger.audience(self.name, "c")
        held = self.world.held(self.door, found.id) if found and found.id else {}
        if self.mode is Mode.APPEND:
            assert all(values <= held.get(kind, set()) for kind, values in self.wanted.items())
            assert all(values <= self.ever.get(kind, set()) for kind, values in held.items())
        else:
            assert held == self.wanted

    def play(self, step: Step) -> None:
        segment = self.segment(step)
        for path, action, times, skip in step.faults:
            self.world.fault(self.door, action, path, times=times, skip=skip)
        self.runs += 1
        run_id = f"run {self.runs}"
        if self.attempt(segment, run_id) is None and step.again:
            self.attempt(segment, run_id)
        self.world.advance(step.hours * 3600)
        self.world.clear_faults(self.door)

    def end(self, people: list[dict[str, str]]) -> None:
        if self.mode is Mode.REPLACE:
            self.world.advance(49 * 3600)  # Meta's, broken off, blocks the next for 90 minutes; TikTok takes one every two days
        segment = self.segment(Step(people, [], [], again=False, hours=0))
        if self.mode in (Mode.REPLACE, Mode.SNAPSHOT) and not self.wanted:
            with contextlib.suppress(DataError):  # who holds people is told that nobody cannot be sent in their place
                assert self.world.run(self.door, segment).state == "sealed"
                self.check()
            return
        report = self.world.run(self.door, segment)
        self.check()
        assert report.state == "sealed", report
        assert (report.rejected, report.unconfirmed, report.unsent) == ({}, 0, 0)


def _search(examples: int) -> Any:
    quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    # shrinking plays hundreds of whole runs: it is for a person with time
    phases = [Phase.explicit, Phase.generate, *([Phase.shrink] if "GUESTLIST_SHRINK" in os.environ else [])]
    return settings(
        max_examples=examples, derandomize=True, phases=phases, deadline=None, suppress_health_check=quiet, print_blob=True
    )


def _id(value: object) -> str:
    return value.id if isinstance(value, Door) else str(value)


@pytest.mark.slow
@pytest.mark.parametrize(("door", "mode"), pairs(Mode.MIRROR), ids=_id)
@given(data=st.data())
@_search(EXAMPLES)
def test_the_books_equal_the_segment_in_the_end(running: World, door: Door, mode: Mode, data: st.DataObject) -> None:
    tell(running, door, mode, data)


@pytest.mark.slow
@pytest.mark.parametrize(("door", "mode"), pairs(Mode.APPEND, Mode.REPLACE, Mode.SNAPSHOT), ids=_id)
@given(data=st.data())
@_search(max(EXAMPLES // 2, 1))
def test_the_other_modes_keep_their_promise_too(running: World, door: Door, mode: Mode, data: st.DataObject) -> None:
    tell(running, door, mode, data)


def tell(world: World, door: Door, mode: Mode, data: st.DataObject) -> None:
    name = data.draw(st.integers(0, 99), label="name")  # it decides the order in which people are sent
    play = Play(world, door, mode, f"books_{name}")
    for step in data.draw(steps(door), label="steps"):
        play.play(step)
    play.end(data.draw(PEOPLE, label="people in the end"))
