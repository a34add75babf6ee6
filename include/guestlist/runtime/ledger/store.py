"""Reading and writing the ledger: each method is one transaction, so that a kill leaves either all of it or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, create_engine, event, func, inspect, select, text, update
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, OperationalError
from sqlalchemy.pool import NullPool

from guestlist.model.conversation import Json
from guestlist.model.delivery import AudienceRef, Envelope, JobOutcome, Mode, Operation, Receipt, Settlement
from guestlist.model.errors import BusyError, ConfigError, TransientError
from guestlist.model.plan import Plan
from guestlist.model.segment import Destination
from guestlist.runtime.clock import now, process_is_gone
from guestlist.runtime.ledger import tables as t

_LEASE = timedelta(hours=2)


@dataclass(frozen=True)
class SessionRow:
    """A session as the ledger has it."""

    id: int
    plan_id: int
    operation: Operation
    rows: int
    batches: int
    parts: int
    state: str
    handle: Mapping[str, Json]
    polls: int
    closed_at: datetime | None
    rejected_later: Mapping[str, int]
    match_rate: str | None
    requests: int


@dataclass(frozen=True)
class BatchRow:
    """A batch as the ledger has it; ``rejected`` maps row index to reason."""

    session_id: int
    sequence: int
    batch_id: str
    part: int
    offset: int
    rows: int
    state: str
    accepted: int
    rejected: Mapping[int, str]
    job: str | None
    job_state: str | None
    requests: int


def open_ledger(url: str) -> Ledger:
    """Open the ledger at a SQLAlchemy address and bring its tables up to date.

    Raises:
        ConfigError: the address is none. TransientError: the database cannot be reached.
    """
    try:
        engine = create_engine(_with_driver(url), poolclass=NullPool)
        if engine.dialect.name == "sqlite":
            if engine.url.database:
                Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
            event.listen(engine, "connect", _sqlite_settings)
            event.listen(engine, "begin", _sqlite_begin)
        _migrate(engine)
    except ArgumentError:
        raise ConfigError("the ledger's address (GUESTLIST_LEDGER) is not a database address") from None
    except OperationalError as error:
        raise TransientError(f"the ledger cannot be opened: {type(error.orig).__name__}") from None
    except sqlite3.DatabaseError:
        raise ConfigError("the ledger (GUESTLIST_LEDGER) is a file, and not one of SQLite") from None
    return Ledger(engine)


def _with_driver(url: str) -> str:
    for plain in ("postgres://", "postgresql://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url


def _sqlite_settings(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver would leave out reads and changes of tables: see `_sqlite_begin`
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=30000")  # first: the next one may have to wait
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    """Take the write lock at once: a transaction that reads first and writes later could be refused half way."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _migrate(engine: Engine) -> None:
    """Bring the tables up to date. Two processes may meet here: the one that comes second finds the work done."""
    if _version(engine) == t.HEAD:
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DatabaseError:
        if _version(engine) != t.HEAD:
            raise


def _version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


class Ledger:
    """The books of one installation. Times are UTC."""

    def __init__(self, engine: Engine) -> None:
        """Use an engine whose tables are up to date."""
        self.engine = engine

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self.engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise TransientError(f"the ledger could not be used: {type(error.orig).__name__}") from None

    # -- leases and runs

    def take_lease(self, segment: str, holder: str) -> None:
        """Hold the segment for this run, or raise `BusyError`.

        A run of Airflow takes over from another of Airflow, which lets only one be active; anybody takes over from a
        process that is gone, and from a lease that has expired.
        """
        with self._transaction() as connection:
            query = select(t.leases).where(t.leases.c.segment == segment).with_for_update()
            found = connection.execute(query).one_or_none()
            expires = now() + _LEASE
            if found is None:
                try:
                    connection.execute(t.leases.insert().values(segment=segment, holder=holder, expires_at=expires))
                except IntegrityError:
                    raise BusyError("another run has just begun; wait for its end", segment=segment) from None
                return
            if not _may_take(found.holder, holder) and _aware(found.expires_at) > now():
                raise BusyError(f"held by {found.holder}; wait for its end, or end it", segment=segment)
            values = {"holder": holder, "expires_at": expires}
            connection.execute(update(t.leases).where(t.leases.c.segment == segment).values(values))

    def drop_lease(self, segment: str, holder: str) -> None:
        """Let the next run in."""
        with self._transaction() as connection:
            mine = (t.leases.c.segment == segment) & (t.leases.c.holder == holder)
            connection.execute(t.leases.delete().where(mine))

    def begin_run(self, segment: str, run_id: str, prepared_path: str, drops: Json) -> None:
        """Enter a run that has prepared its members; again for a run that prepares anew."""
        values = {"state": "running", "prepared_path": prepared_path, "drops": drops, "ended_at": None}
        with self._transaction() as connection:
            where = (t.runs.c.segment == segment) & (t.runs.c.run_id == run_id)
            if connection.execute(update(t.runs).where(where).values(values)).rowcount == 0:
                connection.execute(t.runs.insert().values(segment=segment, run_id=run_id, started_at=now(), **values))

    def end_run(self, segment: str, run_id: str, state: str, report: Json) -> None:
        """Enter how a run ended."""
        with self._transaction() as connection:
            where = (t.runs.c.segment == segment) & (t.runs.c.run_id == run_id)
            connection.execute(update(t.runs).where(where).values(state=state, report=report, ended_at=now()))

    def run(self, segment: str, run_id: str) -> Row[Any] | None:
        """One run."""
        with self._transaction() as connection:
            where = (t.runs.c.segment == segment) & (t.runs.c.run_id == run_id)
            return connection.execute(select(t.runs).where(where)).one_or_none()

    def last_runs(self, segment: str, count: int = 10) -> Sequence[Row[Any]]:
        """The newest runs of a segment first."""
        query = select(t.runs).where(t.runs.c.segment == segment).order_by(t.runs.c.started_at.desc()).limit(count)
        with self._transaction() as connection:
            return connection.execute(query).all()

    # -- audiences and generations

    def audience(self, segment: str, label: str) -> AudienceRef | None:
        """The platform's audience of a destination, once it was found or created."""
        with self._transaction() as connection:
            where = (t.audiences.c.segment == segment) & (t.audiences.c.label == label)
            row = connection.execute(select(t.audiences).where(where)).one_or_none()
        return AudienceRef(id=row.platform_id, name=row.name, url=row.url) if row else None

    def enter_audience(self, segment: str, destination: Destination, audience: AudienceRef) -> None:
        """Remember which audience on the platform is this destination's.

        Another audience than before, or a mode that means the opposite, makes what was sealed and sent no longer count: it
        is kept, and the next plan starts from nobody.
        """
        values = {
            "platform": destination.platform,
            "connection": destination.connection,
            "name": audience.name,
            "platform_id": audience.id,
            "url": audience.url,
            "mode": destination.mode.value,
        }
        with self._transaction() as connection:
            where = (t.audiences.c.segment == segment) & (t.audiences.c.label == destination.label)
            known = connection.execute(select(t.audiences).where(where)).one_or_none()
            if known is None:
                row = {"segment": segment, "label": destination.label, "created_at": now(), **values}
                connection.execute(t.audiences.insert().values(row))
                return
            connection.execute(update(t.audiences).where(where).values(values))
            opposite = (known.mode == Mode.REMOVE) != (destination.mode is Mode.REMOVE)
            if known.platform_id != audience.id or opposite:
                _forget(connection, segment, destination.label)

    def generation(self, segment: str, label: str) -> Row[Any] | None:
        """The newest sealed generation."""
        where = (t.generations.c.segment == segment) & (t.generations.c.label == label) & ~t.generations.c.forgotten
        query = select(t.generations).where(where).order_by(t.generations.c.number.desc()).limit(1)
        with self._transaction() as connection:
            return connection.execute(query).one_or_none()

    def seal(self, plan_id: int, path: str, members: int) -> int:
        """Make ``path`` the newest generation: the one atomic step of sealing. Returns its number; again returns the same."""
        with self._transaction() as connection:
            plan = connection.execute(select(t.plans).where(t.plans.c.id == plan_id)).one()
            mine = (t.generations.c.segment == plan.segment) & (t.generations.c.label == plan.label)
            sealed = connection.execute(select(t.generations).where(mine, t.generations.c.plan_id == plan_id)).one_or_none()
            if sealed is not None:
                return int(sealed.number)
            last = connection.execute(select(func.max(t.generations.c.number)).where(mine)).scalar()
            number = (last or 0) + 1
            connection.execute(
                t.generations.insert().values(
                    segment=plan.segment,
                    label=plan.label,
                    number=number,
                    plan_id=plan_id,
                    path=path,
                    members=members,
                    sealed_at=now(),
                    forgotten=False,
                )
            )
            earlier = (t.plans.c.segment == plan.segment) & (t.plans.c.label == plan.label) & (t.plans.c.id < plan_id)
            connection.execute(update(t.plans).where(earlier, t.plans.c.state == "planned").values(state="superseded"))
            connection.execute(update(t.plans).where(t.plans.c.id == plan_id).values(state="sealed"))
            return number

    # -- plans

    def enter_plan(self, plan: Plan, basis: str, attempt: int, *, dry: bool) -> int:
        """Enter a plan with its sessions and batches; returns its id."""
        with self._transaction() as connection:
            entered = connection.execute(
                t.plans.insert().values(
                    segment=plan.segment,
                    label=plan.label,
                    run_id=plan.run_id,
                    attempt=attempt,
                    basis=basis,
                    path=plan.path,
                    counts=asdict(plan.counts),
                    breaches=[asdict(breach) for breach in plan.breaches],
                    dry=dry,
                    state="planned",
                    created_at=now(),
                )
            )
            plan_id = int(entered.inserted_primary_key[0]) if entered.inserted_primary_key else 0
            for upload in plan.uploads if not dry else ():
                connection.execute(
                    t.sessions.insert().values(
                        id=upload.session_id,
                        plan_id=plan_id,
                        operation=upload.operation.value,
                        members=upload.members,
                        rows=upload.rows,
                        batches=len(upload.cuts),
                        parts=upload.parts,
                        state="planned",
                        handle={},
                        polls=0,
                        requests=0,
                        rejected_later={},
                    )
                )
                rows = [
                    {
                        "session_id": upload.session_id,
                        "sequence": cut.sequence,
                        "batch_id": cut.id,
                        "part": cut.part,
                        "offset": cut.offset,
                        "rows": cut.rows,
                        "state": "planned",
                        "attempts": 0,
                        "requests": 0,
                    }
                    for cut in upload.cuts
                ]
                connection.execute(t.batches.insert(), rows)
        return plan_id

    def plan_path(self, plan_id: int) -> str:
        """The folder of a plan in the lake."""
        with self._transaction() as connection:
            return str(connection.execute(select(t.plans.c.path).where(t.plans.c.id == plan_id)).scalar_one())

    def is_superseded(self, plan_id: int) -> bool:
        """Whether a later plan of the audience has been sealed."""
        with self._transaction() as connection:
            state = connection.execute(select(t.plans.c.state).where(t.plans.c.id == plan_id)).scalar_one()
        return bool(state == "superseded")

    def plans_of_run(self, segment: str, label: str, run_id: str) -> Sequence[Row[Any]]:
        """All attempts of one run at one audience, the newest first."""
        where = (t.plans.c.segment == segment) & (t.plans.c.label == label) & (t.plans.c.run_id == run_id)
        with self._transaction() as connection:
            return connection.execute(select(t.plans).where(where).order_by(t.plans.c.id.desc())).all()

    def unsealed_plans(self, segment: str, label: str) -> Sequence[Row[Any]]:
        """Plans since the last sealed generation that may have sent something, the oldest first."""
        sealed = self.generation(segment, label)
        after = sealed.plan_id if sealed else 0
        where = (
            (t.plans.c.segment == segment)
            & (t.plans.c.label == label)
            & (t.plans.c.id > after)
            & ~t.plans.c.dry
            & (t.plans.c.state == "planned")
        )
        with self._transaction() as connection:
            return connection.execute(select(t.plans).where(where).order_by(t.plans.c.id)).all()

    def decide(self, plan_id: int, decision: str, who: str) -> None:
        """Keep who approved or rejected a plan that breaches a guard."""
        with self._transaction() as connection:
            connection.execute(t.approvals.insert().values(plan_id=plan_id, decision=decision, who=who, at=now()))

    def decision(self, plan_id: int) -> Row[Any] | None:
        """The newest decision on a plan."""
        query = select(t.approvals).where(t.approvals.c.plan_id == plan_id).order_by(t.approvals.c.id.desc()).limit(1)
        with self._transaction() as connection:
            return connection.execute(query).one_or_none()

    # -- sessions and batches

    def sessions(self, plan_id: int) -> list[SessionRow]:
        """The sessions of a plan."""
        with self._transaction() as connection:
            rows = connection.execute(select(t.sessions).where(t.sessions.c.plan_id == plan_id).order_by(t.sessions.c.id)).all()
        return [_session(row) for row in rows]

    def session(self, session_id: int) -> SessionRow:
        """One session."""
        with self._transaction() as connection:
            return _session(connection.execute(select(t.sessions).where(t.sessions.c.id == session_id)).one())

    def session_times(self, session_id: int) -> tuple[datetime | None, datetime | None]:
        """When a session was opened and when it settled."""
        with self._transaction() as connection:
            query = select(t.sessions.c.opened_at, t.sessions.c.settled_at).where(t.sessions.c.id == session_id)
            row = connection.execute(query).one()
        return row.opened_at, row.settled_at

    def opened(self, session_id: int, handle: Mapping[str, Json]) -> None:
        """The platform has begun the session."""
        self._set_session(session_id, state="opened", handle=dict(handle), opened_at=now())

    def closed(self, session_id: int, handle: Mapping[str, Json]) -> None:
        """Every batch has a receipt and the platform was told so."""
        self._set_session(session_id, state="closed", handle=dict(handle), closed_at=now())

    def _set_session(self, session_id: int, **values: Any) -> None:
        with self._transaction() as connection:
            connection.execute(update(t.sessions).where(t.sessions.c.id == session_id).values(**values))

    def batches(self, session_id: int, part: int | None = None) -> list[BatchRow]:
        """The batches of a session, or of one of its parts, in order."""
        query = select(t.batches).where(t.batches.c.session_id == session_id).order_by(t.batches.c.sequence)
        if part is not None:
            query = query.where(t.batches.c.part == part)
        with self._transaction() as connection:
            return [_batch(row) for row in connection.execute(query)]

    def sending(self, session_id: int, sequence: int, envelope: Envelope | None = None) -> None:
        """Written before a request goes out: without a receipt after it, the outcome is unknown."""
        where = (t.batches.c.session_id == session_id) & (t.batches.c.sequence == sequence)
        header = envelope.as_json() if envelope else None
        values = {"state": "sending", "attempts": t.batches.c.attempts + 1, "sent_at": now(), "envelope": header}
        with self._transaction() as connection:
            connection.execute(update(t.batches).where(where, t.batches.c.state != "received").values(values))

    def received(self, session_id: int, sequence: int, receipt: Receipt, requests: int) -> None:
        """Written after the platform has answered; ``requests`` counts what that took, retries included."""
        where = (t.batches.c.session_id == session_id) & (t.batches.c.sequence == sequence)
        values = {
            "state": "received",
            "accepted": receipt.accepted,
            "rejected": sorted([index, reason] for index, reason in receipt.rejected.items()),
            "request_id": receipt.request_id,
            "job": receipt.job,
            "requests": t.batches.c.requests + requests,
            "received_at": now(),
        }
        with self._transaction() as connection:
            connection.execute(update(t.batches).where(where).values(values))

    def settled(self, session_id: int, settlement: Settlement) -> None:
        """What a poll brought: outcomes of jobs, and whether the session is done."""
        with self._transaction() as connection:
            row = connection.execute(select(t.sessions).where(t.sessions.c.id == session_id)).one()
            later = dict(row.rejected_later)
            for job, outcome in settlement.jobs.items():
                _enter_outcome(connection, session_id, job, outcome)
                for reason, count in outcome.rejected.items():
                    later[reason] = later.get(reason, 0) + count
            values: dict[str, Any] = {
                "handle": dict(settlement.handle),
                "polls": row.polls + 1,
                "match_rate": settlement.match_rate or row.match_rate,
                "rejected_later": later,
            }
            if settlement.done:
                values |= {"state": "settled", "settled_at": now()}
            connection.execute(update(t.sessions).where(t.sessions.c.id == session_id).values(**values))

    def count_requests(self, session_id: int, requests: int) -> None:
        """Add what was asked of the platform for a session, besides its batches."""
        self._set_session(session_id, requests=t.sessions.c.requests + requests)

    def unconfirmed(self, session_id: int) -> None:
        """The platform never said what became of it."""
        self._set_session(session_id, state="unconfirmed")


def _forget(connection: Connection, segment: str, label: str) -> None:
    """What was sealed and sent so far does not count any more."""
    sealed = (t.generations.c.segment == segment) & (t.generations.c.label == label)
    connection.execute(update(t.generations).where(sealed).values(forgotten=True))
    planned = (t.plans.c.segment == segment) & (t.plans.c.label == label) & (t.plans.c.state == "planned")
    connection.execute(update(t.plans).where(planned).values(state="superseded"))


def _enter_outcome(connection: Connection, session_id: int, job: str, outcome: JobOutcome) -> None:
    state = "failed" if outcome.failed else "partial" if outcome.rejected else "done"
    query = update(t.batches).where(t.batches.c.session_id == session_id, t.batches.c.state == "received")
    if job:
        query = query.where(t.batches.c.job == job)
    connection.execute(query.values(job_state=state))


def _may_take(held_by: str, holder: str) -> bool:
    both_airflow = held_by.startswith("airflow ") and holder.startswith("airflow ")
    return held_by == holder or both_airflow or process_is_gone(held_by)


def _aware(moment: datetime) -> datetime:
    """SQLite forgets the time zone; everything in the ledger is UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=now().tzinfo)


def _session(row: Row[Any]) -> SessionRow:
    return SessionRow(
        id=row.id,
        plan_id=row.plan_id,
        operation=Operation(row.operation),
        rows=row.rows,
        batches=row.batches,
        parts=row.parts,
        state=row.state,
        handle=row.handle,
        polls=row.polls,
        closed_at=_aware(row.closed_at) if row.closed_at else None,
        rejected_later=row.rejected_later,
        match_rate=row.match_rate,
        requests=row.requests,
    )


def _batch(row: Row[Any]) -> BatchRow:
    return BatchRow(
        session_id=row.session_id,
        sequence=row.sequence,
        batch_id=row.batch_id,
        part=row.part,
        offset=row.offset,
        rows=row.rows,
        state=row.state,
        accepted=row.accepted or 0,
        rejected={int(index): str(reason) for index, reason in row.rejected or ()},
        job=row.job,
        job_state=row.job_state,
        requests=row.requests,
    )
