"""Measures can be taken: at a thousand rows, once; what it comes to is nobody's business here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Where the results go instead of the project's own folder."""
    return tmp_path_factory.mktemp("bench")


def python(home, *arguments, **environment):
    variables = {**os.environ, "GUESTLIST_HOME": str(home), "PYTHONPATH": str(ROOT), **environment}
    return subprocess.check_output([sys.executable, "-m", *arguments], cwd=ROOT, env=variables, text=True)


def called(home, module, function, **arguments):
    return json.loads(python(home, "benchmarks.child", f"benchmarks.{module}", function, json.dumps(arguments)))


def test_measures_are_taken(home):
    measures = (
        "startup,phones,hashing,memory,planning,delivery,overview,pages"  # prepare fetches packages, intake takes minutes
    )
    python(home, "benchmarks", BENCH_ONLY=measures, BENCH_SCALE="0.0001", BENCH_RUNS="1", BENCH_FOLDER=str(home))
    told = (home / "bench" / "results.md").read_text(encoding="utf-8")
    assert "not measured" not in told
    for measure in ("start-up", "phones", "hashing", "memory of prepare", "plan", "delivery", "overview", "pages"):
        assert f"| {measure} |" in told
    assert "| differences in 1,000 numbers | 0 |" in told


@pytest.mark.parametrize("reference", ["loop", "duckdb_sql", "meta_normaliser"])
def test_references_do_the_work(home, reference):
    people = str(home / "people.parquet")
    if not Path(people).exists():
        called(home, "sources", "people", file=people, rows=1000)
    assert called(home, "references", reference, file=people, rows=1000, out=str(home / reference))["rows"] == 1000
    assert any(file.stat().st_size > 100_000 for file in home.glob(f"{reference}.*"))
