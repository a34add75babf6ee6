"""One Airflow for all tests of the intake: its API server and scheduler, the sandbox, and an intake to push to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from web.intake.rig import INTAKE, Place

from guestlist.cli.components import free_port, running_airflow
from guestlist.cli.stage import Stage
from guestlist.runtime import clock
from guestlist.runtime.intake.keys import create_key
from guestlist.runtime.ledger import open_ledger
from guestlist.sandbox.server import Sandbox


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("pushed")
    (folder / "segments").mkdir()
    for name in ("partners", "others"):
        (folder / "segments" / f"{name}.yaml").write_text(INTAKE.format(name=name))
    with pytest.MonkeyPatch.context() as patch, Sandbox(folder / "sandbox", settle_seconds=0.2) as sandbox:
        patch.setenv("GUESTLIST_SEGMENTS", str(folder / "segments"))
        patch.setenv("GUESTLIST_INTAKE_REQUESTS", "6000")
        patch.setenv("AIRFLOW__LOGGING__LOGGING_LEVEL", "INFO")
        stage = Stage(folder)
        stage.make_key()
        with (folder / "airflow.log").open("a") as log:
            assert stage.airflow("db", "migrate", sandbox=sandbox, log=log).wait() == 0
            assert stage.import_pools(sandbox, log) == 0
        with running_airflow(stage, sandbox, port=free_port(0)) as airflow:
            place = Place(stage, sandbox, airflow, _key(folder))
            with place.client:
                yield place


def _key(folder: Path) -> str:
    ledger = open_ledger(f"sqlite:///{folder / 'ledger.db'}")
    _, secret = create_key(ledger, "tests", ["partners"], clock.now() + timedelta(days=1))
    return secret
