"""Where audiences are pushed to: the app alone with a ledger and a lake, or one Airflow for all tests that need runs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflows import Homes
from contract.fixtures import running, world
from fastapi.testclient import TestClient

from guestlist.cli.stage import Stage
from guestlist.web.app import app
from guestlist.web.books import the_ledger, the_shelf
from guestlist.web.intake import access
from web.dialects.rig import station
from web.intake.rig import Desk, Place, installed, running_place

__all__ = ["running", "station", "world"]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The app in this process; no Airflow begins a run."""
    monkeypatch.setenv("GUESTLIST_HOME", str(tmp_path))
    monkeypatch.setenv("GUESTLIST_SEGMENTS", str(installed(tmp_path)))
    caches = (the_ledger, the_shelf, access._allowance)
    for cached in caches:
        cached.cache_clear()
    Stage(tmp_path).make_key()
    with TestClient(app) as client:
        yield Desk(tmp_path, client)
    for cached in caches:
        cached.cache_clear()


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory, homes: Homes) -> Iterator[Place]:
    """Airflow's API server and scheduler with the sandbox."""
    folder = tmp_path_factory.mktemp("pushed")
    with running_place(folder, installed(folder), homes) as place:
        yield place


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that one file fills."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], check=False, capture_output=True).returncode:
        pytest.skip("only who may mount can have a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)
