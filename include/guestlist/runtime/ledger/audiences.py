"""The platforms' audiences, and the generations that were sealed of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from guestlist.model.audiences import AudienceRef
from guestlist.model.segment import Destination
from guestlist.model.vocabulary import Mode
from guestlist.runtime.clock import now
from guestlist.runtime.ledger import tables as t
from guestlist.runtime.ledger.book import Book
from guestlist.runtime.ledger.checkpoints import enter_checkpoints


@dataclass(frozen=True)
class FormerAudience:
    """Where people see an audience that a segment has left behind, and its last generation in the lake, if any was sealed."""

    url: str
    path: str | None


class Audiences(Book):
    """Which audience is which destination's, and what it holds."""

    def audience(self, segment: str, label: str) -> AudienceRef | None:
        """The platform's audience of a destination, once it was found or created."""
        with self.reading() as connection:
            where = (t.audiences.c.segment == segment) & (t.audiences.c.label == label)
            row = connection.execute(select(t.audiences).where(where)).one_or_none()
        return AudienceRef(id=row.platform_id, name=row.name, url=row.url) if row else None

    def enter_audience(self, segment: str, destination: Destination, audience: AudienceRef) -> None:
        """Remember which audience on the platform is this destination's.

        Another audience than before, or a mode that means the opposite, makes what was sealed and sent no longer count: it
        is kept, and the next plan starts from nobody. One that is there for the first time is no other one: a run that was
        killed may have made it of the files that were sent.
        """
        values = {
            "platform": destination.platform,
            "connection": destination.connection,
            "name": audience.name,
            "platform_id": audience.id,
            "url": audience.url,
            "mode": destination.mode.value,
            "options": destination.options,
        }
        with self.transaction() as connection:
            where = (t.audiences.c.segment == segment) & (t.audiences.c.label == destination.label)
            known = connection.execute(select(t.audiences).where(where)).one_or_none()
            if known is None:
                row = {"segment": segment, "label": destination.label, "created_at": now(), **values}
                connection.execute(t.audiences.insert().values(row))
                return
            connection.execute(update(t.audiences).where(where).values(values))
            moved = (known.name, known.connection) != (audience.name, destination.connection)
            if moved and known.platform_id not in ("", audience.id):
                _leave(connection, known)
            opposite = (known.mode == Mode.REMOVE) != (destination.mode is Mode.REMOVE)
            if known.platform_id not in ("", audience.id) or opposite:
                _forget(connection, segment, destination.label)

    def all_audiences(self) -> Sequence[Row[Any]]:
        """Every destination's audience, also of segments whose file is gone."""
        with self.reading() as connection:
            return connection.execute(select(t.audiences).order_by(t.audiences.c.segment, t.audiences.c.label)).all()

    def former_audiences(self) -> Sequence[Row[Any]]:
        """Audiences that a destination had before it got another one, the newest first."""
        with self.reading() as connection:
            return connection.execute(select(t.former_audiences).order_by(t.former_audiences.c.id.desc())).all()

    def former_audience(self, former: int) -> FormerAudience:
        """One of them, and where its last generation is."""
        left, its = t.former_audiences.c, t.generations.c
        same = (its.segment == left.segment) & (its.label == left.label) & (its.number == left.generation)
        query = select(left.url, its.path).outerjoin(t.generations, same).where(left.id == former)
        with self.reading() as connection:
            row = connection.execute(query).one()
        return FormerAudience(row.url, row.path)

    def segments(self) -> list[str]:
        """Every segment that may ever have sent anything, also those whose file is no more."""
        query = select(t.plans.c.segment).union(select(t.audiences.c.segment))
        with self.reading() as connection:
            return sorted(connection.execute(query).scalars())

    def generations(self, segment: str, label: str) -> Sequence[Row[Any]]:
        """All generations that count, the oldest first."""
        where = (t.generations.c.segment == segment) & (t.generations.c.label == label) & ~t.generations.c.forgotten
        with self.reading() as connection:
            return connection.execute(select(t.generations).where(where).order_by(t.generations.c.number)).all()

    def generation(self, segment: str, label: str) -> Row[Any] | None:
        """The newest sealed generation."""
        where = (t.generations.c.segment == segment) & (t.generations.c.label == label) & ~t.generations.c.forgotten
        query = select(t.generations).where(where).order_by(t.generations.c.number.desc()).limit(1)
        with self.reading() as connection:
            return connection.execute(query).one_or_none()

    def opt_outs(self, plan_id: int) -> Row[Any] | None:
        """How long opt-outs took, where a sealed plan has taken anybody off."""
        with self.reading() as connection:
            return connection.execute(select(t.opt_outs).where(t.opt_outs.c.plan_id == plan_id)).one_or_none()

    def seal(self, plan_id: int, path: str, members: int, opt_outs: Mapping[str, float] | None = None) -> int:
        """Make ``path`` the newest generation: the one atomic step of sealing. Returns its number; again returns the same.

        ``opt_outs`` says how long it took to take people off, where any were.
        """
        with self.transaction() as connection:
            plan = connection.execute(select(t.plans).where(t.plans.c.id == plan_id)).one()
            mine = (t.generations.c.segment == plan.segment) & (t.generations.c.label == plan.label)
            sealed = connection.execute(select(t.generations).where(mine, t.generations.c.plan_id == plan_id)).one_or_none()
            if sealed is not None:
                return int(sealed.number)
            last = connection.execute(select(func.max(t.generations.c.number)).where(mine)).scalar()
            number, sealed_at = (last or 0) + 1, now()
            connection.execute(
                t.generations.insert().values(
                    segment=plan.segment,
                    label=plan.label,
                    number=number,
                    plan_id=plan_id,
                    path=path,
                    members=members,
                    sealed_at=sealed_at,
                    forgotten=False,
                )
            )
            enter_checkpoints(connection, plan_id, sealed_at)
            if opt_outs is not None:
                connection.execute(t.opt_outs.insert().values(plan_id=plan_id, **opt_outs))
            earlier = (t.plans.c.segment == plan.segment) & (t.plans.c.label == plan.label) & (t.plans.c.id < plan_id)
            connection.execute(update(t.plans).where(earlier, t.plans.c.state == "planned").values(state="superseded"))
            connection.execute(update(t.plans).where(t.plans.c.id == plan_id).values(state="sealed"))
            return number


def _leave(connection: Connection, known: Row[Any]) -> None:
    """A destination has another audience from now on: the one before stays on its platform, with whom it holds.

    One that is found under the same name by another id is not left: the one before was deleted.
    """
    mine = (t.generations.c.segment == known.segment) & (t.generations.c.label == known.label) & ~t.generations.c.forgotten
    newest = connection.execute(select(func.max(t.generations.c.number)).where(mine)).scalar()
    names = ("segment", "label", "platform", "connection", "name", "platform_id", "url")
    values = {name: getattr(known, name) for name in names}
    connection.execute(t.former_audiences.insert().values(generation=newest, left_at=now(), **values))


def _forget(connection: Connection, segment: str, label: str) -> None:
    """What was sealed and sent so far does not count any more."""
    sealed = (t.generations.c.segment == segment) & (t.generations.c.label == label)
    connection.execute(update(t.generations).where(sealed).values(forgotten=True))
    planned = (t.plans.c.segment == segment) & (t.plans.c.label == label) & (t.plans.c.state == "planned")
    connection.execute(update(t.plans).where(planned).values(state="superseded"))
