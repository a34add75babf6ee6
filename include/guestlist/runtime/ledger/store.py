"""Opening the ledger: its database is found, and its tables are brought up to date."""

from __future__ import annotations

import os
import sqlite3
import weakref
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import ArgumentError, DatabaseError, DisconnectionError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from guestlist.model.errors import ConfigError, TransientError
from guestlist.runtime.ledger import tables as t
from guestlist.runtime.ledger.book import READS
from guestlist.runtime.ledger.checkpoints import Checkpoints
from guestlist.runtime.ledger.erasures import Erasures
from guestlist.runtime.ledger.needed import Needed
from guestlist.runtime.ledger.plans import Plans
from guestlist.runtime.ledger.runs import Runs
from guestlist.runtime.ledger.sessions import Sessions

_MOST_CONNECTIONS = 5


class Ledger(Runs, Plans, Sessions, Checkpoints, Needed, Erasures):
    """The books of one installation: a kill leaves either all of a method's work or nothing."""


def open_ledger(url: str) -> Ledger:
    """Open the ledger at a SQLAlchemy address and bring its tables up to date.

    Raises:
        ConfigError: the address is none. TransientError: the database cannot be reached.
    """
    try:
        engine = create_engine(_with_driver(url), pool_size=1, max_overflow=_MOST_CONNECTIONS - 1, pool_pre_ping=True)
    except ArgumentError:
        raise ConfigError("the ledger's address (GUESTLIST_LEDGER) is not a database address") from None
    ledger = Ledger(engine)
    weakref.finalize(ledger, engine.dispose)
    event.listen(engine, "connect", _remember_process)
    event.listen(engine, "checkout", _refuse_inherited)
    if engine.dialect.name == "sqlite":
        if engine.url.database:
            Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine, "connect", _sqlite_settings)
        event.listen(engine, "begin", _sqlite_begin)
    try:
        _migrate(engine)
    except OperationalError as error:
        raise TransientError(f"the ledger cannot be opened: {type(error.orig).__name__}") from None
    except sqlite3.DatabaseError:
        raise ConfigError("the ledger (GUESTLIST_LEDGER) is a file, and not one of SQLite") from None
    return ledger


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
