"""What the ledger's tests share: a clock that a test moves, plans, and something that happens in between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event

from guestlist.model.plan import Breach, Counts, Cut, Plan, Upload
from guestlist.model.vocabulary import Mode, Operation
from guestlist.runtime.ledger import Ledger


class Hand:
    """A clock's hand that a test moves."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(microseconds=1)
        return self.time


def plan_of(run_id: str = "run", label: str = "meta", segment: str = "vips", number: int = 1) -> Plan:
    uploads = tuple(
        Upload(
            operation,
            number * 10 + index,
            20,
            25,
            2,
            tuple(
                Cut(f"{number}-{operation.value}-{sequence}", sequence, (sequence - 1) // 2, ((sequence - 1) % 2) * 10, 10)
                for sequence in (1, 2, 3)
            ),
        )
        for index, operation in enumerate((Operation.REMOVE, Operation.ADD))
    )
    counts = Counts(wanted=20, new=20)
    breach = Breach("max_added", "300%", 20, 5)
    path = f"{segment}/plans/{label}/{run_id}-{number}"
    return Plan(segment, label, run_id, Mode.MIRROR, "2026-03-01", path, (), counts, uploads, (breach,))


def enter(ledger: Ledger, number: int = 1, *, run_id: str = "run", dry: bool = False, label: str = "meta") -> int:
    return ledger.enter_plan(plan_of(run_id, label, number=number), f"basis{number}", number, dry=dry)


def meanwhile(ledger: Ledger, statement: str, act: Callable[[], Any]) -> None:
    """Do something else just before the ledger's next such statement."""
    waiting = [act]

    def before(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        if waiting and sql.startswith(statement):
            waiting.pop()()

    event.listen(ledger.engine, "before_cursor_execute", before)
