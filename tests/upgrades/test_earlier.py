"""What an earlier Guestlist has kept goes on to count; what a newer one has kept is refused, and left as it is.

`earlier/` was written by the code of its day (`make_earlier.py`): 20 people in one audience at Google and one at Meta.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError
from guestlist.model.plan import FORMAT, Plan
from guestlist.model.segment import Segment
from guestlist.runtime import sync
from guestlist.runtime.config import Config
from guestlist.runtime.ledger import tables, tables_version
from guestlist.runtime.segments import find_segment
from guestlist.runtime.wiring import Workspace

HERE = Path(__file__).resolve().parent
LABELS = pytest.mark.parametrize("label", ["google_ads_main", "meta_main"])


def no_connection(name: str) -> Connection:
    raise ConfigError(f"nothing is sent, so nobody needs {name}")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    shutil.copytree(HERE / "earlier" / "lake", tmp_path / "lake")
    shutil.copytree(HERE / "segments", tmp_path / "segments")
    shutil.copy(HERE / "people.csv", tmp_path)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as ledger:
        ledger.executescript((HERE / "earlier" / "ledger.sql").read_text(encoding="utf-8"))
    ledger_at, lake_at = f"sqlite:///{tmp_path}/ledger.db", str(tmp_path / "lake")
    return Workspace(Config(tmp_path, tmp_path / "segments", ledger_at, lake_at, tmp_path / "key"), no_connection)


@pytest.fixture
def segment(workspace: Workspace) -> Segment:
    return find_segment("people", workspace.config.segments)


@LABELS
def test_an_earlier_generation_is_what_the_next_plan_compares_with(workspace: Workspace, segment: Segment, label: str) -> None:
    assert tables_version(workspace.config.ledger) == "0001"
    people = workspace.config.home / "people.csv"
    header, *rows = people.read_text().splitlines()
    joining = [f"{number},person{number}@example.com,+1 212 555 {number:04},US" for number in (20, 21)]
    people.write_text("\n".join([header, *rows[3:], *joining]) + "\n")
    sync.prepare(workspace, segment, "now")
    plan = workspace.plan(sync.make_plan(workspace, segment, "now", label, sync.PlanOptions(dry_run=True)))
    counts = plan.counts
    assert (counts.held, counts.wanted, counts.new, counts.gone, counts.changed, counts.resent) == (20, 19, 2, 3, 0, 0)
    assert tables_version(workspace.config.ledger) == tables.HEAD


@LABELS
def test_an_earlier_plan_is_read(workspace: Workspace, label: str) -> None:
    row = workspace.ledger.newest_plan("people", label)
    plan = workspace.plan(row.id)
    assert (plan.label, plan.counts.new, [upload.rows for upload in plan.uploads]) == (label, 20, [20])
    document = json.loads((workspace.config.home / "lake" / plan.path / "plan.json").read_text())
    assert "format" not in document
    assert Plan.from_json(plan.as_json()) == plan
    assert plan.as_json()["format"] == FORMAT


def test_a_newer_plan_is_refused_and_told(workspace: Workspace) -> None:
    row = workspace.ledger.newest_plan("people", "meta_main")
    path = workspace.config.home / "lake" / workspace.ledger.plan_path(row.id) / "plan.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": FORMAT + 1, "something": "new"}))
    with pytest.raises(ConfigError, match=f"is written in format {FORMAT + 1}, and this Guestlist reads up to {FORMAT}"):
        workspace.plan(row.id)


def test_the_fixture_holds_nobody_in_clear() -> None:
    for path in (HERE / "earlier" / "lake").rglob("*.parquet"):
        text = pl.read_parquet(path).write_json()
        assert "example.com" not in text
        assert "+1212555" not in text
