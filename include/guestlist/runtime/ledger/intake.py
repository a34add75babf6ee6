"""What was pushed: audiences, their uploads and pieces, and the keys with which people push; no person's value."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, exists, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from guestlist.model.errors import BusyError
from guestlist.runtime.clock import now
from guestlist.runtime.ledger import tables as t
from guestlist.runtime.ledger.book import Book, in_pieces

_NAME_IS_TAKEN = "an audience of this name is there already: replace or append its people, or choose another name"


class Piece(NamedTuple):
    """One file of an upload, in the lake. ``lines`` are those of text; 0 where the format is none."""

    sequence: int
    path: str
    bytes: int
    lines: int
    digest: str


class Pushed(Book):
    """Pushed audiences and their uploads."""

    def pushed_audience(self, audience_id: str) -> Row[Any] | None:
        """One pushed audience."""
        with self.reading() as connection:
            return connection.execute(select(t.pushed_audiences).where(t.pushed_audiences.c.id == audience_id)).one_or_none()

    def pushed_audience_named(self, intake: str, name: str) -> Row[Any] | None:
        """The live audience of that name."""
        mine = t.pushed_audiences.c
        with self.reading() as connection:
            return connection.execute(
                select(t.pushed_audiences).where(mine.intake == intake, mine.live_name == name)
            ).one_or_none()

    def pushed_audiences(
        self, intakes: Sequence[str], limit: int, after: tuple[datetime, str] | None = None
    ) -> Sequence[Row[Any]]:
        """Audiences of some intakes, the newest first; ``after`` is the moment and the id of the last one seen."""
        mine = t.pushed_audiences.c
        query = select(t.pushed_audiences).where(mine.intake.in_(intakes))
        if after:
            moment, audience_id = after
            query = query.where(or_(mine.created_at < moment, and_(mine.created_at == moment, mine.id < audience_id)))
        with self.reading() as connection:
            return connection.execute(query.order_by(mine.created_at.desc(), mine.id.desc()).limit(limit)).all()

    def pushed_audiences_of(self, ids: Collection[str]) -> Sequence[Row[Any]]:
        """Those of these ids that there are."""
        query, mine = select(t.pushed_audiences), t.pushed_audiences.c
        with self.reading() as connection:
            return [row for some in in_pieces(sorted(ids)) for row in connection.execute(query.where(mine.id.in_(some)))]

    def live_audiences(self, intake: str | None = None) -> Sequence[Row[Any]]:
        """All audiences of an intake, or of all of them, that were not deleted, the oldest first."""
        mine = t.pushed_audiences.c
        query = select(t.pushed_audiences).where(mine.live_name.is_not(None))
        query = query if intake is None else query.where(mine.intake == intake)
        with self.reading() as connection:
            return connection.execute(query.order_by(mine.created_at, mine.id)).all()

    def newest_uploads(self, audience_ids: Collection[str]) -> dict[str, Row[Any]]:
        """The last upload of each of these audiences."""
        mine, other = t.uploads.c, t.uploads.alias("other").c
        last = select(func.max(other.number)).where(other.audience_id == mine.audience_id).correlate(t.uploads)
        query = select(t.uploads).where(mine.number == last.scalar_subquery())
        with self.reading() as connection:
            found = (connection.execute(query.where(mine.audience_id.in_(some))) for some in in_pieces(sorted(audience_ids)))
            return {row.audience_id: row for rows in found for row in rows}

    def mark_deleted(self, audience_id: str) -> None:
        """Give the name of an audience free; its history stays."""
        values = {"live_name": None, "deleted_at": now()}
        with self.transaction() as connection:
            connection.execute(update(t.pushed_audiences).where(t.pushed_audiences.c.id == audience_id).values(values))

    def enter_upload(
        self, values: Mapping[str, Any], pieces: Sequence[Piece] = (), audience: Mapping[str, Any] | None = None
    ) -> Row[Any]:
        """Enter the next upload of an audience with what has come of it so far; the first one together with the ``audience``.

        One that the same request has entered before is returned in its place.

        Raises:
            BusyError: a live audience of the intake has the name, or the audience is to be deleted.
        """
        request_key = values.get("request_key")
        try:
            with self.transaction() as connection:
                if request_key and (before := _by_request(connection, request_key)):
                    return before
                if audience is None:
                    _refuse_leaving(connection, values["audience_id"])
                else:
                    row = {**audience, "live_name": audience["name"], "created_at": now()}
                    connection.execute(insert(t.pushed_audiences).values(row))
                return _enter(connection, values, pieces)
        except IntegrityError:
            if request_key and (before := self.upload_of_request(request_key)):
                return before
            raise BusyError(_NAME_IS_TAKEN) from None

    def add_pieces(self, upload_id: str, pieces: Sequence[Piece], total: int | None = None) -> Row[Any]:
        """Enter pieces that have come; what came before under the same number stays. ``total`` makes it whole.

        Raises:
            BusyError: the audience is to be deleted.
        """
        with self.transaction() as connection:
            _refuse_leaving(connection, _one(connection, upload_id).audience_id)
            if total is not None:
                connection.execute(update(t.uploads).where(t.uploads.c.id == upload_id).values(pieces=total))
            _add_pieces(connection, upload_id, pieces)
            return _one(connection, upload_id)

    def upload(self, upload_id: str) -> Row[Any] | None:
        """One upload."""
        with self.reading() as connection:
            return connection.execute(select(t.uploads).where(t.uploads.c.id == upload_id)).one_or_none()

    def upload_of_request(self, request_key: str) -> Row[Any] | None:
        """What a request of that key has entered."""
        with self.reading() as connection:
            return _by_request(connection, request_key)

    def newest_upload(self, audience_id: str) -> Row[Any]:
        """The last upload of an audience: there is one, since the first is entered with the audience."""
        query = select(t.uploads).where(t.uploads.c.audience_id == audience_id).order_by(t.uploads.c.number.desc()).limit(1)
        with self.reading() as connection:
            return connection.execute(query).one()

    def uploads(self, audience_id: str) -> Sequence[Row[Any]]:
        """All uploads of an audience, the newest first."""
        query = select(t.uploads).where(t.uploads.c.audience_id == audience_id).order_by(t.uploads.c.number.desc())
        with self.reading() as connection:
            return connection.execute(query).all()

    def pieces(self, upload_id: str) -> Sequence[Row[Any]]:
        """The pieces that have come, in order."""
        mine = t.upload_pieces.c
        query = select(t.upload_pieces).where(mine.upload_id == upload_id).order_by(mine.sequence)
        with self.reading() as connection:
            return connection.execute(query).all()

    def due_uploads(self) -> Sequence[Row[Any]]:
        """Whole uploads without a run that no other one of their audience holds up, with ``intake`` and ``destinations``."""
        other = t.uploads.alias("other")
        first = and_(other.c.state == "received", other.c.number < t.uploads.c.number)
        before = and_(other.c.audience_id == t.uploads.c.audience_id, or_(other.c.state == "running", first))
        query = (
            select(t.uploads, t.pushed_audiences.c.intake, t.pushed_audiences.c.destinations)
            .join(t.pushed_audiences, t.pushed_audiences.c.id == t.uploads.c.audience_id)
            .where(t.uploads.c.state == "received", ~exists().where(before))
            .order_by(t.uploads.c.received_at)
        )
        with self.reading() as connection:
            return connection.execute(query).all()

    def unfinished_uploads(self) -> Sequence[Row[Any]]:
        """Whole uploads that have come to no end, with their ``intake``."""
        query = (
            select(t.uploads, t.pushed_audiences.c.intake)
            .join(t.pushed_audiences, t.pushed_audiences.c.id == t.uploads.c.audience_id)
            .where(t.uploads.c.state.in_(("received", "running")))
        )
        with self.reading() as connection:
            return connection.execute(query).all()

    def waiting_uploads(self) -> Sequence[Row[Any]]:
        """Uploads whose file is to come."""
        with self.reading() as connection:
            return connection.execute(select(t.uploads).where(t.uploads.c.state == "waiting")).all()

    def uploads_over(self, until: datetime) -> Sequence[Row[Any]]:
        """Uploads whose files may go: they have come to an end before a moment, or are not wanted any more.

        Those are files that did not come in the time for it, and those that came and were for no audience.
        """
        mine = t.uploads.c
        unused = or_(mine.state == "waiting", mine.audience_id.is_(None))
        over = or_(mine.ended_at < until, and_(unused, mine.expires_at < now()))
        with self.reading() as connection:
            return connection.execute(select(t.uploads).where(mine.cleared_at.is_(None), over)).all()

    def set_upload(self, upload_id: str, **values: Any) -> None:
        """Enter what has become of an upload."""
        with self.transaction() as connection:
            connection.execute(update(t.uploads).where(t.uploads.c.id == upload_id).values(values))

    def paths_of_uploads(self) -> set[str]:
        """Where the pieces of all uploads lie whose files are not gone."""
        query = select(t.upload_pieces.c.path).join(t.uploads, t.uploads.c.id == t.upload_pieces.c.upload_id)
        with self.reading() as connection:
            return {path for (path,) in connection.execute(query.where(t.uploads.c.cleared_at.is_(None)))}

    def enter_key(self, values: Mapping[str, Any]) -> None:
        """Enter a key for pushing."""
        with self.transaction() as connection:
            connection.execute(insert(t.intake_keys).values(**values, created_at=now()))

    def intake_key(self, digest: str) -> Row[Any] | None:
        """The key whose secret has this digest."""
        with self.reading() as connection:
            return connection.execute(select(t.intake_keys).where(t.intake_keys.c.digest == digest)).one_or_none()

    def intake_keys(self) -> Sequence[Row[Any]]:
        """All keys, the oldest first."""
        with self.reading() as connection:
            return connection.execute(select(t.intake_keys).order_by(t.intake_keys.c.created_at)).all()

    def revoke_key(self, key_id: str) -> bool:
        """Let a key push no more; False where there is none, or it was revoked before."""
        where = (t.intake_keys.c.id == key_id) & t.intake_keys.c.revoked_at.is_(None)
        with self.transaction() as connection:
            return bool(connection.execute(update(t.intake_keys).where(where).values(revoked_at=now())).rowcount)


def _refuse_leaving(connection: Connection, audience_id: str) -> None:
    """Whoever enters uploads of one audience at once does so one after the other."""
    mine = t.uploads.c
    connection.execute(select(t.pushed_audiences.c.id).where(t.pushed_audiences.c.id == audience_id).with_for_update())
    leaves = and_(mine.audience_id == audience_id, mine.kind == "delete", or_(mine.outcome.is_(None), mine.outcome == "ready"))
    if connection.execute(select(mine.id).where(leaves).limit(1)).first():
        raise BusyError("the audience is deleted: push its people as a new one")


def _enter(connection: Connection, values: Mapping[str, Any], pieces: Sequence[Piece]) -> Row[Any]:
    number = _newest(connection, values["audience_id"]) + 1
    row = {"rows_read": 0, "pieces": 1, "state": "waiting", **values, "number": number, "created_at": now()}
    connection.execute(insert(t.uploads).values(row))
    _add_pieces(connection, values["id"], pieces)
    return _one(connection, values["id"])


def _one(connection: Connection, upload_id: str) -> Row[Any]:
    return connection.execute(select(t.uploads).where(t.uploads.c.id == upload_id)).one()


def _by_request(connection: Connection, request_key: str) -> Row[Any] | None:
    return connection.execute(select(t.uploads).where(t.uploads.c.request_key == request_key)).one_or_none()


def _add_pieces(connection: Connection, upload_id: str, pieces: Sequence[Piece]) -> None:
    """What is there stays; with the last piece that was missing the upload is received."""
    mine = t.upload_pieces.c
    there = set(connection.execute(select(mine.sequence).where(mine.upload_id == upload_id)).scalars())
    for piece in pieces:
        if piece.sequence not in there:
            values = {**piece._asdict(), "upload_id": upload_id, "received_at": now()}
            connection.execute(insert(t.upload_pieces).values(values))
    upload = _one(connection, upload_id)
    come = len(there | {piece.sequence for piece in pieces})
    if upload.state == "waiting" and come >= upload.pieces:
        newest = _newest(connection, upload.audience_id)  # it counts from now on, whatever came since it was announced
        number = upload.number if upload.number == newest else newest + 1
        where = (t.uploads.c.id == upload_id) & (t.uploads.c.state == "waiting")
        connection.execute(update(t.uploads).where(where).values(state="received", received_at=now(), number=number))


def _newest(connection: Connection, audience_id: str) -> int:
    last = select(func.max(t.uploads.c.number)).where(t.uploads.c.audience_id == audience_id)
    return connection.execute(last).scalar() or 0
