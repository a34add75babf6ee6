"""Opening the ledger: its database is found, and its tables are those that this Guestlist knows."""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import ArgumentError, DisconnectionError, OperationalError, ProgrammingError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from guestlist.model.errors import ConfigError, TransientError
from guestlist.runtime.ledger import tables as t
from guestlist.runtime.ledger.book import READS
from guestlist.runtime.ledger.checkpoints import Checkpoints
from guestlist.runtime.ledger.checks import Checks
from guestlist.runtime.ledger.claims import Claims
from guestlist.runtime.ledger.erasures import Erasures
from guestlist.runtime.ledger.intake import Pushed
from guestlist.runtime.ledger.needed import Needed
from guestlist.runtime.ledger.plans import Plans
from guestlist.runtime.ledger.runs import Runs
from guestlist.runtime.ledger.sessions import Sessions
from guestlist.runtime.ledger.versions import bring_up_to_date, refuse_newer, refuse_older, version_of

_MOST_CONNECTIONS = 5


class Ledger(Runs, Plans, Sessions, Checkpoints, Checks, Needed, Erasures, Pushed, Claims):
    """The books of one installation: a kill leaves either all of a method's work or nothing."""


def open_ledger(url: str) -> Ledger:
    """Open the ledger at a SQLAlchemy address. The tables of SQLite are brought up to date; a server's are `migrate`'s.

    Raises:
        ConfigError: the address is none, or the tables are not of the version that this Guestlist needs.
        TransientError: the database cannot be reached.
    """
    with _engine_at(url) as engine:
        if (found := version_of(engine)) != t.HEAD:
            refuse_newer(found)
            if engine.dialect.name != "sqlite":  # an empty database may be a wrong address: nobody begins a new ledger unasked
                refuse_older(found)
            bring_up_to_date(engine)
    ledger = Ledger(engine)
    weakref.finalize(ledger, engine.dispose)
    return ledger


def migrate(url: str) -> str | None:
    """Bring the tables up to date, or make them; may run in several places at once. Returns the version before.

    Raises:
        ConfigError: as `open_ledger`. TransientError: the database cannot be reached.
    """
    with _engine_at(url) as engine:
        return bring_up_to_date(engine)


def tables_version(url: str) -> str | None:
    """The version of the tables; None where there are none. Nothing is changed.

    Raises:
        ConfigError: the address is none. TransientError: the database cannot be reached.
    """
    with _engine_at(url) as engine:
        return version_of(engine)


@contextmanager
def _engine_at(url: str) -> Iterator[Engine]:
    """An engine, which is as new at the end: what it opened meanwhile is closed."""
    engine = _engine(url)
    try:
        yield engine
    except OperationalError as error:
        raise TransientError(f"the ledger cannot be opened: {type(error.orig).__name__}") from None
    except sqlite3.DatabaseError:
        raise ConfigError("the ledger (GUESTLIST_LEDGER) is a file, and not one of SQLite") from None
    except ProgrammingError as error:
        told = "its login may not make or change tables: run `guestlist migrate` with one that may"
        raise ConfigError(f"the ledger cannot be brought up to date ({type(error.orig).__name__}): {told}") from None
    finally:
        engine.dispose()


def _engine(url: str) -> Engine:
    try:
        engine = create_engine(_with_driver(url), pool_size=1, max_overflow=_MOST_CONNECTIONS - 1, pool_pre_ping=True)
    except ArgumentError:
        raise ConfigError("the ledger's address (GUESTLIST_LEDGER) is not a database address") from None
    event.listen(engine, "connect", _remember_process)
    event.listen(engine, "checkout", _refuse_inherited)
    if engine.dialect.name == "sqlite":
        if engine.url.database:
            Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine, "connect", _sqlite_settings)
        event.listen(engine, "begin", _sqlite_begin)
    return engine


def _remember_process(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["process"] = os.getpid()


def _refuse_inherited(_connection: Any, record: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
    """A connection does not outlive a fork: parent and child would talk over each other."""
    if record.info["process"] != os.getpid():
        record.dbapi_connection = proxy.dbapi_connection = None  # type: ignore[misc]
        raise DisconnectionError("the connection belongs to another process")


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
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(READS) else "BEGIN IMMEDIATE")
