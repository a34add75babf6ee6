"""Figures beside their goals, and the machine that they were measured on: as a table on the screen and as Markdown."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.table import Table

from benchmarks.bench import CORES, Runs

_COLUMNS = ("measure", "what", "figure", "peak memory", "runs", "goal", "reached")
_NUMBERS = ("figure", "peak memory", "runs")
_PACKAGES = ("polars", "polars-hash", "phonenumbers", "duckdb", "pyarrow", "facebook_business", "google-ads-datamanager")


@dataclass(frozen=True)
class Row:
    """One figure. ``peak`` is in MiB; ``reached`` is None where there is no goal."""

    what: str
    figure: str
    peak: float | None = None
    runs: int = 1
    goal: str = ""
    reached: bool | None = None

    @classmethod
    def rate(cls, what: str, runs: Runs, unit: str, least: float | None = None) -> Row:
        """Things a second, and whether they are at least as many as the goal says."""
        if runs.missed:
            return cls(what, f"not measured: {runs.missed}", runs=0)
        goal = f"{least:,.0f} {unit}/s or more" if least else ""
        return cls(what, f"{runs.rate:,.0f} {unit}/s", runs.peak, len(runs.done), goal, runs.rate >= least if least else None)

    @classmethod
    def at_least(cls, what: str, value: float, least: float, form: str = ",.1f") -> Row:
        """A ratio that should be large."""
        return cls(what, format(value, form), goal=f"{least:g} or more", reached=value >= least)

    @classmethod
    def at_most(cls, what: str, value: float, most: float, form: str = ",.2f") -> Row:
        """A ratio that should be small."""
        return cls(what, format(value, form), goal=f"{most:g} or less", reached=value <= most)

    @property
    def cells(self) -> tuple[str, ...]:
        """All columns but the first."""
        peak = f"{self.peak:,.0f} MiB" if self.peak is not None else ""
        runs = str(self.runs) if self.peak is not None else ""
        return (self.what, self.figure, peak, runs, self.goal, {None: "", True: "yes", False: "no"}[self.reached])


@dataclass(frozen=True)
class Section:
    """One measure: its rows, and how to read them."""

    title: str
    rows: Sequence[Row]
    note: str


def machine() -> str:
    """What it was measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return f"{_processor()}, {CORES} cores, {memory:.0f} GiB, {system}; Python {platform.python_version()}, {packages}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown processor")


def as_table(sections: Sequence[Section]) -> Table:
    """For the screen."""
    table = Table(title=machine())
    for name in _COLUMNS:
        table.add_column(name, justify="right" if name in _NUMBERS else "left")
    for section in sections:
        for row, title in zip(section.rows, _titles(section), strict=True):
            table.add_row(title, *row.cells, style={None: "", True: "green", False: "red"}[row.reached])
        table.add_section()
    return table


def as_markdown(sections: Sequence[Section]) -> str:
    """For the file."""
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {datetime.now(UTC):%d %B %Y}. Every run is a process of its own; figures are medians of",
        "the runs, peak memory is the highest of them.",
        "",
        f"Machine: {machine()}.",
        "",
        f"| {' | '.join(_COLUMNS)} |",
        f"|{'|'.join('---:' if name in _NUMBERS else '---' for name in _COLUMNS)}|",
    ]
    for section in sections:
        lines += [f"| {' | '.join((title, *row.cells))} |" for row, title in zip(section.rows, _titles(section), strict=True)]
    notes = [f"- **{section.title}**: {section.note}" for section in sections]
    return "\n".join([*lines, "", "How to read it:", "", *notes, ""])


def _titles(section: Section) -> list[str]:
    return [section.title, *[""] * (len(section.rows) - 1)]
