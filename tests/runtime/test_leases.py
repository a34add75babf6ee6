"""Leases, on SQLite and PostgreSQL: one run of a segment at a time, and nobody waits for a process that is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any

import pytest
from runtime.books import Hand, meanwhile

from guestlist.model.errors import BusyError
from guestlist.runtime import clock
from guestlist.runtime.ledger import Ledger, open_ledger


def holder_of(pid: int) -> str:
    return f"process {clock.process_holder().split()[1]} {pid} {clock._started(pid)}"


@pytest.fixture
def neighbour() -> Any:
    """Another process of this machine, alive until the test kills it."""
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield process
    process.stdin.close()
    process.kill()
    process.wait()


def test_a_lease_is_held_by_one(ledger: Ledger) -> None:
    me = clock.process_holder()
    ledger.take_lease("vips", me)
    ledger.take_lease("vips", me)
    ledger.take_lease("others", "airflow dag run")
    with pytest.raises(BusyError, match="held by process") as caught:
        ledger.take_lease("vips", "airflow dag run")
    assert caught.value.segment == "vips"
    ledger.drop_lease("vips", "airflow dag run")
    with pytest.raises(BusyError):
        ledger.take_lease("vips", "airflow dag run")
    ledger.drop_lease("vips", me)
    ledger.take_lease("vips", "airflow dag run")
    with pytest.raises(BusyError, match="held by airflow dag run"):
        ledger.take_lease("vips", me)


def test_a_lease_ends_with_its_time_and_is_renewed_by_its_holder(ledger: Ledger, hand: Hand) -> None:
    ledger.take_lease("vips", "airflow dag run")
    hand.time += timedelta(hours=1, minutes=59)
    with pytest.raises(BusyError):
        ledger.take_lease("vips", "process elsewhere 1 2")
    ledger.take_lease("vips", "airflow dag run")
    hand.time += timedelta(hours=1, minutes=59)
    with pytest.raises(BusyError):
        ledger.take_lease("vips", "process elsewhere 1 2")
    hand.time += timedelta(minutes=2)
    ledger.take_lease("vips", "process elsewhere 1 2")
    with pytest.raises(BusyError):
        ledger.take_lease("vips", "airflow dag run")


def test_a_run_of_airflow_takes_over_from_another_of_airflow(ledger: Ledger) -> None:
    ledger.take_lease("vips", "airflow guestlist_vips run1")
    ledger.take_lease("vips", "airflow guestlist_vips run2")
    ledger.drop_lease("vips", "airflow guestlist_vips run1")
    with pytest.raises(BusyError, match="run2"):
        ledger.take_lease("vips", clock.process_holder())


def test_the_lease_of_a_killed_process_is_free(ledger: Ledger, neighbour: subprocess.Popen[bytes]) -> None:
    ledger.take_lease("vips", holder_of(neighbour.pid))
    with pytest.raises(BusyError):
        ledger.take_lease("vips", clock.process_holder())
    os.kill(neighbour.pid, signal.SIGKILL)
    os.waitid(os.P_PID, neighbour.pid, os.WEXITED | os.WNOWAIT)  # a zombie: dead, and its number not yet free
    ledger.take_lease("vips", clock.process_holder())


def test_a_number_that_is_used_again_is_another_process(ledger: Ledger) -> None:
    kind, host, pid, _ = clock.process_holder().split()
    ledger.take_lease("vips", f"{kind} {host} {pid} 1")
    ledger.take_lease("vips", "airflow dag run")


@pytest.mark.parametrize("held", ["process elsewhere.example.com 1 1", "airflow dag run", "somebody", "process x"])
def test_of_whom_nothing_is_known_is_taken_to_be_alive(ledger: Ledger, held: str) -> None:
    ledger.take_lease("vips", held)
    with pytest.raises(BusyError):
        ledger.take_lease("vips", clock.process_holder())


@pytest.mark.parametrize("held", [True, False], ids=["of a dead process", "of nobody"])
def test_of_two_that_take_a_free_lease_at_once_one_gets_it(ledger_url: str, held: bool) -> None:
    ledger, other = open_ledger(ledger_url), open_ledger(ledger_url)
    if held:
        kind, host, pid, _ = clock.process_holder().split()
        ledger.take_lease("vips", f"{kind} {host} {pid} 1")
    with ThreadPoolExecutor() as pool:
        taking: list[Future[None]] = []

        def take_too() -> None:
            taking.append(pool.submit(other.take_lease, "vips", clock.process_holder()))
            wait(taking, timeout=0.3)  # it may have to wait for us

        meanwhile(ledger, "UPDATE leases" if held else "INSERT INTO leases", take_too)
        outcomes = [_raised(lambda: ledger.take_lease("vips", "airflow dag run")), taking[0].exception()]
    assert sorted(type(outcome) for outcome in outcomes if outcome) == [BusyError]
    loser = clock.process_holder() if outcomes[1] else "airflow dag run"
    with pytest.raises(BusyError):
        ledger.take_lease("vips", loser)


def _raised(act: Callable[[], Any]) -> Exception | None:
    try:
        act()
    except BusyError as error:
        return error
    return None
