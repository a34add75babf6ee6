"""Peak memory of prepare must not grow with the source."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import sources
from benchmarks.bench import Bench, Runs, size
from benchmarks.prepare import prepared
from benchmarks.results import Row

TITLE = "memory of prepare"
NOTE = "`guestlist prepare` of one Parquet file for the same four platforms, once for each size."
_MOST_MIB = 2048
_MOST_GROWTH = 1.3


def measure(bench: Bench) -> Iterator[Row]:
    """A large source and one four times as large."""
    rows = size("MEMORY_ROWS", 20_000_000)
    peaks = []
    for count in (rows // 4, rows):
        file, out = bench.folder / "many.parquet", bench.folder / "many"
        bench.say(f"making {count:,} members")
        bench.call(sources.many_people, file=str(file), rows=count)
        bench.say(f"preparing {count:,} members")
        run = prepared(bench, file, out, clean=True)
        peaks.append(run.peak)
        row = Row.rate(f"prepare of {count:,} rows", Runs([run]), "rows")
        yield row
    yield Row("peak of the larger one", f"{peaks[1]:,.0f} MiB", goal=f"under {_MOST_MIB:,} MiB", reached=peaks[1] < _MOST_MIB)
    yield Row.at_most("times that of the smaller one", peaks[1] / peaks[0], _MOST_GROWTH)
