"""Checks: what the last look at each connection to a platform has found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, delete, insert, select

from guestlist.model.audiences import Finding
from guestlist.runtime.clock import now
from guestlist.runtime.ledger import tables as t
from guestlist.runtime.ledger.book import Book


class Checks(Book):
    """The last check of each connection."""

    def enter_check(self, platform: str, connection: str, findings: Sequence[Finding]) -> None:
        """Keep what a check has found, in the place of the one before."""
        mine = (t.checks.c.platform == platform) & (t.checks.c.connection == connection)
        values = {"checked_at": now(), "ok": all(one.ok for one in findings), "findings": [asdict(one) for one in findings]}
        with self.transaction() as database:
            database.execute(delete(t.checks).where(mine))
            database.execute(insert(t.checks).values(platform=platform, connection=connection, **values))

    def checks(self) -> Sequence[Row[Any]]:
        """The last check of each connection that was ever checked."""
        with self.reading() as database:
            return database.execute(select(t.checks)).all()
