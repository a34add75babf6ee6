"""What platforms need in plain text is never readable on disk, and goes when nobody needs it any more."""

from __future__ import annotations

import stat
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runtime.rig import Rig, people
from upath import UPath

from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError, DataError
from guestlist.runtime.lake import Lake
from guestlist.runtime.sync.check import check_segment
from guestlist.runtime.sync.plan import make_plan
from guestlist.runtime.sync.prepare import prepare
from guestlist.runtime.vault import Vault, create_key_file, key_from_file, keys_in, new_key, replace_key_file
from guestlist.runtime.wiring import Workspace

FRAME = pl.DataFrame({"member": ["a", "b"], "email": [["dana@example.com"], None]})


@given(st.binary(max_size=2000), st.text(max_size=20))
def test_what_is_locked_is_unlocked_by_its_key_and_name_alone(data: bytes, name: str) -> None:
    vault = Vault(new_key())
    locked = vault.lock(data, name)
    assert vault.unlock(locked, name) == data
    assert locked != vault.lock(data, name), "the same file twice does not look the same"
    for other, called, damaged in (
        (Vault(new_key()), name, locked),
        (vault, name + "x", locked),
        (vault, name, locked[:-1]),
        (vault, name, bytes([locked[0] ^ 1]) + locked[1:-1] + bytes([locked[-1] ^ 1])),
        (vault, name, data),
        (vault, name, b""),
    ):
        with pytest.raises(ConfigError, match="does not open"):
            other.unlock(damaged, called)


@given(st.binary(max_size=200))
def test_of_several_keys_the_first_locks_and_all_open(data: bytes) -> None:
    old, new = new_key(), new_key()
    both = Vault(f"{new}\n{old}\n")
    theirs, ours = Vault(old).lock(data, "n"), both.lock(data, "n")
    assert both.unlock(theirs, "n") == both.unlock(ours, "n") == Vault(new).unlock(ours, "n") == data
    assert both.relock(ours, "n") is None
    again = Vault(f"{new},{old}").relock(theirs, "n")
    assert again is not None
    assert Vault(new).unlock(again, "n") == data
    with pytest.raises(ConfigError, match="does not open"):
        Vault(new).relock(theirs, "n")


@pytest.mark.parametrize("key", ["", "x", "not base64 at all!", "c2hvcnQ=", ("A" * 43 + "=") * 2, "ä" * 44])
def test_a_key_that_is_none_is_told_and_not_repeated(key: str) -> None:
    with pytest.raises(ConfigError, match="vault create") as caught:
        Vault(key)
    assert not key or key not in str(caught.value)


def test_a_key_file_is_its_owners_only_and_never_made_twice(tmp_path: Path) -> None:
    path = tmp_path / "new" / "vault.key"
    assert key_from_file(path) is None
    create_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_text()
    with pytest.raises(ConfigError, match="already"):
        create_key_file(path)
    assert path.read_text() == before == key_from_file(path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        key_from_file(path)


@pytest.fixture(params=["", "memory://"], ids=["path", "object store"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"{request.param}{tmp_path}/lake"


def test_a_locked_lake_reads_like_any_other(root: str) -> None:
    key = new_key()
    lake = Lake(root, lambda: Vault(key), locking=True)
    lake.write("s/runs/r/part-00000.parquet", FRAME)
    lake.write("s/runs/r/part-00001.parquet", FRAME.reverse())
    both = pl.concat([FRAME, FRAME.reverse()])
    reader = Lake(root, lambda: Vault(key))
    assert reader.scan("s/runs/r").collect().equals(both)
    assert reader.scan("s/runs/r").select("email").filter(pl.col("email").is_null()).collect().height == 2
    assert reader.scan("s/runs/r").head(1).collect().equals(FRAME.head(1))
    assert reader.scan("s/runs/r").select(pl.len()).collect().item() == 4
    assert list(reader.parts("s/runs/r")) == ["s/runs/r/part-00000.parquet", "s/runs/r/part-00001.parquet"]
    assert reader.exists("s/runs/r/part-00001.parquet")
    for path in (reader.root / "s/runs/r").iterdir():
        assert path.name.endswith(".parquet.locked")
        assert b"dana" not in path.read_bytes()
        assert b"PAR1" not in path.read_bytes()
    with pytest.raises(ConfigError, match="does not open"):
        Lake(root, lambda: Vault(new_key())).scan("s/runs/r").collect()
    with pytest.raises(DataError, match="no vault"):
        Lake(root).scan("s/runs/r/part-00000.parquet")
    reader.remove("s/runs/r/part-00000.parquet")
    assert reader.scan("s/runs/r").collect().equals(FRAME.reverse())
    reader.remove("s/runs")
    reader.remove("s/runs")
    assert not reader.exists("s/runs/r/part-00001.parquet")


PLAIN = {"platform": "edgetag", "connection": "edgetag_main", "audience": "VIPs", "mode": "append"}


@pytest.fixture
def plain(rig: Rig) -> Rig:
    rig.settings["edgetag_main"] = {"endpoint": f"{rig.sandbox.http_url}/edgetag"}
    create_key_file(rig.folder / "home" / "vault.key")
    return rig


def test_without_a_key_nothing_is_read(rig: Rig) -> None:
    rig.settings["edgetag_main"] = {"endpoint": f"{rig.sandbox.http_url}/edgetag"}
    with pytest.raises(ConfigError, match="guestlist vault create"):
        rig.run(rig.segment(PLAIN))  # the source is not even there


def replace_key(rig: Rig) -> None:
    """Another key in place of the one that locked the lake."""
    path = rig.folder / "home" / "vault.key"
    path.unlink()
    create_key_file(path)


@pytest.mark.parametrize("proof", [True, False], ids=["now", "before there was a word for the key"])
def test_with_another_key_nothing_is_read_or_sent(plain: Rig, proof: bool) -> None:
    segment = plain.segment(PLAIN)
    assert plain.run(segment, people(1, 2)).state == "sealed"
    if not proof:
        (plain.folder / "home" / "lake" / "key.locked").unlink()
    replace_key(plain)
    (plain.folder / "people.csv").unlink()
    sent = plain.requests("edgetag")
    workspace = plain.workspace()
    for act in (
        lambda: plain.run(segment),
        lambda: prepare(workspace, segment, "r"),
        lambda: make_plan(workspace, segment, "r", "edgetag_main"),
    ):
        with pytest.raises(ConfigError, match="does not open"):
            act()
    assert plain.requests("edgetag") == sent


def test_two_runs_may_prove_the_key_of_a_new_lake_at_once(plain: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    segment, real, others = plain.segment(PLAIN), Lake._finish, [plain.workspace()]

    def finish(lake: Lake, written: UPath, name: str) -> None:
        while others:
            others.pop().lake_for(segment)
        real(lake, written, name)

    monkeypatch.setattr(Lake, "_finish", finish)
    plain.workspace().lake_for(segment).check_key()
    assert files(plain) == ["key.locked"]


def test_check_tells_of_another_key_first(plain: Rig) -> None:
    segment = plain.segment(PLAIN)
    plain.source(people(1))
    before = files(plain)
    assert [(one.label, one.ok) for one in check_segment(plain.workspace(), segment)][:2] == [("vault", True), ("source", True)]
    assert files(plain) == before, "nothing is changed, not even in the lake"
    prepare(plain.workspace(), segment, "r")
    replace_key(plain)
    vault, source, *_ = check_segment(plain.workspace(), segment)
    assert (vault.label, vault.ok, vault.exit_code) == ("vault", False, ConfigError.exit_code)
    assert "does not open" in vault.findings[0].what
    assert source.ok


def test_a_key_that_is_changed_meanwhile_serves_the_next_file(plain: Rig) -> None:
    workspace = plain.workspace()
    lake = workspace.lake_for(plain.segment(PLAIN))
    lake.write("s/x.parquet", FRAME)
    path = plain.folder / "home" / "vault.key"
    (old,) = keys_in(path.read_text())
    replace_key_file(path, [new := new_key(), old])
    lake.write("s/y.parquet", FRAME)
    name = "s/y.parquet.locked"
    Vault(new).unlock((lake.root / name).read_bytes(), name)
    assert workspace.lake.scan("s/x.parquet").collect().equals(FRAME)


def test_the_key_may_be_a_connections_password(rig: Rig) -> None:
    workspace = rig.workspace()
    key = new_key()
    workspace.resolve = lambda name: Connection(name, "generic", password=key)
    segment = rig.segment(PLAIN)
    workspace.lake_for(segment).write("s/x.parquet", FRAME)
    workspace.resolve = lambda name: Connection(name, "generic")
    assert workspace.lake.scan("s/x.parquet").collect().equals(FRAME)
    with pytest.raises(ConfigError, match="guestlist_vault"):
        rig.workspace().lake_for(segment)


def files(rig: Rig) -> list[str]:
    lake = rig.folder / "home" / "lake"
    return sorted(str(path.relative_to(lake)) for path in lake.rglob("*") if path.is_file())


def test_after_a_sealed_run_only_the_newest_generation_holds_values(plain: Rig) -> None:
    segment = plain.segment(PLAIN)
    for numbers in ((1, 2, 3), (1, 2, 3, 4)):
        report = plain.run(segment, people(*numbers))
        assert report.state == "sealed"
    left = [name for name in files(plain) if ".parquet" in name]
    assert all(name.endswith(".locked") for name in left)
    assert not [name for name in left if "/runs/" in name or "-members" in name]
    workspace: Workspace = plain.workspace()
    with_values = [
        name for name in left if "email" in workspace.lake.scan(name.removesuffix(".locked")).collect_schema().names()
    ]
    sealed = workspace.ledger.generation("vips", "edgetag_main")
    assert sealed is not None
    assert [name for name in with_values if "columns" not in name] == [f"{sealed.path}/part-00000.parquet.locked"]
    again = plain.run(segment, people(1, 2, 3, 4))
    assert (again.state, again.destinations[0].rows_planned) == ("sealed", 0)


def test_what_an_unfinished_run_has_to_send_stays_until_it_is_sent(plain: Rig) -> None:
    segment = plain.segment(PLAIN)
    plain.fault({"drop": "before"}, door="edgetag", times=9)
    with pytest.raises(Exception, match="edgetag"):
        plain.run(segment, people(1, 2))
    assert [name for name in files(plain) if "/runs/" in name]
    plain.admin("DELETE", "faults/edgetag")
    assert plain.run(segment, people(1, 2)).state == "sealed"
    assert not [name for name in files(plain) if "/runs/" in name]
