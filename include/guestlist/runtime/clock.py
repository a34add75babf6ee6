"""The clock, waiting, and whether another process is still there: the only place that asks the machine for the time."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

Sleep = Callable[[float], None]


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that only ever grow."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def process_holder() -> str:
    """How this process signs leases: ``process <host> <pid> <its start>``."""
    return f"process {socket.gethostname()} {os.getpid()} {_started(os.getpid())}"


def process_is_gone(holder: str) -> bool:
    """Whether a lease was signed by a process of this machine that no longer runs."""
    kind, *rest = holder.split(" ")
    if kind != "process" or len(rest) != 3 or rest[0] != socket.gethostname():
        return False
    return _started(int(rest[1])) != rest[2]


def _started(pid: int) -> str:
    """When a process began, in the kernel's ticks; a number that is used again has another one. Empty if there is none."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    except OSError:
        return _alive_elsewhere(pid)
    return "" if state == "Z" else fields[18]


def _alive_elsewhere(pid: int) -> str:
    """Systems without /proc: all that can be known is whether some process has this number."""
    if Path("/proc/self").exists():
        return ""
    try:
        os.kill(pid, 0)
    except OSError:
        return ""
    return "alive"
