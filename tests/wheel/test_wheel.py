"""The wheel in a bare environment: two lines and a folder of segments are all that an Airflow needs; nothing is the checkout's."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from wheel.bare import ROOT
from wheel.conftest import DAG_FILE, Site, write_people

from guestlist import destinations
from guestlist.runtime.ledger import tables

pytestmark = pytest.mark.slow
OURS = {"people", "guestlist_upkeep", "guestlist_reconcile", "guestlist_erasure"}


def test_the_wheel_holds_what_runs_and_its_licence(built_wheel: Path) -> None:
    with zipfile.ZipFile(built_wheel) as wheel:
        names = set(wheel.namelist())
    package = ROOT / "include" / "guestlist"
    there = {str(path.relative_to(package.parent)) for path in package.rglob("*") if path.is_file()}
    assert {name for name in names if ".dist-info/" not in name} == {name for name in there if "__pycache__" not in name}
    assert any(f"migrations/versions/{tables.HEAD}_" in name for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_nothing_comes_from_the_checkout(site: Site) -> None:
    code = "import guestlist, json, sys; print(json.dumps([guestlist.__file__, *sys.path]))"
    (package, *path) = json.loads(site.run("python", "-c", code))
    assert Path(package).is_relative_to(site.python.parents[1])
    assert not any(Path(entry).is_relative_to(ROOT) for entry in path if entry)


def test_a_segment_runs_and_a_leaver_is_removed(site: Site) -> None:
    assert len(DAG_FILE.splitlines()) == 2
    site.run("airflow", "db", "migrate")
    assert {dag["dag_id"] for dag in site.json("airflow", "dags", "list", "--local", "-o", "json")} == OURS
    for people in (range(50), range(3, 52)):
        write_people(site.folder / "airflow" / "dags", people)
        site.run("airflow", "dags", "test", "people")
        status = site.json("guestlist", "status", "people", "--json")
        print(status)
    assert (site.folder / "kept" / "ledger.db").exists()
