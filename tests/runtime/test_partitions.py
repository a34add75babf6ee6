"""Preparing in parts: whatever the partitions are, they come to what preparing all of the source at once comes to."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runtime.rig import META

from guestlist.destinations import platforms
from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError, DataError, NoRows
from guestlist.model.segment import Segment
from guestlist.pipeline.audience import MEMBER
from guestlist.runtime.config import Config
from guestlist.runtime.preparation import Prepared, prepare_into
from guestlist.runtime.sync import gather, prepare_partition
from guestlist.runtime.wiring import Workspace

CONNECTIONS = {"meta_main": Connection("meta_main", "guestlist", extra={"ad_account_id": "1", "access_token": "t"})}
ROWS = st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans()), max_size=12)


def segment(**source: object) -> Segment:
    written = {"name": "vips", "source": source, "key": "id", "identifiers": {"email": "email"}, "destinations": [META]}
    return Segment.model_validate(written, context={"platforms": platforms()})


def workspace_in(folder: Path, **connections: Connection) -> Workspace:
    (folder / "segments").mkdir(exist_ok=True)
    config = Config(folder, folder / "segments", f"sqlite:///{folder}/ledger.db", str(folder / "lake"), folder / "key")
    return Workspace(config, {**CONNECTIONS, **connections}.__getitem__)


def prepared_in_parts(workspace: Workspace, wanted: Segment) -> Prepared:
    partitions = workspace.partitions(wanted.source)
    folders = [prepare_partition(workspace, wanted, "run", partition).path for partition in partitions]
    return gather(workspace, wanted, "run", folders)


def members(workspace: Workspace, path: str) -> list[tuple[object, ...]]:
    return sorted(workspace.lake.scan(path).collect().rows())


def write(file: Path, rows: list[tuple[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([("id", "email"), *rows])


@settings(max_examples=25, deadline=None)
@given(files=st.lists(ROWS, min_size=1, max_size=5).filter(any), most=st.sampled_from([None, 2, 3]))
def test_files_in_parts_come_to_the_same_as_together(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[tuple[str, bool]]], most: int | None
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    for number, rows in enumerate(files):
        named = [(key, f"{key}{number}{n}@example.com" if reached else "") for n, (key, reached) in enumerate(rows)]
        write(folder / f"people-{number}.csv", named)
    workspace, wanted = workspace_in(folder), segment(file="people-*.csv", partitions=most)
    assert len(workspace.partitions(wanted.source)) == min(len(files), most or len(files))
    whole = prepare_into(workspace, wanted, workspace.lake, "vips/whole/1", lambda _rows: None)
    parts = prepared_in_parts(workspace, wanted)
    assert members(workspace, parts.path) == members(workspace, whole.path)
    assert (parts.drops.read, parts.drops.prepared) == (whole.drops.read, whole.drops.prepared)
    assert sum(parts.drops.rows.values()) == sum(whole.drops.rows.values())
    again = gather(workspace, wanted, "run", [str(Path(file).parent) for file in sorted(_folders(workspace, parts.path))])
    assert replace(again.drops, columns={}) == replace(parts.drops, columns={}), "gathering once more counts the same"
    assert members(workspace, again.path) == members(workspace, parts.path)


def _folders(workspace: Workspace, path: str) -> set[str]:
    return {f"{Path(file).parent}/x" for file in workspace.lake.files(str(Path(path).parents[1])) if "whole" not in file}


@pytest.fixture
def warehouse(tmp_path: Path) -> Connection:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as database:
        database.execute("CREATE TABLE people AS SELECT i AS id, i || '@example.com' AS email FROM range(100) t(i)")
        database.execute("ALTER TABLE people ADD COLUMN country VARCHAR")
        database.execute("UPDATE people SET country = CASE WHEN id < 70 THEN 'DE' ELSE 'FR' END")
    return Connection("warehouse", "duckdb", host=str(tmp_path / "warehouse.duckdb"))


@pytest.mark.parametrize(
    ("sql", "partitions", "labels"),
    [
        ("SELECT * FROM people WHERE id % {{ partitions }} = {{ partition }}", 3, ["1 of 3", "2 of 3", "3 of 3"]),
        ("SELECT * FROM people WHERE country = '{{ partition }}'", ["DE", "FR", "PL"], ["DE", "FR", "PL"]),
    ],
)
def test_a_query_in_parts(tmp_path: Path, warehouse: Connection, sql: str, partitions: object, labels: list[str]) -> None:
    """Nobody is in PL: as long as there is anybody elsewhere, that is no trouble."""
    workspace = workspace_in(tmp_path, warehouse=warehouse)
    wanted = segment(connection="warehouse", sql=sql, partitions=partitions)
    assert [partition.label for partition in workspace.partitions(wanted.source)] == labels
    parts = prepared_in_parts(workspace, wanted)
    assert (parts.drops.read, parts.drops.prepared, parts.drops.rows) == (100, 100, {})
    whole = prepare_into(workspace, wanted, workspace.lake, "whole", lambda _rows: None)
    assert members(workspace, parts.path) == members(workspace, whole.path)
    assert parts.drops.columns == whole.drops.columns
    run = workspace.ledger.run("vips", "run")
    assert run is not None
    assert (run.prepared_path, run.drops["read"]) == (parts.path, 100)


def test_nobody_in_any_partition(tmp_path: Path, warehouse: Connection) -> None:
    workspace = workspace_in(tmp_path, warehouse=warehouse)
    sql = "SELECT * FROM people WHERE country = '{{ partition }}'"
    wanted = segment(connection="warehouse", sql=sql, partitions=["PL", "CZ"])
    with pytest.raises(NoRows, match=r"no partition gave any rows \(2 were read\).*vips"):
        prepared_in_parts(workspace, wanted)
    assert workspace.ledger.run("vips", "run") is None
    with pytest.raises(NoRows):
        prepare_into(workspace, wanted, workspace.lake, "whole", lambda _rows: None)


def test_a_query_that_does_not_tell_partitions_apart(tmp_path: Path, warehouse: Connection) -> None:
    workspace = workspace_in(tmp_path, warehouse=warehouse)
    with pytest.raises(ConfigError, match="every partition would be all of it"):
        workspace.partitions(segment(connection="warehouse", sql="SELECT * FROM people", partitions=2).source)


def test_a_file_that_went_away_after_it_was_listed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"people-{name}.csv", [(name, f"{name}@example.com")])
    workspace, wanted = workspace_in(tmp_path), segment(file="people-*.csv")
    first, second = workspace.partitions(wanted.source)
    (tmp_path / "people-b.csv").unlink()
    write(tmp_path / "people-c.csv", [("c", "c@example.com")])
    assert prepare_partition(workspace, wanted, "run", first).drops.read == 1
    with pytest.raises(DataError, match=r"went away after the run had listed them: clear the run's first task"):
        prepare_partition(workspace, wanted, "run", second)


def test_what_a_lost_worker_goes_on_writing_does_not_count(tmp_path: Path) -> None:
    """The first try of a task that was thought to be dead ends after the second: each has a folder of its own."""
    write(tmp_path / "people-a.csv", [("a", "old@example.com")])
    workspace, wanted = workspace_in(tmp_path), segment(file="people-*.csv")
    (partition,) = workspace.partitions(wanted.source)
    lost = prepare_partition(workspace, wanted, "run", partition)
    write(tmp_path / "people-a.csv", [("a", "new@example.com"), ("b", "b@example.com")])
    counted = prepare_partition(workspace, wanted, "run", partition)
    parts = gather(workspace, wanted, "run", [counted.path])
    frame = workspace.lake.scan(lost.path).collect()
    workspace.lake.write(f"{lost.path}/part-99999-000.parquet", frame)
    assert members(workspace, parts.path) == members(workspace, counted.path)
    assert len(members(workspace, parts.path)) == 2


def test_partitions_that_make_no_sense() -> None:
    for source, told in (
        ({"connection": "w", "table": "people", "partitions": 4}, "write `sql`"),
        ({"file": "people.csv", "partitions": 4}, "files of a glob"),
        ({"file": "people-*.csv", "partitions": ["DE", "FR"]}, "files of a glob"),
        ({"connection": "w", "sql": "SELECT 1", "partitions": 1}, "greater than or equal to 2"),
        ({"connection": "w", "sql": "SELECT 1", "partitions": ["DE", "x' OR 1=1"]}, "match pattern"),
    ):
        with pytest.raises(ValueError, match=told):
            segment(**source)


def test_members_of_partitions_are_one_for_whoever_reads_them(tmp_path: Path) -> None:
    """Erasures and opt-out times look for members in the files of a run, partitioned or not."""
    for name in ("a", "b"):
        write(tmp_path / f"people-{name}.csv", [(name, f"{name}@example.com")])
    workspace, wanted = workspace_in(tmp_path), segment(file="people-*.csv")
    parts = prepared_in_parts(workspace, wanted)
    assert len(list(workspace.lake.parts(parts.path))) == 2
    assert workspace.lake.scan(parts.path).select(MEMBER).collect().height == 2
    assert set(workspace.lake.parts(parts.path)) <= set(workspace.lake.files("vips"))
    assert workspace.lake.parts("vips/runs/gone/1/parts.json") == []
