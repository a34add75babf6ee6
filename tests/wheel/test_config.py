"""Where a wheel keeps its things: nothing in site-packages, and nothing in a place that nobody has chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestlist.model.errors import ConfigError
from guestlist.runtime import config
from guestlist.runtime.config import Config, segments_folder


@pytest.fixture(autouse=True)
def a_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As it is where Guestlist was imported from site-packages."""
    monkeypatch.setattr(config, "_PROJECT", None)
    for name in ("HOME", "SEGMENTS", "LEDGER", "LAKE", "VAULT_KEY"):
        monkeypatch.delenv(f"GUESTLIST_{name}", raising=False)
    monkeypatch.delenv("AIRFLOW__CORE__DAGS_FOLDER")
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))


def test_segments_are_beside_the_dag_file_or_in_the_folder_of_dags(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert segments_folder(Path("/bundles/ours/versions/1/dags/ours.py")) == Path("/bundles/ours/versions/1/dags/segments")
    assert segments_folder() == tmp_path / "dags" / "segments"
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", "/usr/local/airflow/dags")
    assert segments_folder() == Path("/usr/local/airflow/dags/segments")
    monkeypatch.setenv("GUESTLIST_SEGMENTS", "/elsewhere")
    assert segments_folder(Path("/dags/ours.py")) == segments_folder() == Path("/elsewhere")


@pytest.mark.parametrize("given", [{}, {"LEDGER": "postgresql://h/db"}, {"LAKE": "s3://bucket/lake"}])
def test_nobody_guesses_where_the_memory_is_kept(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"GUESTLIST_{name}", value)
    with pytest.raises(ConfigError, match=r"set GUESTLIST_HOME .* or GUESTLIST_LEDGER and GUESTLIST_LAKE"):
        Config.from_environment()


def test_a_home_is_enough_and_so_are_ledger_and_lake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GUESTLIST_LEDGER", "postgresql://h/db")
    monkeypatch.setenv("GUESTLIST_LAKE", "s3://bucket/lake")
    found = Config.from_environment(Path("/dags/ours.py"))
    assert (found.ledger, found.lake) == ("postgresql://h/db", "s3://bucket/lake")
    assert (found.segments, found.vault_key) == (Path("/dags/segments"), tmp_path / "guestlist" / "vault.key")
    monkeypatch.delenv("GUESTLIST_LEDGER")
    monkeypatch.delenv("GUESTLIST_LAKE")
    monkeypatch.setenv("GUESTLIST_HOME", "/kept")
    found = Config.from_environment()
    assert (found.ledger, found.lake, found.vault_key) == ("sqlite:////kept/ledger.db", "/kept/lake", Path("/kept/vault.key"))
