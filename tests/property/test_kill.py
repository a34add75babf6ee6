"""``kill -9`` at every point of a run: the next run makes the books right, and sends nothing again that has a receipt."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
import yaml
from contract.doors import all_doors
from contract.rig import Door, World, expected_keys, people

from guestlist.runtime.config import Config
from guestlist.runtime.ledger import BatchRow, Ledger, open_ledger

HERE = Path(__file__).resolve().parent
INCLUDE = HERE.parents[1] / "include"
MEMBERS, ROWS_PER_BATCH = 600, 50
POINTS = [
    ("prepare", 1), ("plan written", 1), ("plan entered", 1), ("open not written", 1), ("before a request", 4),
    ("answer not written", 5), ("answer written", 6), ("close not written", 1), ("settled not written", 1), ("settled", 1),
    ("seal not written", 1), ("sealed", 1),
]  # fmt: skip
IN_DOUBT = "answer not written"
PLACES = [
    (door, point, count)
    for turn, (point, count) in enumerate(POINTS)
    for place, door in enumerate(all_doors())
    if not door.capabilities.limits.one_batch and (point == IN_DOUBT or turn % len(all_doors()) == place)
]
WHOLE = [
    pytest.param(door, point, id=f"{door.id}, {point}")
    for door in all_doors()
    if door.capabilities.limits.one_batch
    for point in ("before a request", IN_DOUBT, "settled not written")
]
"""Every point once, each at another platform in turn, and the one that leaves rows in doubt at all of them."""
pytestmark = pytest.mark.slow


@dataclass
class Installation:
    """A segment and a ledger of its own, for runs in other processes."""

    world: World
    door: Door
    folder: Path
    rows_per_batch: int = ROWS_PER_BATCH
    segment: str = "killed"

    def write(self, rows: list[dict[str, str]]) -> None:
        self.rows = rows
        segment = self.world.segment(self.door, self.segment, rows)
        (self.folder / "segments").mkdir(exist_ok=True)
        data = segment.model_dump(mode="json", exclude_unset=True)
        data["source"] = {"file": str(self.world.folder / f"{self.segment}.csv")}
        data["guards"] = {"max_removed": "100%", "max_added": "100000%", "min_members": 0}
        (self.folder / "segments" / f"{self.segment}.yaml").write_text(yaml.safe_dump(data))

    @property
    def environment(self) -> dict[str, str]:
        connection = {"conn_type": "guestlist", "extra": self.world.extra_of(self.door)}
        return {
            **os.environ,
            "PYTHONPATH": str(INCLUDE),
            "GUESTLIST_HOME": str(self.folder / "home"),
            "GUESTLIST_SEGMENTS": str(self.folder / "segments"),
            "GUESTLIST_VAULT_KEY": str(self.world.vault_key),
            "AIRFLOW_CONN_C": json.dumps(connection),
        }

    def start(self, run: str, stop: str = "", count: int = 1) -> subprocess.Popen[str]:
        asked = {
            "segment": str(self.folder / "segments" / f"{self.segment}.yaml"),
            "run": run,
            "rows_per_batch": self.rows_per_batch,
            "sandbox": self.world.sandbox.http_url,
            "stop": stop,
            "count": count,
        }
        command = [sys.executable, str(HERE / "killed_run.py"), json.dumps(asked)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=self.environment)

    def kill_at(self, run: str, stop: str, count: int) -> None:
        with self.start(run, stop, count) as process:
            said = process.stdout.readline() if process.stdout else ""
            process.send_signal(signal.SIGKILL)
            assert said == "stopped\n", f"the run did not come to {stop!r}: {said!r}"

    def finish(self, run: str) -> str:
        with self.start(run) as process:
            said = process.communicate(timeout=120)[0]
            assert process.returncode == 0
            return said.split()[-1]

    @property
    def ledger(self) -> Ledger:
        config = Config(self.folder / "home", self.folder, f"sqlite:///{self.folder}/home/ledger.db", "", self.world.vault_key)
        return open_ledger(config.ledger)

    def batches(self) -> list[BatchRow]:
        ledger = self.ledger
        with ledger.engine.connect() as connection:
            sessions = [row[0] for row in connection.execute(sqlalchemy.text("SELECT id FROM sessions ORDER BY plan_id"))]
        return [batch for session in sessions for batch in ledger.batches(session)]

    def received(self) -> int:
        path = self.folder / "home" / "ledger.db"
        if not path.exists():
            return 0
        engine = sqlalchemy.create_engine(f"sqlite:///file:{path}?mode=ro&uri=true", poolclass=sqlalchemy.NullPool)
        try:
            with engine.connect() as connection:
                return int(
                    connection.execute(sqlalchemy.text("SELECT count(*) FROM batches WHERE state = 'received'")).scalar_one()
                )
        except sqlalchemy.exc.OperationalError:
            return 0  # it has no tables yet

    def rows_taken(self) -> int:
        """Rows in requests that the platform answered with success."""
        return sum(line["rows"] for line in self.world.log(self.door) if line["status"] // 100 == 2)

    def held(self) -> Mapping[str, set[str]]:
        found = self.ledger.audience(self.segment, "c")
        assert found is not None
        return self.world.held(self.door, found.id)


def installation(world: World, door: Door, tmp_path: Path, **more: Any) -> Installation:
    made = Installation(world, door, tmp_path, **more)
    made.write(people(range(MEMBERS)))
    return made


@pytest.mark.parametrize(("door", "stop", "count"), PLACES, ids=[f"{door.id}, {point}" for door, point, _ in PLACES])
def test_killed_at_any_point_the_next_run_ends_right(world: World, door: Door, tmp_path: Path, stop: str, count: int) -> None:
    made = installation(world, door, tmp_path)
    made.kill_at("first", stop, count)
    taken = made.rows_taken()
    without_receipt = taken - sum(batch.rows for batch in made.batches() if batch.state == "received")
    assert made.finish("second") == "sealed"
    assert made.held() == expected_keys(made.rows, door)
    if not door.whole:  # a replace sends everybody anew in each run
        assert made.rows_taken() == MEMBERS + without_receipt
    lanes = door.capabilities.limits.parallel_batches  # each may have one batch under way when the kill comes
    least = ROWS_PER_BATCH * (stop == IN_DOUBT)
    assert least <= without_receipt <= least + ROWS_PER_BATCH * (lanes - 1)


@pytest.mark.parametrize(("door", "stop"), WHOLE)
def test_a_whole_file_that_was_killed_under_way_ends_right(world: World, door: Door, tmp_path: Path, stop: str) -> None:
    made = installation(world, door, tmp_path, rows_per_batch=0)
    made.kill_at("first", stop, 1)
    assert made.finish("second") == "sealed"
    assert made.held() == expected_keys(made.rows, door)


def test_a_big_upload_that_is_killed_twice_goes_on_where_it_was(world: World, tmp_path: Path) -> None:
    """Nothing is smaller than in production here, and the kills come when they come."""
    [door] = [door for door in all_doors() if door.id == "meta"]
    made = Installation(world, door, tmp_path, rows_per_batch=0)
    made.write(people(range(62_000)))
    sent_at_kills = []
    for run, enough in (("first", 2), ("second", 4)):
        with made.start(run) as process:
            while made.received() < enough and process.poll() is None:
                time.sleep(0.02)
            process.kill()
        assert process.returncode == -signal.SIGKILL
        sent_at_kills.append(sum(batch.rows for batch in made.batches() if batch.state == "received"))
    assert made.finish("third") == "sealed"
    assert sent_at_kills[0] >= 20_000
    assert 40_000 <= sent_at_kills[1] < 62_000
    sent_twice = made.rows_taken() - 62_000
    assert sent_twice in (0, 10_000, 20_000)  # of each kill at most the batch that was under way
    assert made.held() == expected_keys(made.rows, door)
