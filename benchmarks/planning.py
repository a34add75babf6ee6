"""A plan of two large sides that differ in little: time, memory, and how many requests are left."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks import stage
from benchmarks.bench import Bench, Missed, size
from benchmarks.results import Row

TITLE = "plan"
NOTE = (
    "`make_plan` for one Google Ads audience with email, phone, names, country and postal code. Of those who changed, half "
    "have another email and half have left, with somebody new in each one's place. Once for each share."
)
_SHARES = {"1 %": 100, "0.1 %": 1_000}
_GOAL_OF = "1 %"
_MOST_SECONDS = 60
_MOST_GIB = 4


def measure(bench: Bench) -> Iterator[Row]:
    """One plan for each share of changes, on the same held members."""
    members, folder = size("PLAN_MEMBERS", 20_000_000), str(bench.folder / "planning")
    bench.say(f"making {members:,} held members")
    bench.call(held, folder=folder, count=members)
    for share, every in _SHARES.items():
        bench.say(f"making {members:,} wanted members")
        bench.call(wanted, folder=folder, count=members, every=every)
        bench.say(f"planning with {share} changed")
        run = bench.call(plan, folder=folder, every=every)
        facts = run.facts
        _check(facts, members, every)
        goal = share == _GOAL_OF
        yield Row(
            f"{members:,} held, {members:,} wanted, {share} changed",
            f"{facts['seconds']:.1f} s",
            run.peak,
            goal=f"under {_MOST_SECONDS} s" if goal else "",
            reached=facts["seconds"] < _MOST_SECONDS if goal else None,
        )
        if goal:
            gib = run.peak / 1024
            yield Row("its peak memory", f"{gib:.1f} GiB", goal=f"under {_MOST_GIB} GiB", reached=gib < _MOST_GIB)
        yield Row(f"requests with {share} changed", f"{facts['requests']:,}")


def _check(facts: Mapping[str, Any], members: int, every: int) -> None:
    changed = -(-members // every)
    if (facts["added"], facts["removed"]) != (changed, changed):
        raise Missed(f"the plan adds {facts['added']:,} and removes {facts['removed']:,} rows; {changed:,} each would be right")


def held(folder: str, count: int) -> Mapping[str, Any]:
    """Set the stage: what the audience holds."""
    stage.stage_held(stage.workspace(folder), stage.segment("google_ads"), count)
    return {}


def wanted(folder: str, count: int, every: int) -> Mapping[str, Any]:
    """Set the stage: what the segment wants now."""
    stage.stage_wanted(stage.workspace(folder), stage.segment("google_ads"), _run(every), count, every=every)
    return {}


def plan(folder: str, every: int) -> Mapping[str, Any]:
    """One plan."""
    from guestlist.runtime.sync.plan import make_plan

    installation, made = stage.workspace(folder), stage.segment("google_ads")
    started = time.perf_counter()
    plan_id = make_plan(installation, made, _run(every), "google_ads")
    return {"seconds": time.perf_counter() - started, **stage.plan_facts(installation, plan_id)}


def _run(every: int) -> str:
    return f"one-in-{every}"
