"""Every cell of docs/faults.md in real runs against the sandbox: it ends as documented, and the next run is green."""

from __future__ import annotations

from datetime import timedelta

import pytest
from faults.exceptions import FINISHED_FIRST, STAYS
from faults.matrix import Cell, cells
from faults.messages import message_of
from faults.points import Kind
from faults.stage import Stage

from guestlist.model import errors
from guestlist.runtime import clock

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("cell", [pytest.param(cell, id=cell.id) for cell in cells()])
def test_a_fault_ends_as_documented_and_the_next_run_is_in_step(
    stage: Stage, cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(seconds=sum(stage.world.sleeps)))
    with stage.entered(cell):
        with stage.trouble(cell) as detour:
            seen = stage.run(cell, detour)
        expected = getattr(errors, cell.ending.error) if cell.ending.error else type(None)
        assert isinstance(seen.error, expected), seen.error
        assert isinstance(seen.error, errors.RateLimitedError) == (cell.ending.error == "RateLimitedError")
        assert seen.state == cell.state
        assert message_of(cell) in str(seen.error)
        once = cell.point.kind is Kind.ONCE and cell.ending.word != "waited"  # TikTok refuses with status 200
        assert seen.acted(cell) <= 1 or not once
        if cell.ending.word in ("again", "known already", "again, twice") and cell.point.kind is Kind.SET:
            assert seen.acted(cell) == 1 + (cell.ending.word == "again, twice")
        if cell.ending.word in ("later", "mend", "report", "next run", "unnoticed"):
            trying_again = isinstance(seen.error, errors.TransientError)  # as Airflow does: the same run goes on
            after = stage.run(cell, again=trying_again)
            assert (after.error, after.state) == (None, "sealed")
            if trying_again and once:
                assert seen.acted(cell) + after.acted(cell) == 1 + ((cell.door, cell.point.name) in FINISHED_FIRST)
        assert stage.in_step(cell)
        assert stage.audiences(cell) == 1 or cell.fault in STAYS.get((cell.door, cell.point.name), ())
