"""Preparing a whole source: what is written of rows that share a key, however they are spread over batches."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from runtime.rig import META, sha

from guestlist.destinations import platforms
from guestlist.model.connection import Connection
from guestlist.model.plan import Drops
from guestlist.model.segment import Segment
from guestlist.runtime.config import Config
from guestlist.runtime.lake import Lake
from guestlist.runtime.preparation import prepare_into
from guestlist.runtime.wiring import Workspace

SEGMENT = Segment.model_validate(
    {"name": "vips", "source": {"file": "people.csv"}, "key": "id", "identifiers": {"email": "email"}, "destinations": [META]},
    context={"platforms": platforms()},
)
ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "c", "d", "e", "f", " a", ""]), st.booleans()), min_size=1, max_size=40)


@settings(max_examples=30, deadline=None)
@example(rows=[("a", False), *[("a", True)] * 4], at_once=9, slices=1, digits=15)
@given(rows=ROWS, at_once=st.integers(1, 9), slices=st.integers(1, 9), digits=st.sampled_from([1, 15]))
def test_of_several_rows_with_one_key_the_first_that_can_be_reached_counts(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, bool]], at_once: int, slices: int, digits: int
) -> None:
    """With one digit of sixteen, members that have nothing in common look like repeated ones."""
    folder = tmp_path_factory.mktemp("prepare")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["guestlist.runtime.preparation"], "_ROWS_AT_ONCE", at_once)
        patch.setattr("guestlist.sources.base.ROWS_PER_BATCH", 1)
        patch.setattr("guestlist.pipeline.prepare._SLICE", slices)
        patch.setattr("guestlist.pipeline.prepare._SORTING_DIGITS", digits)
        prepared, written = _prepared(
            folder, [(key, f"{n}@example.com" if reached else "") for n, (key, reached) in enumerate(rows)]
        )
    keyed = [(key.strip(), f"{n}@example.com", reached) for n, (key, reached) in enumerate(rows) if key]
    first = {key: email for key, email, reached in reversed(keyed) if reached}
    assert sorted(written) == sorted(sha(email) for email in first.values())
    assert (prepared.read, prepared.prepared) == (len(rows), len(first))
    reached = sum(one[2] for one in keyed)
    lost = {"no_member_key": len(rows) - len(keyed), "repeated_key": reached - len(first), "no_key": len(keyed) - reached}
    after = {reason: prepared.rows.get(reason, 0) for reason in lost}
    assert after["no_member_key"] == lost["no_member_key"]
    assert sum(after.values()) == sum(lost.values()), "whoever is there already is not looked at again"
    prepared.check()


def _prepared(folder: Path, rows: list[tuple[str, str]]) -> tuple[Drops, list[str]]:
    (folder / "segments").mkdir()
    with (folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "email"), *rows])
    config = Config(folder, folder / "segments", f"sqlite:///{folder}/ledger.db", str(folder / "lake"), folder / "key")
    connection = Connection("meta_main", "guestlist", extra={"ad_account_id": "1", "access_token": "t"})
    workspace = Workspace(config, lambda _name: connection)
    lake = Lake(str(folder / "lake"))
    drops = prepare_into(workspace, SEGMENT, lake, "out", lambda _rows: None).drops
    members = pl.read_parquet(f"{folder}/lake/out/*.parquet")
    assert members["member"].n_unique() == members.height
    return drops, members["email:email.lower.v1"].explode().to_list()
