"""The house's layering rule: imports run down only, and dangerous things live in one place each."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "include" / "guestlist"
FLOORS = {
    "model": 0,
    "identity": 1,
    "pipeline": 1,
    "sources": 2,
    "destinations": 2,
    "sandbox": 2,
    "sample": 2,
    "runtime": 3,
    "orchestration": 4,
    "cli": 4,
    "web": 4,
}
SIBLINGS = {("pipeline", "identity")}
"""Rooms of one floor that may be used by another one."""
DOORS = {("orchestration/plugin.py", "web")}
"""Files that may use another room of their floor: the plugin is what mounts the pages."""

CONFINED = {
    "airflow": {"orchestration", "web", "dags", "plugins"},
    "httpx": {
        "runtime/carriers",
        "sources/rest.py",  # warehouses that are asked over HTTPS: docs/decisions/0015
    },
    "facebook_business": {"runtime/carriers"},
    "google.ads": {"runtime/carriers", "sandbox"},
    "requests": {"runtime/carriers"},
    "openlineage": {"orchestration/facets.py"},
    "openlineage_sql": {"orchestration/facets.py"},
    "hashlib": {
        "identity/hashing.py",
        "destinations/_tiktok_files.py",  # the signature of an uploaded file's bytes, which TikTok asks for
        "pipeline/batching.py",  # ids of sessions and batches: digests of names and content, no identity
        "pipeline/receipts.py",  # the chain of receipts, which hold no identity
        "runtime/intake",  # digests of files and of keys for pushing
        "runtime/layout.py",  # names of folders
        "runtime/sync/plan.py",  # what a plan was made from
        "sandbox",  # shares nothing with what it judges
    },
}
"""Module -> the rooms and files that may import it; each exception has its reason beside it."""

FILES = sorted(PACKAGE.rglob("*.py")) + sorted((ROOT / "dags").glob("*.py")) + sorted((ROOT / "plugins").glob("*.py"))


def place(file):
    return str(file.relative_to(PACKAGE)) if PACKAGE in file.parents else str(file.relative_to(ROOT))


def imports(file):
    """Every module that a file imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place(file)} uses a relative import"
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def room(module):
    parts = module.split(".")
    return parts[1] if parts[0] == "guestlist" and len(parts) > 1 and parts[1] in FLOORS else None


@pytest.mark.parametrize("file", FILES, ids=place)
def test_imports_run_down_only(file):
    here = place(file).split("/")[0]
    if here not in FLOORS:
        return
    for module in imports(file):
        there = room(module)
        if there is None or there == here:
            continue
        down = FLOORS[there] < FLOORS[here] or (here, there) in SIBLINGS or (place(file), there) in DOORS
        assert down, f"{place(file)} imports {module}: floor {FLOORS[there]} from floor {FLOORS[here]}"


@pytest.mark.parametrize("file", FILES, ids=place)
def test_dangerous_modules_stay_in_their_rooms(file):
    where = place(file)
    for module in imports(file):
        for confined, rooms in CONFINED.items():
            if module == confined or module.startswith(f"{confined}."):
                assert any(where == allowed or where.startswith(f"{allowed}/") for allowed in rooms), (
                    f"{where} imports {module}, which belongs to {', '.join(sorted(rooms))}"
                )


def test_only_the_clock_waits_and_tells_the_time():
    """Outside of runtime/clock.py nothing sleeps; the command line shows seconds, the sandbox has its own clock."""
    allowed = {"runtime/clock.py"}
    for file in FILES:
        where = place(file)
        if where in allowed or where.startswith("sandbox/"):
            continue
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\btime\.sleep\(|datetime\.now\(|date\.today\(", text), f"{where} asks the machine's clock"


def test_plugins_hold_one_file():
    """Airflow executes every file there under its bare name."""
    assert [file.name for file in (ROOT / "plugins").glob("*.py")] == ["guestlist_plugin.py"]


def test_nothing_refers_to_places_outside_the_project():
    for file in ROOT.rglob("*"):
        top = file.relative_to(ROOT).parts[0]
        inside = top not in (".git", ".guestlist", ".mutation") and not top.startswith(".venv")  # make audit has one, too
        if file.is_file() and inside and file.suffix in {".py", ".md", ".yaml", ".toml", ".txt", ".in", ".sql", ""}:
            text = file.read_text(encoding="utf-8", errors="ignore")
            assert "../sha" + "red" not in text, f"{file} refers to a place outside the project"
            assert "pythonhosted" + ".org" not in text, f"{file} names a registry's host"
