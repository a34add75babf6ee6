"""The API server dies between receiving and beginning the runs, while all doors are busy: what it said yes to is delivered."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event

import httpx
import pytest
from contract.rig import expected_keys, people
from destinations.test_meta import DOOR as META
from intake.rig import IDENTIFIERS
from web.dialects.apart import server_apart
from web.dialects.pushes import ALL, pushed
from web.dialects.rig import Station

ROWS = people(range(12))
ENOUGH = 2
"""Pushes by each door before the server is killed; all doors go on until then."""


@pytest.mark.slow
def test_what_was_accepted_is_never_lost(station: Station, tmp_path: Path) -> None:
    intakes = {door: station.intake(META, identifiers=IDENTIFIERS) for door in ALL}
    enough = {door: Event() for door in ALL}
    with server_apart(station, tmp_path) as (url, process), ThreadPoolExecutor(len(ALL)) as threads:

        def push_on(door: str) -> list[str]:
            """Push until the server is gone; returns the names that it said yes to."""
            accepted: list[str] = []
            with httpx.Client(base_url=url, timeout=60) as http, suppress(httpx.TransportError):
                key = station.key(intakes[door])
                while True:
                    name = f"VIPs {len(accepted)}"
                    answer = pushed(ALL[door], http, key, name, ROWS)
                    assert answer.is_success, answer.text
                    accepted.append(name)
                    if len(accepted) == ENOUGH:
                        enough[door].set()
            return accepted

        pushing = {door: threads.submit(push_on, door) for door in ALL}
        assert all(event.wait(120) for event in enough.values())
        process.send_signal(signal.SIGKILL)
        accepted = {door: found.result(60) for door, found in pushing.items()}
    while station.settle():
        pass
    for door, names in accepted.items():
        found = {audience.name: audience for audience in station.audiences(intakes[door])}
        assert len(names) >= ENOUGH
        for name in names:
            state, held = station.state(found[name]), station.held(found[name], "meta")
            assert (state.status, state.matched_rows) == ("ready", len(ROWS)), f"{door}: {state.message}"
            there = {kind: keys for kind, keys in held.items() if keys}
            assert there
            assert there == {kind: expected_keys(ROWS, META)[kind] for kind in there}
