"""Prepare for four platforms, beside what people write instead."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import references, sources
from benchmarks.bench import GUESTLIST, Bench, Run, size
from benchmarks.results import Row

TITLE = "prepare"
NOTE = (
    "`guestlist prepare` for Google Ads, Meta, TikTok and Snapchat (emails and phones): email, phone, first and last name, "
    "city, state, zip and country are normalised by each platform's rules, hashed, deduplicated and written. The references "
    "read the same file, or its first rows, keep one row of each customer_id and write their hashes. The loop, pandas and "
    "DuckDB make twelve hashes a row by simple rules; SQL has no libphonenumber, so DuckDB reads phones by regular expressions "
    "and is often wrong. Google's formatter makes Google's fields only (four hashes a row), Meta's normaliser Meta's (eight); "
    "neither knows national phone numbers."
)
HASHES_A_SECOND = "hashes in prepare"
_OURS = "guestlist prepare"
_LEAST_RATE = 500_000
_LEAST_RATIO = 10
_SEGMENT = """
name: bench
source: {{file: {file}}}
key: customer_id
identifiers:
  email: email
  phone: {{columns: [phone], region: country}}
  first_name: first_name
  last_name: last_name
  city: city
  state: state
  postal_code: zip
  country: country
destinations:
"""
_TWO = """\
  - {platform: google_ads, connection: google, audience: Bench}
  - {platform: meta, connection: meta, audience: Bench}
"""
_FOUR = f"""{_TWO}\
  - {{platform: tiktok_ads, connection: tiktok, audience: Bench}}
  - {{platform: snapchat_ads, connection: snapchat, audience: Bench, upload: all}}
"""
_FIRST_GOAL_RATE, _FIRST_GOAL_MIB = 150_000, 1536


def measure(bench: Bench) -> Iterator[Row]:
    """Rates of all, and the ratio to the fastest of the others."""
    rows, sample = size("PREPARE_ROWS", 2_000_000), size("SAMPLE_ROWS", 20_000)
    file, out = bench.folder / "people.parquet", bench.folder / "prepared"
    bench.say(f"making {rows:,} members")
    bench.call(sources.people, file=str(file), rows=rows)
    first = bench.folder / "half.parquet"
    bench.call(sources.people, file=str(first), rows=rows // 2)
    bench.say("installing references")
    references.install()
    half = f"{_OURS}, Google Ads and Meta, {rows // 2:,} rows"
    contenders: dict[str, Callable[[], Run]] = {
        _OURS: lambda: prepared(bench, file, out),
        half: lambda: prepared(bench, first, bench.folder / "prepared for two", destinations=_TWO),
    }
    for title, (function, whole) in references.ALL.items():
        count = rows if whole else sample
        name = f"{title}{'' if whole else f' ({sample:,} rows)'}"
        contenders[name] = partial(bench.call, function, file=str(file), rows=count, out=str(bench.folder / "reference"))
    found = bench.rounds(contenders)
    for name, runs in found.items():
        yield Row.rate(name, runs, "rows", {_OURS: _LEAST_RATE, half: _FIRST_GOAL_RATE}.get(name))
    peak = max(run.peak for run in found[half].done)
    goal = f"under {_FIRST_GOAL_MIB:,} MiB"
    yield Row("peak for Google Ads and Meta", f"{peak:,.0f} MiB", goal=goal, reached=peak < _FIRST_GOAL_MIB)
    rate, fastest = max((runs.rate, name) for name, runs in found.items() if name not in (_OURS, half) and not runs.missed)
    yield Row.at_least(f"times as fast as {fastest}", found[_OURS].rate / rate, _LEAST_RATIO)
    counted = bench.call(hashes_in, folder=str(out / "bench")).facts["hashes"]
    bench.found[HASHES_A_SECOND] = counted / found[_OURS].median()


def prepared(bench: Bench, file: Path, out: Path, *, destinations: str = _FOUR, clean: bool = False) -> Run:
    """One ``guestlist prepare`` of that file in a process of its own; ``clean`` takes away what it wrote."""
    segments = bench.folder / "segments"
    segments.mkdir(exist_ok=True)
    (segments / "bench.yaml").write_text(_SEGMENT.format(file=file) + destinations, encoding="utf-8")
    environment = {"GUESTLIST_SEGMENTS": str(segments), "GUESTLIST_HOME": str(bench.folder / "home")}
    run = bench.program(GUESTLIST, "prepare", "bench", "--out", str(out), "--json", environment=environment)
    if clean:
        shutil.rmtree(out)
        file.unlink()
    return Run({"rows": run.facts["rows_read"], **run.facts}, run.peak)


def hashes_in(folder: str) -> Mapping[str, Any]:
    """How many hashed values stand in prepared files."""
    import polars as pl

    from guestlist.identity.recipes import recipe

    files = pl.scan_parquet(f"{folder}/*.parquet")
    counts = [
        pl.col(name).list.len().sum() if isinstance(kind, pl.List) else pl.col(name).count()
        for name, kind in files.collect_schema().items()
        if ":" in name and recipe(name.split(":", 1)[1]).hashed
    ]
    return {"hashes": files.select(pl.sum_horizontal(counts)).collect(engine="streaming").item()}
