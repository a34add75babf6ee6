"""docs/faults.md is what the description of the fault matrix says, and the description is whole."""

from __future__ import annotations

from collections import Counter

from faults.endings import WORDS
from faults.exceptions import EXCEPTIONS, STAYS
from faults.matrix import cells
from faults.page import PAGE, page
from faults.points import DOORS, POINTS


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python tests/faults/page.py"


def test_every_door_has_its_points_and_every_cell_its_word() -> None:
    assert set(POINTS) == set(DOORS)
    assert {cell.ending.word for cell in cells()} == set(WORDS)
    assert max(Counter(cell.id for cell in cells()).values()) == 1


def test_every_exception_is_one() -> None:
    found = list(cells())
    used = [next((one for one in EXCEPTIONS if one.of(cell.door, cell.point, cell.fault)), None) for cell in found]
    assert set(map(id, EXCEPTIONS)) <= set(map(id, used)), "an exception that no cell needs"
    places = {(cell.door, cell.point.name, cell.fault) for cell in found}
    assert all(any((*place, fault) in places for fault in faults) for place, faults in STAYS.items())
