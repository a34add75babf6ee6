"""Which files of the lake anything may still read: the one rule that pruning goes by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, select

from guestlist.runtime.clock import now
from guestlist.runtime.ledger import tables as t
from guestlist.runtime.ledger.book import Book
from guestlist.runtime.ledger.erasures import ERASURE_RUN

_LONGEST_RUN = timedelta(days=14)
"""More than an approval, two phases that settle for 48 hours each, what an earlier run left to settle, and all retries."""


class Needed(Book):
    """What must stay in the lake, as the ledger knows it."""

    def needed_paths(self) -> set[str]:
        """Files and folders of the lake that a run, a retry, a plan or an erasure may still read.

        - the newest generation of each audience, whether or not a segment file still names it: from it people are removed;
        - the last generation of an audience that a segment has left behind: those people may still be on it;
        - plans of which something was sent and that no sealed generation contains yet: their rows are unsure;
        - prepared members and plans of runs that are under way, and plans of erasures that are.

        The lists of erased people are no runs, plans or generations: pruning does not look at them.
        """
        with self.reading() as connection:
            return {path for query in _queries() for (path,) in connection.execute(query) if path}


def _queries() -> Iterator[Select[Any]]:
    newest = (
        select(t.generations.c.segment, t.generations.c.label, func.max(t.generations.c.number).label("number"))
        .where(~t.generations.c.forgotten)
        .group_by(t.generations.c.segment, t.generations.c.label)
        .subquery()
    )
    yield select(t.generations.c.path).join(newest, _same_generation(newest.c.segment, newest.c.label, newest.c.number))
    left = t.former_audiences.c
    yield select(t.generations.c.path).join(t.former_audiences, _same_generation(left.segment, left.label, left.generation))
    begun = exists().where(t.sessions.c.plan_id == t.plans.c.id, t.sessions.c.state != "planned")
    yield select(t.plans.c.path).where(t.plans.c.state == "planned", begun)
    under_way = and_(t.runs.c.state == "running", t.runs.c.started_at > now() - _LONGEST_RUN)
    yield select(t.runs.c.prepared_path).where(under_way)
    step = t.erasure_steps.c
    erasing = and_(step.segment == t.plans.c.segment, step.label == t.plans.c.label, step.outcome.is_(None))
    its_plan = t.plans.c.run_id == literal(ERASURE_RUN) + step.erasure_id
    yield select(t.plans.c.path).join(t.erasure_steps, and_(erasing, its_plan))
    its_run = and_(t.plans.c.segment == t.runs.c.segment, t.plans.c.run_id == t.runs.c.run_id)
    yield select(t.plans.c.path).join(t.runs, its_run).where(under_way)


def _same_generation(segment: ColumnElement[str], label: ColumnElement[str], number: ColumnElement[int]) -> ColumnElement[bool]:
    its = t.generations.c
    return and_(its.segment == segment, its.label == label, its.number == number)
