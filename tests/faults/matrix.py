"""Every cell of the fault matrix, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from faults.endings import RULES, Ending
from faults.exceptions import EXCEPTIONS, EXISTS
from faults.points import POINTS, Point
from faults.trouble import FAULTS, Fault


@dataclass(frozen=True)
class Cell:
    """A fault at a point of a door, and how it ends."""

    door: str
    point: Point
    fault: Fault
    ending: Ending

    @property
    def id(self) -> str:
        return f"{self.door}, {self.point.name}, {self.fault.name}"

    @property
    def state(self) -> str:
        return self.ending.state or (self.point.left if self.ending.error else "sealed")


def cells() -> Iterator[Cell]:
    for door, points in POINTS.items():
        for point in points:
            for fault in FAULTS:
                if (ending := ending_of(door, point, fault)) is not None:
                    yield Cell(door, point, fault, ending)


def ending_of(door: str, point: Point, fault: Fault) -> Ending | None:
    """How a fault ends at a point; None where there is no such fault."""
    if fault in EXISTS and not EXISTS[fault].there(door, point):
        return None
    if point.kind not in RULES[fault]:
        return None
    found = (one.of(door, point, fault) for one in EXCEPTIONS)
    return next((ending for ending in found if ending is not None), RULES[fault][point.kind])
