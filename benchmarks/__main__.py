"""`make bench`: every measure in turn, one table on the screen, and the same in ``benchmarks/results.md``.

BENCH_RUNS    runs of each contender (5); what takes minutes runs once
BENCH_SCALE   multiplies all sizes (1); 0.01 tries everything out in a minute
BENCH_ONLY    measures to take, by their files' names, with commas between
BENCH_FOLDER  where 20 GB of made-up members may stand for a while (the system's folder for temporary files)

SEGMENTS, PHONES, PREPARE_ROWS, SAMPLE_ROWS, HASHES, MEMORY_ROWS, PLAN_MEMBERS, ADDS, INTAKE_ROWS, INTAKE_FEW and INTAKE_BYTES,
with BENCH_ before, are single sizes.
Results of anything but a whole run at full size go to ``.guestlist/bench/results.md``.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from rich.console import Console

from benchmarks.bench import OUT, ROOT, Bench, Missed
from benchmarks.results import Row, Section, as_markdown, as_table

MEASURES = ("startup", "overview", "pages", "phones", "prepare", "hashing", "memory", "planning", "delivery", "intake")

_WIDTH_OF_FILES = 150


def main() -> int:
    """Measure, print, write. Returns 0 also where a goal is missed: this tells, it does not judge."""
    chosen = [name for name in MEASURES if name in (os.environ.get("BENCH_ONLY") or ",".join(MEASURES)).split(",")]
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_FILES)
    started = time.monotonic()
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "log.txt").write_text("", encoding="utf-8")
    sections = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER") or None) as folder:
        bench = Bench(Path(folder), say=lambda _: None)
        for name in chosen:
            measure = import_module(f"benchmarks.{name}")
            with console.status(measure.TITLE) as status:
                bench.say = lambda text, title=measure.TITLE: status.update(f"{title}: {text}")  # type: ignore[misc]
                sections.append(_taken(bench, measure))
            console.print(f"{measure.TITLE}: done after {time.monotonic() - started:,.0f} s")
    console.print(as_table(sections))
    whole = chosen == list(MEASURES) and not {name for name in os.environ if name.startswith("BENCH_")} - {"BENCH_FOLDER"}
    file = (ROOT / "benchmarks" if whole else OUT) / "results.md"
    file.write_text(as_markdown(sections), encoding="utf-8")
    console.print(f"Written to {file} after {time.monotonic() - started:,.0f} s.")
    return 0


def _taken(bench: Bench, measure: object) -> Section:
    """A measure's rows; one that could not be taken says so, and keeps nobody from the others."""
    rows: list[Row] = []
    try:
        rows.extend(measure.measure(bench))  # type: ignore[attr-defined]
    except (Missed, AssertionError) as error:  # what the tests set up asserts that it works
        rows.append(Row("the rest", f"not measured: {error}"))
    return Section(measure.TITLE, rows, measure.NOTE)  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.exit(main())
