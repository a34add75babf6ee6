"""A ledger on each database that is supported: the tables are made once, every test gets its own copy."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from runtime.books import Hand
from runtime.rig import Rig
from servers import on_server
from sqlalchemy import make_url

from guestlist.runtime.ledger import Ledger, audiences, migrate, open_ledger, plans, runs, sessions
from guestlist.sandbox.server import Sandbox

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ledger") / "template.db"
    open_ledger(f"sqlite:///{path}").engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    on_server(postgres_url, "CREATE DATABASE ledger_template")
    migrate(make_url(postgres_url).set(database="ledger_template").render_as_string(hide_password=False))
    return "ledger_template"


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a ledger of the test's own, with its tables."""
    if request.param == "sqlite":
        path = tmp_path / "ledger.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    server, name = request.getfixturevalue("postgres_url"), f"ledger_{next(_NUMBERS)}"
    on_server(server, f"CREATE DATABASE {name} TEMPLATE {request.getfixturevalue('postgres_template')}")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def ledger(ledger_url: str) -> Ledger:
    return open_ledger(ledger_url)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """All platforms, for all tests of this folder; the rig empties it."""
    with Sandbox(tmp_path_factory.mktemp("platforms"), settle_seconds=30) as running:
        yield running


@pytest.fixture
def rig(sandbox: Sandbox, tmp_path: Path) -> Iterator[Rig]:
    found = Rig(sandbox, tmp_path / "installation")
    yield found
    found.http.close()


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    hand = Hand()
    for module in (audiences, plans, runs, sessions):
        monkeypatch.setattr(module, "now", hand)
    return hand
