"""One run of a segment in a process of its own, which stops at a given point and waits there to be killed.

Arguments: a JSON object with ``segment`` (file), ``run``, ``rows_per_batch``, ``stop`` (a point, or ""), ``count`` (at which
time the point is met). It prints ``stopped`` when it is there, and ``ended <state>`` at the end of a run.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from guestlist.destinations import destination_class, names
from guestlist.runtime.driver import Retries
from guestlist.runtime.lake import Lake
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.segments import read_segment
from guestlist.runtime.sync.run import RunOptions, run_segment
from guestlist.runtime.wiring import Workspace

ASKED = json.loads(sys.argv[1])
MET = {"times": 0}


def reached(point: str) -> None:
    """Stop here for ever, if this is the point."""
    if not point or point != ASKED["stop"]:
        return
    MET["times"] += 1
    if MET["times"] == ASKED["count"]:
        print("stopped", flush=True)  # noqa: T201 - whoever kills it waits for this
        threading.Event().wait()


def stopping(cls: type, name: str, before: str, after: str, only: Callable[..., bool] = lambda *_: True) -> None:
    """Make a method a point before it acts, and another one after."""
    real = getattr(cls, name)

    def method(*arguments: Any, **more: Any) -> Any:
        if only(*arguments):
            reached(before)
        result = real(*arguments, **more)
        if only(*arguments):
            reached(after)
        return result

    setattr(cls, name, method)


def smaller_batches(rows: int) -> None:
    for name in names():
        cls = destination_class(name)
        real = cls.capabilities_for

        def small(options: Any, real: Any = real) -> Any:
            found = real(options)
            limits = dataclasses.replace(found.limits, rows_per_batch=rows)
            return dataclasses.replace(found, limits=limits)

        cls.capabilities_for = staticmethod(small)  # type: ignore[method-assign]


def main() -> None:
    if ASKED["rows_per_batch"]:
        smaller_batches(ASKED["rows_per_batch"])
    stopping(Lake, "write", "prepare", "", lambda _lake, path, *_: "/runs/" in path)
    stopping(Lake, "write_json", "plan written", "")
    stopping(Ledger, "enter_plan", "", "plan entered")
    stopping(Ledger, "sending", "", "before a request")
    stopping(Ledger, "received", "answer not written", "answer written")
    stopping(Ledger, "opened", "open not written", "")
    stopping(Ledger, "closed", "close not written", "")
    stopping(Ledger, "settled", "settled not written", "settled")
    stopping(Ledger, "seal", "seal not written", "sealed")
    clock = httpx.Client(base_url=ASKED["sandbox"])

    def sleep(seconds: float) -> None:
        clock.post("/admin/clock", json={"advance": seconds}).raise_for_status()

    workspace = Workspace(retries=Retries(attempts=3, seconds=60), sleep=sleep)
    segment = read_segment(Path(ASKED["segment"]))
    report = run_segment(workspace, segment, ASKED["run"], RunOptions(approved_by="tests"))
    print("ended", report.state, flush=True)  # noqa: T201


main()
