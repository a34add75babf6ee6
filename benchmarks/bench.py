"""Runs under measurement, each in a process of its own: what it found out and its peak memory; sizes from the environment."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = Path(os.environ.get("GUESTLIST_HOME") or ROOT / ".guestlist").absolute() / "bench"
RUNS = int(os.environ.get("BENCH_RUNS") or 5)
SCALE = float(os.environ.get("BENCH_SCALE") or 1)
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
GUESTLIST = str(Path(sys.executable).with_name("guestlist"))
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Programs start as they do where they are installed: compiled."""
_LEAST = 1_000
_MIB = 2**20
_KEPT_FREE = 0.25
"""Share of the machine's memory that no run may take: it is ended before the machine begins to end processes by itself."""
_SECONDS_BETWEEN_LOOKS = 0.1


def size(name: str, issue: int, least: int = _LEAST) -> int:
    """``BENCH_<name>``, or the size that the goal speaks of times ``BENCH_SCALE``."""
    return int(os.environ.get(f"BENCH_{name}") or max(int(issue * SCALE), least))


class Missed(Exception):
    """A run that came to no figure, and why in one line."""


@dataclass(frozen=True)
class Run:
    """One process: the facts that it told, and the most memory that it ever held, in MiB."""

    facts: Mapping[str, Any]
    peak: float


@dataclass
class Runs:
    """The runs of one contender; ``missed`` tells why there is none. Figures of none raise `Missed`."""

    done: list[Run] = field(default_factory=list)
    missed: str = ""

    def median(self, fact: str = "seconds") -> float:
        """The median of a fact."""
        return self._median(lambda run: run.facts[fact])

    @property
    def rate(self) -> float:
        """The median of rows a second."""
        return self._median(lambda run: run.facts["rows"] / run.facts["seconds"])

    @property
    def peak(self) -> float:
        """The most memory of any run, in MiB."""
        return max(run.peak for run in self.done)

    def _median(self, figure: Callable[[Run], float]) -> float:
        if self.missed:
            raise Missed(self.missed)
        return statistics.median(map(figure, self.done))


@dataclass
class Bench:
    """A folder for what is made, a way to say what is going on, and what one measure leaves for another."""

    folder: Path
    say: Callable[[str], None]
    found: dict[str, float] = field(default_factory=dict)

    def call(self, function: Callable[..., Mapping[str, Any]], **arguments: Any) -> Run:
        """Call a function of a module of this folder in a process of its own; it returns JSON."""
        command = [sys.executable, "-m", "benchmarks.child", function.__module__, function.__name__, json.dumps(arguments)]
        return self.program(*command, environment={"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'include'}"})

    def program(self, *command: str, environment: Mapping[str, str] | None = None) -> Run:
        """Run a program. Its facts are the JSON object that it prints, or its wall seconds; its stderr goes to the log.

        Raises:
            Missed: it failed, or took more memory than the machine can spare.
        """
        os.sync()  # nobody pays for what the one before has written
        started = time.perf_counter()
        with (
            (OUT / "log.txt").open("a", encoding="utf-8") as log,
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, cwd=self.folder, env={**_ENVIRONMENT, **(environment or {})}
            ) as process,
        ):
            watch = _Watch(process)
            watch.start()
            printed = process.stdout.read() if process.stdout else b""
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.perf_counter() - started
        watch.join()
        peak = usage.ru_maxrss / (_MIB if sys.platform == "darwin" else 1024)
        if watch.ended:
            raise Missed(f"ended at {peak / 1024:.1f} GiB, which is what this machine can spare")
        if process.returncode:
            raise Missed(_last_line(OUT / "log.txt"))
        return Run(json.loads(printed) if printed.startswith(b"{") else {"seconds": seconds}, peak)

    def rounds(self, contenders: Mapping[str, Callable[[], Run]], times: int = RUNS) -> dict[str, Runs]:
        """Each contender's runs, in turn, so that a disturbance of the machine meets them all."""
        found = {name: Runs() for name in contenders}
        for number in range(1, times + 1):
            for name, run in contenders.items():
                if not found[name].missed:
                    self.say(f"{name}, run {number} of {times}")
                    try:
                        found[name].done.append(run())
                    except Missed as error:
                        found[name].missed = str(error)
        return found


class _Watch(threading.Thread):
    """Ends a process that takes more memory than the machine can spare."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._most = os.sysconf("SC_PHYS_PAGES") * (1 - _KEPT_FREE)
        self.ended = False

    def run(self) -> None:
        """Look at its resident pages until it is gone."""
        pages = Path(f"/proc/{self._process.pid}/statm")
        look = threading.Event()
        while self._process.returncode is None and not self.ended:
            try:
                held = int(pages.read_text(encoding="ascii").split()[1])
            except (OSError, IndexError):
                return
            if held > self._most:
                self.ended = True
                self._process.kill()
            look.wait(_SECONDS_BETWEEN_LOOKS)


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
