"""The lake on an S3-compatible store (moto's server): everything that a run, an erasure and upkeep do with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from guestlist.model.errors import ConfigError, DataError
from guestlist.model.vocabulary import Operation
from guestlist.runtime.lake import Lake
from guestlist.runtime.layout import generation_folder, members_folder, plan_folder, run_folder
from guestlist.runtime.upkeep.stored import stored
from guestlist.runtime.vault import Vault, create_key_file, key_from_file

pytestmark = pytest.mark.slow
FRAME = pl.DataFrame({"member": ["a", "b", "c"], "email:email.lower.v1": [["x"], None, ["y", "z"]]})


@pytest.fixture
def lake(s3: str) -> Lake:
    return Lake(f"{s3}/lake")


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    create_key_file(tmp_path / "vault.key")
    keys = key_from_file(tmp_path / "vault.key")
    assert keys
    return Vault(keys)


def test_what_is_written_is_read(lake: Lake) -> None:
    run = run_folder("s", "manual", "1")
    lake.write_members(f"{run}/part-00000-000.parquet", FRAME.reverse())
    lake.write_members(f"{run}/part-00001-000.parquet", FRAME.with_columns(member=pl.col("member") + "2"))
    assert lake.scan(run).collect().height == 6
    assert lake.scan(run).filter(pl.col("member") == "b").collect().height == 1
    lake.write_json(f"{run}/parts.json", [run])
    assert lake.scan(f"{run}/parts.json").collect().height == 6
    lake.rewrite(f"{run}/part-00001-000.parquet", FRAME.clear())
    assert lake.scan(run).collect().equals(FRAME)
    assert list(lake.parts(run)) == lake.files("s") == [f"{run}/part-{number:05d}-000.parquet" for number in range(2)]


def test_generations_and_plans_are_found_and_removed(lake: Lake) -> None:
    for plan in (1, 2, 11):
        lake.write(f"{generation_folder('s', 'l', plan)}/part-00000.parquet", FRAME)
    assert lake.generations("s", "l") == [generation_folder("s", "l", plan) for plan in (1, 2, 11)]
    plan = plan_folder("s", "l", "manual", 1)
    lake.write(f"{members_folder(plan, Operation.ADD)}/part-00000.parquet", FRAME)
    assert lake.plans_with_members("s", "l") == [plan]
    for one in stored(lake):
        assert one.bytes > 0
        assert abs(datetime.now(UTC) - one.written) < timedelta(minutes=5)
    lake.remove(generation_folder("s", "l", 1))
    lake.remove(plan)
    lake.remove("s/nothing/there")
    assert lake.generations("s", "l") == [generation_folder("s", "l", plan) for plan in (2, 11)]
    assert lake.plans_with_members("s", "l") == []
    assert len(stored(lake)) == 2


def test_what_is_encrypted(s3: str, vault: Vault) -> None:
    lake = Lake(f"{s3}/lake", lambda: vault, locking=True)
    lake.prove_key()
    lake.write("s/runs/r/1/part-00000.parquet", FRAME)
    assert lake.scan("s/runs/r/1").collect().equals(FRAME)
    assert [path.name for path in lake.root.rglob("*.parquet*")] == ["part-00000.parquet.locked"]
    assert b"PAR1" not in (lake.root / "s/runs/r/1/part-00000.parquet.locked").read_bytes()
    assert lake.segments() == {"s"}
    assert not any(lake.relock(name) for name in lake.locked())
    with pytest.raises(ConfigError):
        Lake(f"{s3}/lake", lambda: Vault("A" * 43 + "=")).check_key()


def test_what_is_missing_or_refused(lake: Lake) -> None:
    with pytest.raises(DataError, match="was it pruned"):
        lake.scan("s/runs/gone/1").collect()
    with pytest.raises(DataError, match="was it pruned"):
        lake.read_json("s/plans/l/gone/plan.json")
    with pytest.raises(ConfigError, match=r"in a bucket that is not there"):
        Lake("s3://no-such-bucket/lake").write("s/x.parquet", FRAME)
