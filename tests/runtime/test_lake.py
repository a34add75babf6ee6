"""The lake: files are whole or not there, for their owner only, and a missing one is told in plain words."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestlist.model.errors import ConfigError, DataError, TransientError
from guestlist.model.vocabulary import Operation
from guestlist.runtime import lake as module
from guestlist.runtime.lake import Lake
from guestlist.runtime.layout import (
    columns_file,
    generation_folder,
    gone_file,
    members_folder,
    part_file,
    plan_folder,
    run_folder,
)

FRAME = pl.DataFrame({"member": ["a", "b"], "email": [["x"], None]}, schema={"member": pl.String, "email": pl.List(pl.String)})
INCLUDE = Path(module.__file__).resolve().parents[2]


@pytest.fixture(params=["", "file://"], ids=["path", "address"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    return Lake(f"{request.param}{tmp_path}/lake")


def test_what_is_written_is_read(lake: Lake) -> None:
    lake.write("s/runs/r/part-00001.parquet", FRAME)
    lake.write("s/runs/r/part-00000.parquet", FRAME.reverse())
    assert lake.scan("s/runs/r/part-00001.parquet").collect().equals(FRAME)
    assert lake.scan("s/runs/r").collect().equals(pl.concat([FRAME.reverse(), FRAME])), "in the order of the names"
    assert list(lake.parts("s/runs/r")) == ["s/runs/r/part-00000.parquet", "s/runs/r/part-00001.parquet"]
    assert lake.exists("s/runs/r/part-00000.parquet")
    assert not lake.exists("s/runs/r/part-00002.parquet")
    lake.write("s/runs/r/part-00001.parquet", FRAME.clear())
    assert lake.scan("s/runs/r/part-00001.parquet").collect().height == 0
    lake.write_json("s/plan.json", {"a": [1, None], "ü": "ß"})
    assert lake.read_json("s/plan.json") == {"a": [1, None], "ü": "ß"}


def test_only_the_owner_may_read(lake: Lake, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        lake.write("s/runs/r/part-00000.parquet", FRAME)
        lake.write_json("s/plan.json", {})
    finally:
        os.umask(before)
    for path in (tmp_path / "lake").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert stat.S_IMODE((tmp_path / "lake").stat().st_mode) == 0o700


def test_a_file_that_fails_half_way_leaves_the_one_before(lake: Lake, tmp_path: Path) -> None:
    lake.write("s/x.parquet", FRAME)
    lake.write_json("s/x.json", {"a": 1})
    with pytest.raises(TypeError):
        lake.write_json("s/x.json", {("no", "key"): 2})
    with pytest.raises(AttributeError):
        lake.write("s/x.parquet", None)
    assert lake.scan("s/x.parquet").collect().equals(FRAME)
    assert lake.read_json("s/x.json") == {"a": 1}
    assert list(lake.parts("s")) == ["s/x.parquet"], "what is unfinished is no part"
    assert lake.scan("s").collect().equals(FRAME)


def test_a_kill_while_writing_leaves_the_file_before(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.write("s/x.parquet", FRAME)
    code = """if True:
        import os, signal, sys
        import polars as pl
        from guestlist.runtime.lake import Lake
        write = pl.DataFrame.write_parquet
        def die(frame, file, **rest):
            write(frame, file, **rest); file.flush(); os.kill(os.getpid(), signal.SIGKILL)
        pl.DataFrame.write_parquet = die
        Lake(sys.argv[1]).write("s/x.parquet", pl.DataFrame({"member": ["new"]}))
    """
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env={**os.environ, "PYTHONPATH": str(INCLUDE)}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert lake.scan("s/x.parquet").collect().equals(FRAME)
    assert lake.scan("s").collect().equals(FRAME)
    lake.write("s/x.parquet", FRAME.clear())
    assert lake.scan("s/x.parquet").collect().height == 0


def test_a_full_disk_is_told_and_leaves_the_file_before(lake: Lake, tmp_path: Path) -> None:
    lake.write("s/x.parquet", FRAME)
    lake.write_json("s/x.json", {"a": 1})
    for name in (".x.parquet.tmp", ".x.json.tmp"):
        (tmp_path / "lake" / "s" / name).symlink_to("/dev/full")
    for write in (lambda: lake.write("s/x.parquet", FRAME), lambda: lake.write_json("s/x.json", {"a": 2})):
        with pytest.raises(TransientError, match=r"the lake \(GUESTLIST_LAKE\) cannot be .*: No space left on device"):
            write()
    assert lake.scan("s/x.parquet").collect().equals(FRAME)
    assert lake.read_json("s/x.json") == {"a": 1}


def test_a_missing_permission_is_a_person_s_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake("memory://guestlist-tests/locked")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "canary")

    monkeypatch.setattr(type(lake.root.fs), "_open", refuse)
    with pytest.raises(ConfigError, match="mend its permissions") as caught:
        lake.write("s/x.parquet", FRAME)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("path", ["s/runs/gone", "s/runs/gone/part-00000.parquet"])
def test_missing_members_are_told_with_what_to_do(lake: Lake, path: str) -> None:
    with pytest.raises(DataError, match="was it pruned") as caught:
        lake.scan(path).collect()
    assert path in str(caught.value)


def test_a_missing_document_is_told_with_what_to_do(lake: Lake) -> None:
    with pytest.raises(DataError, match="was it pruned"):
        lake.read_json("s/plans/l/r-1/plan.json")


def test_an_object_store_needs_no_folders_and_no_renaming() -> None:
    lake = Lake("memory://guestlist-tests/lake")
    lake.write_json("s/plan.json", {"a": 1})
    assert lake.read_json("s/plan.json") == {"a": 1}
    lake.write("s/runs/r/part-00000.parquet", FRAME)
    assert list(lake.parts("s/runs/r")) == ["s/runs/r/part-00000.parquet"]
    assert lake.exists("s/plan.json")
    assert lake.scan("s/runs/r").collect().equals(FRAME), "also where Polars knows nothing of the store"
    assert lake.scan("s/runs/r").filter(pl.col("member") == "b").select("member").collect()["member"].to_list() == ["b"]
    assert not [path for path in lake.root.rglob("*") if ".tmp" in path.name]


# -- names


def test_names_of_files() -> None:
    assert part_file("p", Operation.ADD, 7) == "p/add/part-0007.parquet"
    assert members_folder("p", Operation.REMOVE) == "p/remove-members"
    assert (gone_file("p"), columns_file("p")) == ("p/gone.parquet", "p/columns.parquet")
    assert generation_folder("s", "l", 12) == "s/generations/l/00000012"
    assert plan_folder("s", "l", "manual", 2).startswith("s/plans/l/manual-")
    assert plan_folder("s", "l", "manual", 2) != plan_folder("s", "l", "manual", 1)
    assert run_folder("s", "manual", "120000.1") != run_folder("s", "manual", "120000.2")


def test_run_ids_of_airflow_are_fit_for_any_store() -> None:
    folders = [
        run_folder("s", run, "1") for run in ("scheduled__2026-03-01T05:00:00+00:00", "scheduled__2026-03-01T05:00:00-00:00")
    ]
    assert folders[0] != folders[1], "alike but not the same"
    assert folders[0].startswith("s/runs/scheduled__2026-03-01T05-00-00-00-00-")
    assert not set(":+ ") & set("".join(folders))


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_run_id_is_one_safe_name_of_its_own(one: str, two: str) -> None:
    first, second = plan_folder("s", "l", one, 1), plan_folder("s", "l", two, 1)
    name = first.removeprefix("s/plans/l/")
    assert name.isascii()
    assert "/" not in name
    assert 0 < len(name) < 120
    assert name not in (".", "..")
    assert (first == second) == (one == two)
