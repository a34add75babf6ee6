"""The files of uploads: of every format, never in the clear, and nothing left of what did not come whole."""

import gzip
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from contract.doors import all_doors
from contract.rig import World, expected_keys, people
from intake.rig import Pushing
from sources.test_excel import write_workbook

from guestlist.model.errors import DataError
from guestlist.runtime import clock
from guestlist.runtime.intake import work
from guestlist.runtime.intake.kept import UPLOADS, ending_of

META = next(door for door in all_doors() if door.platform == "meta")


def written(frame: pl.DataFrame, ending: str, folder: Path) -> bytes:
    file = io.BytesIO()
    if ending == ".parquet":
        frame.write_parquet(file)
    elif ending == ".ndjson":
        frame.write_ndjson(file)
    elif ending == ".xlsx":
        write_workbook(folder / "people.xlsx", people=[frame.columns, *frame.rows()])
        return (folder / "people.xlsx").read_bytes()
    else:
        frame.write_csv(file, separator="\t" if ending == ".tsv" else ",")
    return gzip.compress(file.getvalue()) if ending == ".csv.gz" else file.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".tsv", ".parquet", ".ndjson", ".xlsx"])
def test_every_format_is_read_from_its_encrypted_file(world: World, ending: str, tmp_path: Path) -> None:
    pushing = Pushing.to(world, META)
    audience = pushing.audience()
    rows = people(range(20))
    pushing.push_bytes(audience, written(pl.DataFrame(rows), ending, tmp_path), ending=ending)
    assert rows[0]["email"].encode() not in world.kept()
    pushing.run_due()
    assert pushing.state(audience).status == "ready"
    assert pushing.held(audience) == expected_keys(rows, META)


@pytest.mark.slow
def test_what_is_too_large_or_empty_leaves_nothing(world: World) -> None:
    pushing = Pushing.to(world, META, source={"intake": {"max_bytes": 10_000}})
    for content, told in ((b"x" * 10_001, "larger than the 10000 bytes"), (b"", "is empty")):
        with pytest.raises(DataError, match=told):
            pushing.push_bytes(pushing.audience(str(len(content))), content)
    assert _files(pushing) == []


@pytest.mark.slow
def test_what_is_broken_off_leaves_nothing(world: World) -> None:
    pushing = Pushing.to(world, META)

    def broken_off() -> Iterator[bytes]:
        yield b"email\nann@example.com\n"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        pushing.workspace.keeper.keep("up_1", 1, ".csv", broken_off(), 10**6)
    assert _files(pushing) == []


@pytest.mark.slow
def test_what_nobody_needs_any_more_goes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pushing = Pushing.to(world, META)
    audience = pushing.audience()
    kept = pushing.push(audience, people(range(3)))
    pushing.workspace.keeper.keep("up_unlinked", 1, ".csv", [b"email\nann@example.com\n"], 10**6)
    soon = clock.now() + timedelta(hours=1)
    late = {"id": "up_late", "audience_id": audience.id, "kind": "replace", "pushed_by": "tests", "expires_at": soon}
    pushing.workspace.ledger.enter_upload(late)
    assert work.sweep(pushing.workspace) == 0
    assert len(_files(pushing)) == 2
    later = clock.now() + timedelta(days=40)
    for name in ("guestlist.runtime.clock.now", "guestlist.runtime.ledger.intake.now"):
        monkeypatch.setattr(name, lambda: later)
    assert work.sweep(pushing.workspace) == 1
    assert pushing.workspace.ledger.upload("up_late").state == "expired"  # type: ignore[union-attr]
    assert _files(pushing) == [pushing.workspace.ledger.pieces(kept.id)[0].path]


def _files(pushing: Pushing) -> list[str]:
    root = pushing.workspace.lake.root
    return [str(path.relative_to(root)) for path in (root / UPLOADS).rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("name", "ending"), [("ann@example.com.CSV", ".csv"), ("a.tsv.gz", ".tsv.gz"), ("../../x.parquet", ".parquet")]
)
def test_of_a_files_name_only_its_ending_is_kept(name: str, ending: str) -> None:
    assert ending_of(name) == ending


@pytest.mark.parametrize("name", ["people", "people.exe", "people.csv.exe", ".csvx"])
def test_what_tells_no_format(name: str) -> None:
    with pytest.raises(DataError, match="tells no format"):
        ending_of(name)
