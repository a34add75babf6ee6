"""Has one fault happen in a real run against the sandbox, then lets the next run mend it, and tells what was seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from contract.rig import Door, Wish, World, expected_keys, people
from faults.detour import Detour, DetouredWorkspace, dead_address, hurried, refusing
from faults.matrix import Cell
from faults.points import DOORS, Life, Point
from faults.trouble import FOR_EVER, STUCK, action_of, settings_of

from guestlist.model.errors import GuestlistError
from guestlist.model.report import DestinationReport
from guestlist.model.segment import Segment
from guestlist.runtime.driver import Retries
from guestlist.runtime.sync.report import verdict
from guestlist.runtime.sync.run import RunOptions, run_segment

_AT_ONCE = 3
"""People who join or leave in one cell."""
_SELDOM = 7200.0
"""Seconds between two questions about work that never ends."""
_SETTLING = ("settle_seconds", "file_seconds", "activation_seconds")


@dataclass
class Seen:
    """What came of a run: the error that it ended with, its report's state, and the point's requests in the sandbox's log."""

    error: GuestlistError | None
    state: str
    requests: list[dict[str, Any]]
    spoiled: int
    """How many of them met the fault: the first ones."""

    def acted(self, cell: Cell) -> int:
        """How many of the requests the platform acted on: those that it answered well, or whose answer was spoiled."""
        spoiled = self.spoiled if cell.fault.acts else 0
        return spoiled + sum(200 <= line["status"] < 300 for line in self.requests[self.spoiled :])


@dataclass
class _Standing:
    """The segment of a point, whose audience is in step between two cells."""

    point: tuple[str, str] = ("", "")
    segment: Segment | None = None
    numbers: list[int] = field(default_factory=list)
    newest: int = 0
    runs: int = 0


class Stage:
    """One sandbox; each point has a segment that goes from cell to cell, since every cell leaves it in step."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._standing = _Standing()

    @contextmanager
    def entered(self, cell: Cell) -> Iterator[None]:
        """The cell's segment, as it stands for the next run; one that is not left in step is given up."""
        try:
            self._enter(cell)
            yield
        except BaseException:
            self._standing = _Standing()
            raise
        if self.audiences(cell) > 1:
            self._standing = _Standing()

    def _enter(self, cell: Cell) -> None:
        """See that the cell's segment is there and in step, and has the people of the next run in it."""
        door = DOORS[cell.door]
        standing = self._standing
        if standing.point != (cell.door, cell.point.name):
            self.world.begin_anew()
            standing = self._standing = _Standing((cell.door, cell.point.name))
            self.world.overrides["poll_longest_seconds"] = _SELDOM
            self._hurry(door)
        if standing.segment is None or cell.point.life is Life.NEW:
            standing.numbers = [*range(standing.newest, standing.newest + (90 if cell.point.life is Life.LEAVE else 4))]
            standing.newest += len(standing.numbers)
            name = self.world.name("cell")
            standing.segment = self._segment(door, cell.point, name)
            if cell.point.life is not Life.NEW:
                assert self.run(cell).state == "sealed"
        self.world.advance(86_400)
        if cell.point.life is Life.JOIN:
            standing.numbers += range(standing.newest, standing.newest + _AT_ONCE)
            standing.newest += _AT_ONCE
        elif cell.point.life is Life.LEAVE:
            del standing.numbers[:_AT_ONCE]
        standing.segment = self._segment(door, cell.point, standing.segment.name)
        self.world.sleeps.clear()

    def _hurry(self, door: Door) -> None:
        there = self.world.admin("GET", f"settings/{door.door}")
        self.world.settings(door, **{name: 1 for name in _SETTLING if name in there}, **door.settings)

    def _segment(self, door: Door, point: Point, name: str) -> Segment:
        rows = people(self._standing.numbers)
        return self.world.segment(door, name, rows, Wish(mode=point.mode, audience=f"People of {name}"))

    @contextmanager
    def trouble(self, cell: Cell) -> Iterator[Detour | None]:
        """The fault, until it has passed."""
        door, point, fault = DOORS[cell.door], cell.point, cell.fault
        place = point.door or door.door
        scripted = 0
        if settings := settings_of(door, point, fault):
            self.world.settings(door, **settings)
        elif action := action_of(door, point, fault):
            match = {"path": point.path, **({"method": point.method} if point.method else {})}
            scripted = 999 if fault.lasting else 1
            script = {"match": match, "action": action, "times": scripted, "skip": point.skip}
            self.world.admin("POST", f"faults/{place}", {"faults": [script]})
        with dead_address() as dead:
            sandbox = self.world.sandbox
            alive = {"http": sandbox.http_url.removeprefix("http://"), "grpc": sandbox.grpc_endpoint}
            before = self._length(place)
            detour = None
            if fault.detour == "refused":
                detour = refusing(point, alive, dead)
            elif fault.detour == "hurried":
                detour = hurried(point, lambda: self._until_acted(place, before))
            yield detour
        assert not scripted or self._faults(place) < scripted, "no request met the fault"
        assert detour is None or detour.taken, "no call went this way"
        self.world.admin("DELETE", f"faults/{place}")
        if settings:
            self._hurry(door)
        if fault is STUCK:
            self.world.advance(FOR_EVER)

    def _length(self, place: str) -> int:
        """How many requests a door of the sandbox has had."""
        return int(self.world.admin("GET", f"requests/{place}?since={10**9}")["total"])

    def _faults(self, place: str) -> int:
        """How many faults are still to come at a door."""
        return int(self.world.admin("GET", f"faults/{place}")["left"])

    def _until_acted(self, place: str, before: int) -> None:
        """The log has a line with status 0 once the platform has acted and keeps silent."""
        looks = (any(line["status"] == 0 for line in self.world.log(place, before)) for _ in range(1000))
        assert any(looks), "the request has not reached the platform"

    def run(self, cell: Cell, detour: Detour | None = None, *, again: bool = False) -> Seen:
        """A run; ``again`` repeats the one before, as Airflow does when it tries a task again."""
        door, standing = DOORS[cell.door], self._standing
        assert standing.segment is not None
        if not again:
            standing.runs += 1
        run_id, place = f"run {standing.runs}", cell.point.door or door.door
        workspace = DetouredWorkspace(
            self.world.config,
            resolve=self.world.workspace(door).resolve,
            retries=Retries(attempts=3, seconds=120),
            sleep=self.world.sleep,
            detour=detour,
        )
        workspace.ledger = self.world.ledger
        before, faults = self._length(place), self._faults(place)
        error = None
        try:
            report = run_segment(workspace, standing.segment, run_id, RunOptions(approved_by="tests"))
            error = verdict(report)
        except GuestlistError as raised:
            error = raised
        finally:
            workspace.close()
        kept = workspace.ledger.run(standing.segment.name, run_id)
        assert kept is not None
        told = DestinationReport(**kept.report["destinations"][0])
        assert told.rows_planned == told.rows_accepted + sum(told.rejected.values()) + told.unconfirmed + told.unsent
        return Seen(error, told.state, self._requests(cell, place, before), faults - self._faults(place))

    def _requests(self, cell: Cell, place: str, before: int) -> list[dict[str, Any]]:
        point = cell.point
        return [
            line
            for line in self.world.log(place, before)
            if re.search(point.path, line["path"]) and point.method in ("", line["method"])
        ]

    def in_step(self, cell: Cell) -> bool:
        """Whether the platform's books are equal to the segment, with the segment's only audience there is."""
        door, segment = DOORS[cell.door], self._standing.segment
        assert segment is not None
        audience = self.world.ledger.audience(segment.name, "c")
        assert audience is not None
        return self.world.held(door, audience.id) == expected_keys(people(self._standing.numbers), door)

    def audiences(self, cell: Cell) -> int:
        """How many audiences the platform has for the segment."""
        assert self._standing.segment is not None
        name = f"People of {self._standing.segment.name}"
        ours = re.compile(re.escape(name) + r"( \[\d+\])?")
        return sum(ours.fullmatch(book["name"]) is not None for book in self.world.books(DOORS[cell.door]))
