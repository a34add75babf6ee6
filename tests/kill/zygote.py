"""A process that has loaded Guestlist and forks one child a run: a start takes milliseconds in place of a second.

It runs nothing itself: Polars' threads and gRPC's do not outlive a fork. Each line on stdin is a `Request` as JSON; for each
comes a line on stdout: ``{"status": <as waitpid gives it>}``, also when the child was stopped by a signal. A line
``{"go on": true}`` wakes a stopped child up.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import signal
import sys
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import typer

from guestlist.destinations import destination_class, names
from guestlist.runtime import clock

_real_now, _real_monotonic = clock.now, clock.monotonic


class _SandboxTime:
    """A child's clock is the sandbox's, which waiting moves on; set before anything else of Guestlist is loaded."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.slept = 0.0
        self.admin: httpx.Client

    def follow(self, sandbox: str) -> None:
        self.admin = httpx.Client(base_url=sandbox, verify=http._trust(None))
        there = self.admin.get("/admin/clock").json()["now"]
        self.ahead = (datetime.fromisoformat(there) - _real_now()).total_seconds()

    def now(self) -> datetime:
        return _real_now() + timedelta(seconds=self.ahead)

    def monotonic(self) -> float:
        return _real_monotonic() + self.slept

    def sleep(self, seconds: float) -> None:
        self.ahead += seconds
        self.slept += seconds
        self.admin.post("/admin/clock", json={"advance": seconds}).raise_for_status()


TIME = _SandboxTime()
clock.now, clock.monotonic, clock.sleep = TIME.now, TIME.monotonic, TIME.sleep

boundaries = import_module("kill.boundaries")
cli = import_module("guestlist.cli.main")
run = import_module("guestlist.runtime.sync.run")
segments = import_module("guestlist.runtime.segments")
wiring = import_module("guestlist.runtime.wiring")
report = import_module("guestlist.runtime.sync.report")
errors = import_module("guestlist.model.errors")
import_module("guestlist.cli.progress")._TICK = float("inf")  # one wait is one move of the clock
http = import_module("guestlist.runtime.carriers.http")
http._trust(None)  # this and the rest, which runs import as they need it, take longer than a run
google_ads = f"google.ads.googleads.{import_module('guestlist.runtime.carriers.google_ads')._VERSION}"
import_module("guestlist.sources")._kinds()
for module in (
    google_ads,
    f"{google_ads}.services.services.google_ads_service",
    f"{google_ads}.services.services.offline_user_data_job_service",
    "guestlist.runtime.carriers.data_manager",
    "guestlist.model.segment_file",
    "guestlist.sources.formats.delimited",
    "httpcore",
    "polars._utils.parquet",
    "sqlalchemy.dialects.sqlite",
    "upath.implementations.local",
):
    import_module(module)


def smaller_batches(rows: int) -> None:
    """In place of ten thousand rows, so that a handful of people make several batches."""
    for name in names():
        cls = destination_class(name)
        real = cls.capabilities_for

        def small(options: Any, real: Any = real) -> Any:
            found = real(options)
            if found.limits.one_batch:
                return found
            return dataclasses.replace(found, limits=dataclasses.replace(found.limits, rows_per_batch=rows))

        cls.capabilities_for = staticmethod(small)  # type: ignore[method-assign]


def command_line(segment: str) -> int:
    """``guestlist sync``, as a person types it."""
    try:
        typer.main.get_command(cli.app)(["sync", segment, "--approve"], prog_name="guestlist")
    except SystemExit as end:
        return int(end.code or 0)
    raise AssertionError("the command line always exits")


def airflow(segment: str, run_id: str, *, prepare: bool) -> int:
    """What the tasks of a DAG run do. A task that has ended well is not done again, unless it is cleared."""
    wanted = segments.read_segment(Path(segment))
    workspace = wiring.Workspace()
    holder = f"airflow {wanted.name} {run_id}"
    try:
        workspace.ledger.take_lease(wanted.name, holder)
        if not prepare:
            run.prepare = lambda *_: None
        done = run.run_segment(workspace, wanted, run_id, run.RunOptions(approved_by="tests"))
        workspace.ledger.drop_lease(wanted.name, holder)
        error = report.verdict(done)
    except errors.GuestlistError as raised:
        error = raised
    print(error or "in step", flush=True)  # noqa: T201 - the test reads it
    return error.exit_code if error else 0


def child(asked: dict[str, Any]) -> int:
    os.environ.update(asked["environment"])
    said = os.open(asked["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    TIME.follow(asked["sandbox"])
    if asked["rows_per_batch"]:
        smaller_batches(asked["rows_per_batch"])
    boundaries.BOUNDARIES.watch(Path(asked["told"]), asked["signals"])
    for name in asked["before"]:
        getattr(import_module("kill.trouble"), name)()
    if asked["run"]:
        return airflow(asked["segment"], asked["run"], prepare=asked["prepare"])
    return command_line(asked["segment"])


def _threads_that_a_fork_loses() -> set[str]:
    """Those of Polars' pool and of gRPC. An allocator's see to a fork themselves, and nobody waits for Polars' cleaner."""
    here = {task.joinpath("comm").read_text().strip() for task in Path("/proc/self/task").iterdir()}
    return here - {Path("/proc/self/comm").read_text().strip(), "jemalloc_bg_thd", "polars-ooc-clea"}


def serve() -> None:
    sys.excepthook = cli.explain
    boundaries.watch_everything()
    assert not _threads_that_a_fork_loses()
    gc.freeze()  # a child's collector would look at all of it, and so copy it
    pid = 0
    for line in sys.stdin:
        asked = json.loads(line)
        if "go on" in asked:
            os.kill(pid, signal.SIGCONT)
        elif (pid := os.fork()) == 0:
            code = 1
            try:
                code = child(asked)
            except Exception:  # noqa: BLE001 - as the interpreter would at the end of a process
                cli.explain(*sys.exc_info())
            finally:
                sys.stdout.flush()
                os._exit(code)
        status = os.waitpid(pid, os.WUNTRACED)[1]
        sys.stdout.write(json.dumps({"status": status}) + "\n")
        sys.stdout.flush()


serve()
