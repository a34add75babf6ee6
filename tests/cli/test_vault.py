"""The key of the lake on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.rig import Installation, guestlist, person

from guestlist.cli import exits
from guestlist.runtime.vault import keys_in, new_key
from guestlist.runtime.wiring import Workspace

EDGETAG = {"platform": "edgetag", "connection": "edgetag_main", "audience": "VIPs", "mode": "append"}


@pytest.fixture
def out(installation: Installation, tmp_path: Path) -> Path:
    """Encrypted members of a segment, and the key file."""
    assert guestlist("vault", "create").exit_code == 0
    installation.segment(destinations=[EDGETAG])
    installation.people([person(number) for number in range(20)])
    for arguments in (["plan", "vips"], ["prepare", "vips", "--out", str(tmp_path / "out")]):
        told = guestlist(*arguments)
        assert told.exit_code == 0, told.stderr
    return tmp_path / "out"


def locked(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.locked"))


def test_members_prepared_into_a_folder_are_encrypted_too(out: Path) -> None:
    assert locked(out / "vips")
    for path in out.rglob("*"):
        assert path.is_dir() or b"person1@" not in path.read_bytes()
    again = guestlist("prepare", "vips", "--out", str(out), "--json")
    assert json.loads(again.stdout)["prepared"] == 20
    assert len(locked(out / "vips")) == 1


def test_rotate(installation: Installation, out: Path) -> None:
    key_file = installation.home / "vault.key"
    old = key_file.read_text()
    lake = installation.home / "lake"
    count = len(locked(lake)) + len(locked(out))
    told = guestlist("vault", "rotate", "--also", str(out))
    assert told.exit_code == 0, told.stderr
    assert f"{count:,} files are locked with the new key, which is in" in told.stderr
    (new,) = keys_in(key_file.read_text())
    assert new not in told.output
    assert new not in old
    for arguments in (["plan", "vips"], ["prepare", "vips", "--out", str(out)]):
        assert guestlist(*arguments).exit_code == 0
    key_file.write_text(old)
    for arguments in (["plan", "vips"], ["prepare", "vips", "--out", str(out)], ["vault", "rotate"]):
        told = guestlist(*arguments)
        assert told.exit_code == exits.CONFIG
        assert "does not open" in told.stderr
        assert old.strip() not in told.output


def test_a_run_that_is_under_way_is_not_disturbed(installation: Installation, out: Path) -> None:
    before = (installation.home / "vault.key").read_text()
    ledger = Workspace().ledger
    ledger.take_lease("vips", "airflow guestlist_vips run1")
    told = guestlist("vault", "rotate")
    assert told.exit_code == 10
    assert "run1" in told.stderr
    assert (installation.home / "vault.key").read_text() == before
    ledger.drop_lease("vips", "airflow guestlist_vips run1")
    ledger.take_lease("vault rotate", "process elsewhere 1 2")
    assert guestlist("vault", "rotate").exit_code == 10, "another rotation"
    assert (installation.home / "vault.key").read_text() == before
    ledger.drop_lease("vault rotate", "process elsewhere 1 2")
    assert guestlist("vault", "rotate").exit_code == 0
    ledger.take_lease("vips", "process elsewhere 1 2")  # it has given them all back


def test_rotate_with_the_keys_in_a_connection(
    installation: Installation, out: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key_file = installation.home / "vault.key"
    old = key_file.read_text().strip()
    key_file.unlink()
    new = new_key()
    for password, code, message in (
        (old, exits.CONFIG, "with a comma between them"),
        (f"{new},{old}", exits.OK, "leave only the first key in the password"),
    ):
        monkeypatch.setenv("AIRFLOW_CONN_GUESTLIST_VAULT", json.dumps({"conn_type": "generic", "password": password}))
        told = guestlist("vault", "rotate")
        assert (told.exit_code, message in told.stderr) == (code, True), told.stderr
        assert new not in told.output
        assert old not in told.output
    monkeypatch.setenv("AIRFLOW_CONN_GUESTLIST_VAULT", json.dumps({"conn_type": "generic", "password": new}))
    assert guestlist("plan", "vips").exit_code == 0
