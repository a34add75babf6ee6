"""Erasures: what was asked for, how far each audience is, and the chain of receipts; no key and no name of a member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from guestlist.model.errors import TransientError
from guestlist.pipeline.receipts import Link, link_after
from guestlist.runtime.clock import now
from guestlist.runtime.ledger import tables as t
from guestlist.runtime.ledger.book import Book

ERASURE_RUN = "erase__"
"""Before an erasure's id: the name under which its plans stand beside those of runs."""


class Erasures(Book):
    """Every request for erasure and its proof."""

    def enter_erasure(self, erasure_id: str, people: int, given: Mapping[str, int], list_path: str, list_digest: str) -> None:
        """Enter a request and its first receipt. From here on nobody on its list is prepared any more."""
        moment = now()
        content = {
            "kind": "entered",
            "erasure": erasure_id,
            "at": moment.isoformat(),
            "people": people,
            "given": dict(given),
            "list": list_digest,
        }
        row = {"id": erasure_id, "people": people, "given": dict(given), "list_path": list_path, "list_digest": list_digest}
        with self.transaction() as connection:
            connection.execute(insert(t.erasures).values(**row, entered_at=moment))
            _append(connection, content)

    def erasures(self, *, only_open: bool = False) -> Sequence[Row[Any]]:
        """All requests, the oldest first."""
        query = select(t.erasures).order_by(t.erasures.c.entered_at, t.erasures.c.id)
        with self.reading() as connection:
            return connection.execute(query.where(t.erasures.c.closed_at.is_(None)) if only_open else query).all()

    def erasure(self, erasure_id: str) -> Row[Any] | None:
        """One request."""
        with self.reading() as connection:
            return connection.execute(select(t.erasures).where(t.erasures.c.id == erasure_id)).one_or_none()

    def enter_steps(self, erasure_id: str) -> None:
        """A step for each audience, each that was left behind, and each plan whose audience is still to be made."""
        places: dict[tuple[str, str, int], dict[str, str]] = {}
        with self.transaction() as connection:
            for plan in connection.execute(select(t.plans).where(t.plans.c.state == "planned", ~t.plans.c.dry)):
                places[plan.segment, plan.label, 0] = dict.fromkeys(("platform", "connection", "audience", "audience_id"), "")
            for row in connection.execute(select(t.audiences)):
                places[row.segment, row.label, 0] = _names(row)
            for row in connection.execute(select(t.former_audiences)):
                places[row.segment, row.label, row.id] = _names(row)
            there = {(step.segment, step.label, step.former) for step in connection.execute(_steps(erasure_id))}
            for (segment, label, former), names in sorted(places.items()):
                if (segment, label, former) not in there:
                    key = {"erasure_id": erasure_id, "segment": segment, "label": label, "former": former}
                    connection.execute(insert(t.erasure_steps).values(**key, **names, found=False, removed={}, request_ids=[]))

    def steps(self, erasure_id: str) -> Sequence[Row[Any]]:
        """How far each audience is."""
        with self.reading() as connection:
            return connection.execute(_steps(erasure_id)).all()

    def set_step(self, step: Row[Any], **values: Any) -> None:
        """Enter what has become of a step."""
        mine = t.erasure_steps.c
        audience = (mine.segment == step.segment) & (mine.label == step.label) & (mine.former == step.former)
        where = (mine.erasure_id == step.erasure_id) & audience
        with self.transaction() as connection:
            connection.execute(update(t.erasure_steps).where(where).values(**values, at=now()))

    def close_erasure(self, erasure_id: str, content: Mapping[str, Any]) -> None:
        """Write the last receipt of a request; once."""
        moment = now()
        with self.transaction() as connection:
            where = (t.erasures.c.id == erasure_id) & t.erasures.c.closed_at.is_(None)
            if connection.execute(update(t.erasures).where(where).values(closed_at=moment)).rowcount:
                _append(connection, {"kind": "closed", "erasure": erasure_id, "at": moment.isoformat(), **content})

    def receipts(self) -> list[Link]:
        """The whole chain."""
        with self.reading() as connection:
            rows = connection.execute(select(t.erasure_receipts).order_by(t.erasure_receipts.c.number)).all()
        return [Link(row.number, row.content, row.previous, row.digest) for row in rows]


def _steps(erasure_id: str) -> Any:
    mine = t.erasure_steps.c
    return select(t.erasure_steps).where(mine.erasure_id == erasure_id).order_by(mine.segment, mine.label, mine.former)


def _names(audience: Row[Any]) -> dict[str, str]:
    there = {"platform": audience.platform, "connection": audience.connection}
    return {**there, "audience": audience.name, "audience_id": audience.platform_id}


def _append(connection: Connection, content: Mapping[str, Any]) -> None:
    newest = select(t.erasure_receipts).order_by(t.erasure_receipts.c.number.desc()).limit(1)
    row = connection.execute(newest).one_or_none()
    link = link_after(Link(row.number, row.content, row.previous, row.digest) if row else None, content)
    values = {"number": link.number, "content": link.content, "previous": link.previous, "digest": link.digest}
    values["erasure_id"] = content["erasure"]
    try:
        connection.execute(insert(t.erasure_receipts).values(values))
    except IntegrityError:
        raise TransientError("another receipt was written at the same moment: run this again") from None
