"""Leases and runs of segments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.exc import IntegrityError

from guestlist.model.conversation import Json
from guestlist.model.errors import BusyError
from guestlist.runtime.clock import now, process_is_gone
from guestlist.runtime.ledger import tables as t
from guestlist.runtime.ledger.book import Book
from guestlist.runtime.ledger.rows import aware

_LEASE = timedelta(hours=2)


class Runs(Book):
    """Who may run a segment, and how its runs went."""

    def take_lease(self, segment: str, holder: str) -> None:
        """Hold the segment for this run, or raise `BusyError`.

        A run of Airflow takes over from another of Airflow, which lets only one be active; anybody takes over from a
        process that is gone, and from a lease that has expired.
        """
        with self.transaction() as connection:
            query = select(t.leases).where(t.leases.c.segment == segment).with_for_update()
            found = connection.execute(query).one_or_none()
            expires = now() + _LEASE
            if found is None:
                try:
                    connection.execute(t.leases.insert().values(segment=segment, holder=holder, expires_at=expires))
                except IntegrityError:
                    raise BusyError("another run has just begun; wait for its end", segment=segment) from None
                return
            if not _may_take(found.holder, holder) and aware(found.expires_at) > now():
                raise BusyError(f"held by {found.holder}; wait for its end, or end it", segment=segment)
            values = {"holder": holder, "expires_at": expires}
            connection.execute(update(t.leases).where(t.leases.c.segment == segment).values(values))

    def drop_lease(self, segment: str, holder: str) -> None:
        """Let the next run in."""
        with self.transaction() as connection:
            mine = (t.leases.c.segment == segment) & (t.leases.c.holder == holder)
            connection.execute(t.leases.delete().where(mine))

    def begin_run(self, segment: str, run_id: str, prepared_path: str, drops: Json) -> None:
        """Enter a run that has prepared its members; again for a run that prepares anew."""
        values = {"state": "running", "prepared_path": prepared_path, "drops": drops, "ended_at": None}
        with self.transaction() as connection:
            where = (t.runs.c.segment == segment) & (t.runs.c.run_id == run_id)
            if connection.execute(update(t.runs).where(where).values(values)).rowcount == 0:
                connection.execute(t.runs.insert().values(segment=segment, run_id=run_id, started_at=now(), **values))

    def end_run(self, segment: str, run_id: str, state: str, report: Json) -> None:
        """Enter how a run ended."""
        with self.transaction() as connection:
            where = (t.runs.c.segment == segment) & (t.runs.c.run_id == run_id)
            connection.execute(update(t.runs).where(where).values(state=state, report=report, ended_at=now()))

    def run(self, segment: str, run_id: str) -> Row[Any] | None:
        """One run."""
        with self.reading() as connection:
            where = (t.runs.c.segment == segment) & (t.runs.c.run_id == run_id)
            return connection.execute(select(t.runs).where(where)).one_or_none()

    def runs_since_sealed(self, segment: str, label: str, before: datetime) -> Sequence[Row[Any]]:
        """Runs that began before a moment and after the last generation of a destination, the newest first."""
        mine = (t.generations.c.segment == segment) & (t.generations.c.label == label) & ~t.generations.c.forgotten
        sealed = select(func.max(t.generations.c.sealed_at)).where(mine)
        query = select(t.runs).where(t.runs.c.segment == segment, t.runs.c.started_at < before)
        query = query.where(t.runs.c.prepared_path.is_not(None)).order_by(t.runs.c.started_at.desc())
        with self.reading() as connection:
            if (last := connection.execute(sealed).scalar()) is not None:
                query = query.where(t.runs.c.started_at > last)
            return connection.execute(query).all()

    def last_runs(self, segment: str, count: int = 10) -> Sequence[Row[Any]]:
        """The newest runs of a segment first."""
        query = select(t.runs).where(t.runs.c.segment == segment).order_by(t.runs.c.started_at.desc()).limit(count)
        with self.reading() as connection:
            return connection.execute(query).all()


def _may_take(held_by: str, holder: str) -> bool:
    both_airflow = held_by.startswith("airflow ") and holder.startswith("airflow ")
    return held_by == holder or both_airflow or process_is_gone(held_by)
