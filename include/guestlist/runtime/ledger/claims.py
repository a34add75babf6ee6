"""Uploads that come before anybody says which audience they are for, and what is known of one once they are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from guestlist.model.errors import BusyError
from guestlist.runtime.clock import now
from guestlist.runtime.ledger import tables as t
from guestlist.runtime.ledger.book import Book


class Claims(Book):
    """Uploads without an audience: they wait for one until they expire."""

    def enter_unclaimed(self, values: Mapping[str, Any]) -> None:
        """Enter an upload whose audience is not known yet."""
        row = {"kind": "replace", "rows_read": 0, "pieces": 1, "state": "waiting", **values, "created_at": now()}
        with self.transaction() as connection:
            connection.execute(insert(t.uploads).values(row))

    def claim_upload(self, upload_id: str, kind: str, audience_id: str, audience: Mapping[str, Any] | None = None) -> Row[Any]:
        """Make an upload the next one of an audience, or, together with the ``audience``, the first one.

        Raises:
            BusyError: a live audience of the intake has the name, or the upload has an audience already.
        """
        mine = t.uploads.c
        try:
            with self.transaction() as connection:
                if audience is not None:
                    row = {**audience, "live_name": audience["name"], "created_at": now()}
                    connection.execute(insert(t.pushed_audiences).values(row))
                that = t.pushed_audiences.c.id == audience_id
                connection.execute(select(t.pushed_audiences.c.id).where(that).with_for_update())
                last = connection.execute(select(func.max(mine.number)).where(mine.audience_id == audience_id)).scalar()
                values = {"audience_id": audience_id, "number": (last or 0) + 1, "kind": kind}
                free = (mine.id == upload_id) & mine.audience_id.is_(None)
                if not connection.execute(update(t.uploads).where(free).values(values)).rowcount:
                    raise BusyError("the file was used for another audience: upload it again")
                return connection.execute(select(t.uploads).where(mine.id == upload_id)).one()
        except IntegrityError:
            raise BusyError("an audience of this name is there already: choose another name") from None

    def set_identifiers(self, audience_id: str, identifiers: Mapping[str, Any]) -> None:
        """Enter by which columns an audience knows people, once its first file is there."""
        with self.transaction() as connection:
            that = t.pushed_audiences.c.id == audience_id
            connection.execute(update(t.pushed_audiences).where(that).values(identifiers=dict(identifiers)))

    def pushed_audience_beginning(self, start: str) -> Row[Any] | None:
        """The audience whose id begins so; the start is long enough to be one's alone."""
        query = select(t.pushed_audiences).where(t.pushed_audiences.c.id.startswith(start, autoescape=True)).limit(1)
        with self.reading() as connection:
            return connection.execute(query).one_or_none()
