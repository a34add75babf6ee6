"""The clock, and telling whether the process that signed something still runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from guestlist.runtime import clock


def test_now_is_in_utc() -> None:
    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.monotonic() <= clock.monotonic()


def test_sleep_waits() -> None:
    started = time.monotonic()
    clock.sleep(0.02)
    assert time.monotonic() - started >= 0.02


def test_this_process_is_there() -> None:
    assert not clock.process_is_gone(clock.process_holder())
    assert clock.process_holder() == clock.process_holder()
    assert len(clock.process_holder().split(" ")) == 4


def test_a_process_is_gone_when_it_ends_even_before_anybody_has_noticed() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        host = clock.process_holder().split()[1]
        holder = f"process {host} {process.pid} {clock._started(process.pid)}"
        assert not clock.process_is_gone(holder)
        process.stdin.close()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert clock.process_is_gone(holder), "a zombie does no work"
    assert clock.process_is_gone(holder)


def test_a_number_that_is_used_again_is_another_process() -> None:
    kind, host, pid, started = clock.process_holder().split()
    assert clock.process_is_gone(f"{kind} {host} {pid} {int(started) - 1}")


@pytest.mark.parametrize(
    "holder",
    [
        "",
        "airflow dag run",
        "process",
        "process elsewhere 1 1",
        "somebody else",
        "process a b c d e",
    ],
)
def test_of_others_nothing_is_known(holder: str) -> None:
    assert not clock.process_is_gone(holder)


def test_where_there_is_no_proc_a_living_number_is_taken_to_be_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "Path", lambda text: Path(text.replace("/proc", "/nowhere")))
    assert not clock.process_is_gone(clock.process_holder())
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        host = clock.process_holder().split()[1]
        holder = f"process {host} {process.pid} {clock._started(process.pid)}"
    assert clock.process_is_gone(holder)
