"""Deliver a million members to platforms that answer at once: what Guestlist itself costs."""

from __future__ import annotations

import resource
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import stage
from benchmarks.bench import Bench, Missed, size
from benchmarks.results import Row

TITLE = "delivery"
NOTE = (
    "`open_session` and `send_part` of a plan of additions with email, phone, names, country and postal code. Lake, ledger, "
    "driver, destination and the vendor's SDK are the real ones; only the network is not: every request is read to its end and "
    "answered within the process. Growth is the peak memory at the end by that after the first tenth, and beside it by that "
    "halfway: a tenth takes less than a second, and Polars' allocator is filling what it keeps for five."
)
_PLATFORMS = {"meta": "Meta", "google_ads": "Data Manager"}
_LEAST_RATE = 150_000
_MOST_GROWTH = 1.2
_EARLY = 10


def measure(bench: Bench) -> Iterator[Row]:
    """Members a second and the growth of memory, for both SDKs."""
    members, folder = size("ADDS", 1_000_000), str(bench.folder / "delivery")
    bench.say(f"planning {members:,} additions")
    plans = bench.call(planned, folder=folder, count=members).facts
    runs = {title: partial(bench.call, deliver, folder=folder, plan=plans[label]) for label, title in _PLATFORMS.items()}
    for title, found in bench.rounds(runs).items():
        yield Row.rate(title, found, "members", _LEAST_RATE)
        if found.missed:
            continue
        if any(run.facts["rows"] != members for run in found.done):
            raise Missed(f"{title} did not receive {members:,} members")
        yield Row.at_most(f"{title}: growth of memory", found.median("growth"), _MOST_GROWTH)
        yield Row(f"{title}: growth of memory from halfway", f"{found.median('growth_from_halfway'):.2f}")


def planned(folder: str, count: int) -> Mapping[str, Any]:
    """Set the stage: a first plan for each platform; returns their ids."""
    from guestlist.runtime.sync.plan import make_plan

    installation, made = stage.workspace(folder), stage.segment(*_PLATFORMS)
    stage.stage_wanted(installation, made, "first", count)
    return {label: make_plan(installation, made, "first", label) for label in _PLATFORMS}


def deliver(folder: str, plan: int) -> Mapping[str, Any]:
    """One delivery, on a copy of the ledger; returns how many members the platform received."""
    from benchmarks.replies import Platforms
    from guestlist.model.vocabulary import Operation
    from guestlist.runtime.sync.deliver import open_session, send_part

    platforms = Platforms()
    installation, made = stage.workspace(folder, _copied(folder)), stage.segment(*_PLATFORMS)
    peaks = []
    started = time.perf_counter()
    parts = open_session(installation, made, plan, Operation.ADD)
    for part in range(parts):
        send_part(installation, made, plan, Operation.ADD, part)
        peaks.append(_peak())
    seconds = time.perf_counter() - started
    growth, from_halfway = (peaks[-1] / peaks[(parts - 1) // share] for share in (_EARLY, 2))
    return {"rows": platforms.members, "seconds": seconds, "growth": growth, "growth_from_halfway": from_halfway}


def _copied(folder: str) -> str:
    copy = Path(folder) / "copy.db"
    for file in copy.parent.glob("copy.db*"):
        file.unlink()
    with sqlite3.connect(Path(folder) / "ledger.db") as original, sqlite3.connect(copy) as target:
        original.backup(target)
    return copy.name


def _peak() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak
