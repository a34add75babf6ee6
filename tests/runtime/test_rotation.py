"""A key is changed without losing a file, whatever happens meanwhile."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest

from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError
from guestlist.runtime.config import Config
from guestlist.runtime.lake import Lake
from guestlist.runtime.rotation import rotate
from guestlist.runtime.vault import Vault, create_key_file, key_from_file, keys_in, new_key, replace_key_file
from guestlist.runtime.wiring import Workspace

HERE = Path(__file__).resolve().parent
INCLUDE = HERE.parents[1] / "include"
NAMES = [
    "vips/generations/edgetag/00000001.parquet",
    "vips/plans/edgetag/r-1/columns.parquet",
    "others/runs/r/1/part-0.parquet",
]


@dataclass
class Place:
    """A lake with three encrypted files and the word for its key, and the key in a file."""

    config: Config

    @property
    def keys(self) -> list[str]:
        return keys_in(key_from_file(self.config.vault_key) or "")

    def workspace(self) -> Workspace:
        return Workspace(self.config)

    def lake(self, keys: str | None = None, *, locking: bool = False) -> Lake:
        return Lake(self.config.lake, lambda: Vault(keys or " ".join(self.keys)), locking=locking)

    def fill(self) -> None:
        lake = self.lake(locking=True)
        lake.prove_key()
        for number, name in enumerate(NAMES):
            lake.write(name, frame(number))

    def holds_everything(self, keys: str | None = None) -> bool:
        lake = self.lake(keys)
        lake.check_key()
        return all(lake.scan(name).collect().equals(frame(number)) for number, name in enumerate(NAMES))


def frame(number: int) -> pl.DataFrame:
    return pl.DataFrame({"member": [f"m{number}"], "email": [f"person{number}@example.com"]})


@pytest.fixture(params=["", "memory://"], ids=["path", "object store"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"{request.param}{tmp_path}/home/lake"


@pytest.fixture
def place(root: str, tmp_path: Path) -> Place:
    home = tmp_path / "home"
    found = Place(Config(home, tmp_path, f"sqlite:///{home}/ledger.db", root, home / "vault.key"))
    create_key_file(found.config.vault_key)
    found.fill()
    return found


def opens_nothing(place: Place, key: str) -> bool:
    lake = place.lake(key)
    refused = 0
    for name in lake.locked():
        with pytest.raises(ConfigError, match="does not open"):
            Vault(key).unlock((lake.root / name).read_bytes(), name)
        refused += 1
    return refused == len(NAMES) + 1


def test_everything_is_locked_with_a_new_key_and_the_old_one_opens_nothing(place: Place) -> None:
    (old,) = place.keys
    beats: list[int] = []
    rotated = rotate(place.workspace(), [place.lake()], lambda: beats.append(1))
    assert (rotated.files, rotated.by_hand) == (len(NAMES) + 1, False)
    assert len(beats) == 2 * rotated.files, "a second pass makes sure that nothing needs the old key"
    (new,) = place.keys
    assert new != old
    assert stat.S_IMODE(place.config.vault_key.stat().st_mode) == 0o600
    assert place.holds_everything(new)
    assert opens_nothing(place, old)


def test_a_file_that_comes_while_it_lasts_is_locked_anew_too(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    (old,) = place.keys
    late = place.lake(old, locking=True)
    again = [lambda: late.write("late/runs/r/1/part-0.parquet", frame(9))]

    def beat() -> None:
        if again:
            again.pop()()

    rotate(place.workspace(), [place.lake()], beat)
    assert place.lake().scan("late/runs/r/1/part-0.parquet").collect().equals(frame(9))


def test_a_file_that_goes_while_it_lasts_is_no_matter(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    real, first = Lake.locked, ["gone.parquet.locked"]
    monkeypatch.setattr(Lake, "locked", lambda lake: [*first, *real(lake)])
    rotate(place.workspace(), [place.lake()])
    assert place.holds_everything()


def test_several_lakes_have_one_key(place: Place, tmp_path: Path) -> None:
    other = Place(replace(place.config, lake=str(tmp_path / "out")))
    other.fill()
    rotate(place.workspace(), [place.lake(), other.lake()])
    assert place.holds_everything()
    assert other.holds_everything()


def test_a_key_that_does_not_open_the_lake_is_not_changed(place: Place) -> None:
    replace_key_file(place.config.vault_key, [wrong := new_key()])
    with pytest.raises(ConfigError, match="does not open"):
        rotate(place.workspace(), [place.lake()])
    assert place.keys == [wrong]


def test_a_damaged_file_stops_it_and_nothing_is_lost(place: Place) -> None:
    (old,) = place.keys
    damaged = place.lake().root / f"{NAMES[1]}.locked"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1])
    with pytest.raises(ConfigError, match=r"columns\.parquet\.locked"):
        rotate(place.workspace(), [place.lake()])
    new, kept = place.keys
    assert kept == old
    damaged.write_bytes(whole)
    assert place.holds_everything()
    rotate(place.workspace(), [place.lake()])
    assert place.keys == [new]
    assert place.holds_everything()


def test_a_key_file_that_cannot_be_written_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    (old,) = place.keys

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        with pytest.raises(ConfigError, match=r"vault\.key cannot be written \(Permission denied\)"):
            replace_key_file(place.config.vault_key, [new_key(), old])
    assert place.keys == [old]


def test_a_link_to_the_key_file_stays_a_link(place: Place, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(place.config.vault_key)
    replace_key_file(link, [key := new_key()])
    assert link.is_symlink()
    assert place.keys == [key]


def connected(place: Place, password: str | None) -> Workspace:
    """The installation with its keys in a connection."""
    return Workspace(place.config, lambda name: Connection(name, "generic", password=password))


def test_the_keys_of_a_connection_are_changed_by_a_person_in_two_steps(place: Place) -> None:
    (old,) = place.keys
    place.config.vault_key.unlink()
    for single in (old, f" {old}\n"):
        with pytest.raises(ConfigError, match="with a comma between them") as caught:
            rotate(connected(place, single), [place.lake(old)])
        assert old not in str(caught.value)
    new = new_key()
    both = connected(place, f"{new},{old}")
    rotated = rotate(both, [both.lake])
    assert (rotated.files, rotated.by_hand) == (len(NAMES) + 1, True)
    assert not place.config.vault_key.exists()
    assert place.holds_everything(new)
    assert opens_nothing(place, old)


def test_without_a_key_nothing_is_changed(place: Place) -> None:
    place.config.vault_key.unlink()
    workspace = connected(place, None)
    with pytest.raises(ConfigError, match="guestlist vault create"):
        rotate(workspace, [workspace.lake])


# kill -9 at every file boundary

BOUNDARIES = 2 * (2 + len(NAMES) + 1)
"""The key file twice, each file, and the word for the key; before and after."""


def start(place: Place, boundary: int) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(INCLUDE),
        "GUESTLIST_HOME": str(place.config.home),
        "GUESTLIST_VAULT_KEY": str(place.config.vault_key),
        "GUESTLIST_LAKE": place.config.lake,
    }
    command = [sys.executable, str(HERE / "killed_rotation.py"), str(boundary)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def killed_at(place: Place, boundary: int) -> None:
    with start(place, boundary) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "stopped\n"
        process.send_signal(signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("root", [""], indirect=True, ids=["path"])
@pytest.mark.parametrize("boundary", range(1, BOUNDARIES + 1))
def test_killed_at_any_file_nothing_is_lost_and_the_next_one_ends_it(place: Place, boundary: int) -> None:
    (old,) = place.keys
    killed_at(place, boundary)
    assert place.holds_everything(), "with the key file as it is"
    assert stat.S_IMODE(place.config.vault_key.stat().st_mode) == 0o600
    assert old in place.keys or boundary == BOUNDARIES, "the old key stays until the last file is rewritten"
    between = place.keys
    rotate(place.workspace(), [place.lake()])
    (new,) = place.keys
    assert new == between[0] or len(between) == 1, "a rotation that has begun is ended, not begun again"
    assert place.holds_everything(new)
    assert opens_nothing(place, old)


@pytest.mark.slow
@pytest.mark.parametrize("root", [""], indirect=True, ids=["path"])
def test_there_are_no_other_boundaries(place: Place) -> None:
    with start(place, BOUNDARIES + 1) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ended\n"


def test_killed_again_and_again_it_still_ends(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    (old,) = place.keys

    class Stop(BaseException):
        pass

    def stopping(name: str) -> bool:
        done.append(name)
        if len(done) > 1:
            raise Stop
        return real(lake, name)

    lake = place.lake()
    real = Lake.relock
    for _ in NAMES:
        done: list[str] = []
        with monkeypatch.context() as patched:
            patched.setattr(lake, "relock", stopping)
            with pytest.raises(Stop):
                rotate(place.workspace(), [lake])
        assert old in place.keys
        assert place.holds_everything()
    rotate(place.workspace(), [lake])
    assert opens_nothing(place, old)
