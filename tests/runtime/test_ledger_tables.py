"""Opening the ledger: its tables are what the migrations make, whoever comes first and whatever is killed on the way."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from servers import on_server
from sqlalchemy import inspect, make_url, text
from sqlalchemy.exc import ProgrammingError

from guestlist.model.errors import ConfigError, TransientError
from guestlist.runtime.ledger import Ledger, migrate, open_ledger, tables_version
from guestlist.runtime.ledger import tables as t

MIGRATIONS = Path(t.__file__).parent / "migrations"
INCLUDE = Path(t.__file__).resolve().parents[3]


def alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def test_the_migrations_make_the_tables_that_the_code_knows(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, t.metadata) == []
        assert context.get_current_revision() == t.HEAD


def test_the_newest_migration_is_the_one_that_the_code_asks_for() -> None:
    scripts = ScriptDirectory.from_config(alembic())
    assert scripts.get_heads() == [t.HEAD]


def test_every_migration_goes_back_and_on_again(ledger: Ledger) -> None:
    config = alembic()
    for step in (command.downgrade, command.upgrade):
        with ledger.engine.begin() as connection:
            config.attributes["connection"] = connection
            step(config, "base" if step is command.downgrade else "head")
            left = set(inspect(connection).get_table_names()) - {"alembic_version"}
        assert left == (set() if step is command.downgrade else set(t.metadata.tables))


def open_in_a_process(url: str) -> subprocess.Popen[bytes]:
    code = "import sys; from guestlist.runtime.ledger import *; sys.stdin.read(); migrate(sys.argv[1])"
    environment = {**os.environ, "PYTHONPATH": str(INCLUDE)}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, url], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_processes_that_meet_at_an_empty_ledger(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path}/new/ledger.db" if kind == "sqlite" else request.getfixturevalue("empty_postgres")
    processes = [open_in_a_process(url) for _ in range(4)]
    for process in processes:  # all have imported what they need and wait for this
        process.stdin.close()
    told = [process.stderr.read().decode() for process in processes]
    for process in processes:
        process.stderr.close()
    assert [process.wait() for process in processes] == [0] * 4, told
    ledger = open_ledger(url)
    with ledger.engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [t.HEAD]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_kill_while_the_tables_are_made_leaves_none(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db" if kind == "sqlite" else request.getfixturevalue("empty_postgres")
    code = """if True:
        import os, signal, sys
        from alembic import op
        from guestlist.runtime.ledger import migrate
        create = op.create_table
        def kill(name, *rest):
            os.kill(os.getpid(), signal.SIGKILL) if name == "sessions" else create(name, *rest)
        op.create_table = kill
        migrate(sys.argv[1])
    """
    killed = subprocess.run([sys.executable, "-c", code, url], env={**os.environ, "PYTHONPATH": str(INCLUDE)}, check=False)
    assert killed.returncode == -9
    assert tables_version(url) is None
    migrate(url)
    assert open_ledger(url).last_runs("vips") == []


def test_opening_a_ledger_that_is_up_to_date_migrates_nothing(ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "upgrade", lambda *_: pytest.fail("there was nothing to do"))
    open_ledger(ledger_url)


@pytest.mark.parametrize("url", ["", "nonsense", "nosuchdatabase://host/db", "://", "sqlite:/x"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ConfigError, match="GUESTLIST_LEDGER"):
        open_ledger(url)


def test_a_server_that_cannot_be_reached_is_tried_again_later() -> None:
    with pytest.raises(TransientError) as caught:
        open_ledger("postgresql://ann:hunter2@127.0.0.1:9/ledger")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_ledger_that_goes_away_is_a_passing_trouble(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.engine.dispose()
    for file in tmp_path.iterdir():
        file.unlink()
    (tmp_path / "ledger.db").mkdir()
    with pytest.raises(TransientError, match="OperationalError"):
        ledger.run("vips", "a")


def test_sqlite_waits_for_others_and_keeps_its_promises(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    with ledger.engine.connect() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "busy_timeout", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "busy_timeout": 30000, "foreign_keys": 1}


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_any_common_name_of_postgresql_will_do(scheme: str, postgres_url: str, empty_postgres: str) -> None:
    assert migrate(empty_postgres.replace("postgresql", scheme, 1)) is None
    assert open_ledger(empty_postgres.replace("postgresql", scheme, 1)).last_runs("vips") == []


def stamp(url: str, version: str) -> None:
    """Make the tables those of another version, as far as anybody can see."""
    ledger = open_ledger(url)
    with ledger.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


def test_tables_of_a_newer_guestlist_are_left_alone(ledger_url: str) -> None:
    stamp(ledger_url, "0999")
    for use in (open_ledger, migrate):
        with pytest.raises(ConfigError, match=f"of version 0999, and this Guestlist knows them up to {t.HEAD}"):
            use(ledger_url)
    assert tables_version(ledger_url) == "0999"


def test_nobody_makes_or_changes_the_tables_of_a_server_but_migrate(empty_postgres: str) -> None:
    with pytest.raises(ConfigError, match=r"the ledger has no tables, and this Guestlist needs .*`guestlist migrate`"):
        open_ledger(empty_postgres)
    assert tables_version(empty_postgres) is None
    assert migrate(empty_postgres) is None
    stamp(empty_postgres, "0001")
    with pytest.raises(ConfigError, match=r"are of version 0001, and this Guestlist needs .*`guestlist migrate`"):
        open_ledger(empty_postgres)


@pytest.mark.parametrize("version", ["0001", "0002", "0003"])
def test_migrating_goes_on_from_any_version(ledger_url: str, version: str) -> None:
    config = alembic()
    ledger = open_ledger(ledger_url)
    with ledger.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, version)
    assert migrate(ledger_url) == version
    assert migrate(ledger_url) == tables_version(ledger_url) == t.HEAD


def test_a_connection_does_not_outlive_a_fork(ledger: Ledger) -> None:
    ledger.end_run("vips", "a", "sealed", {})
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        code = 1
        with contextlib.suppress(Exception):
            ledger.begin_run("vips", "forked", "path", {})
            code = 0 if ledger.run("vips", "forked") else 2
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert ledger.run("vips", "forked") is not None


def test_workers_need_no_right_to_change_tables(empty_postgres: str) -> None:
    """With the two logins of docs/secrets.md."""
    url = make_url(empty_postgres)
    page = (Path(__file__).resolve().parents[2] / "docs" / "secrets.md").read_text(encoding="utf-8")
    statements = page.partition("```sql\n")[2].partition("```")[0].replace("DATABASE guestlist", f"DATABASE {url.database}")
    for statement in statements.strip().split(";\n"):
        on_server(empty_postgres, statement)
    migrate(empty_postgres)
    worker = open_ledger(url.set(username="guestlist_worker", password="made-up").render_as_string(hide_password=False))
    worker.begin_run("vips", "a", "path", {})
    assert worker.run("vips", "a").state == "running"
    with pytest.raises(ProgrammingError), worker.engine.begin() as connection:
        connection.execute(text("DROP TABLE runs"))
