"""How long a person waits for ``guestlist --help``."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.bench import GUESTLIST, Bench
from benchmarks.results import Row

TITLE = "start-up"
NOTE = "wall seconds of `guestlist --help` as a process of its own; one that is not counted comes before."
_GOAL = 0.4


def measure(bench: Bench) -> Iterator[Row]:
    """The median of its wall seconds."""
    bench.program(GUESTLIST, "--help")
    runs = bench.rounds({"guestlist --help": lambda: bench.program(GUESTLIST, "--help")})["guestlist --help"]
    seconds = runs.median()
    yield Row("guestlist --help", f"{seconds:.2f} s", runs.peak, len(runs.done), f"under {_GOAL} s", seconds < _GOAL)
