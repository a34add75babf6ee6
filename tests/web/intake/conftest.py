"""Where audiences are pushed to: the app alone with a ledger and a lake, or one Airflow for all tests that need runs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from web.intake.rig import Desk, Place, installed

from guestlist.cli.components import free_port, running_airflow
from guestlist.cli.stage import Stage
from guestlist.sandbox.server import Sandbox
from guestlist.web.app import app
from guestlist.web.books import the_ledger, the_shelf
from guestlist.web.intake import access


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


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Airflow's API server and scheduler with the sandbox."""
    folder = tmp_path_factory.mktemp("pushed")
    with pytest.MonkeyPatch.context() as patch, Sandbox(folder / "sandbox", settle_seconds=0.2) as sandbox:
        patch.setenv("GUESTLIST_SEGMENTS", str(installed(folder)))
        patch.setenv("GUESTLIST_INTAKE_REQUESTS", "6000")
        patch.setenv("AIRFLOW__LOGGING__LOGGING_LEVEL", "INFO")
        stage = Stage(folder)
        stage.make_key()
        with (folder / "airflow.log").open("a") as log:
            assert stage.airflow("db", "migrate", sandbox=sandbox, log=log).wait() == 0
            assert stage.import_pools(sandbox, log) == 0
        with running_airflow(stage, sandbox, port=free_port(0)) as airflow, Place.client_of(airflow.url) as client:
            place = Place(folder, client, stage, sandbox, airflow)
            client.headers["Authorization"] = f"Bearer {place.key()}"
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
