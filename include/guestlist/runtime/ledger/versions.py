"""The version of the ledger's tables: read, compared with the one that this Guestlist knows, brought up to date."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from guestlist.model.errors import ConfigError
from guestlist.runtime.ledger import tables as t

_LOCK = 7_110_465
"""PostgreSQL's advisory lock that is held while tables change; any number that nobody else in the database uses."""


def version_of(engine: Engine) -> str | None:
    """The version of the tables; None where there are none."""
    with engine.connect() as connection:
        return _version(connection)


def bring_up_to_date(engine: Engine) -> str | None:
    """Make the tables, or change them, in one transaction; who comes second waits, and finds the work done.

    Returns the version before.

    Raises:
        ConfigError: a newer Guestlist has changed them.
    """
    with engine.begin() as connection:  # SQLite takes its write lock here
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        before = _version(connection)
        refuse_newer(before)
        if before != t.HEAD:
            _upgrade(connection)
    return before


def refuse_newer(found: str | None) -> None:
    """Raise `ConfigError` where the tables are of a version that is not known here."""
    if found is not None and found > t.HEAD:
        told = f"the ledger's tables are of version {found}, and this Guestlist knows them up to {t.HEAD}"
        raise ConfigError(f"{told}: install the Guestlist that they are of, here and on every worker")


def refuse_older(found: str | None) -> None:
    """Raise `ConfigError` where the tables have to be made or changed first."""
    if found != t.HEAD:
        told = f"the ledger's tables are of version {found}" if found else "the ledger has no tables"
        raise ConfigError(f"{told}, and this Guestlist needs {t.HEAD}: `guestlist migrate` makes them so, once for all")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return version


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
