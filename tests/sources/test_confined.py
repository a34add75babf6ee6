"""Work in a process of its own: bounded, without our environment, and it takes nobody with it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestlist.sources.confined import Exceeded, confined

pytestmark = pytest.mark.slow
BOUNDS = {"memory": 1 << 30, "seconds": 2}


@pytest.fixture(autouse=True)
def works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules for the other process."""
    program = (
        "import json, os, resource\n"
        "def work(argument, content):\n"
        "    if argument == 'seen':\n"
        "        return json.dumps([sorted(os.environ), resource.getrlimit(resource.RLIMIT_CORE)[0], len(content)]).encode()\n"
        "    if argument == 'memory':\n"
        "        return bytes(2 << 30)\n"
        "    if argument == 'time':\n"
        "        while True: pass\n"
        "    os.abort()\n"
    )
    (tmp_path / "odd_work.py").write_text(program)
    monkeypatch.setattr("guestlist.sources.confined._ROOT", f"{confined.__globals__['_ROOT']}{os.pathsep}{tmp_path}")


def test_it_sees_its_input_and_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", "hunter2")
    environment, core, length = json.loads(confined("odd_work", "seen", [b"a" * 70_000, b"b"], **BOUNDS))
    # Python sets the one for its locale, Guestlist the one for Polars' allocator.
    assert set(environment) - {"LC_CTYPE", "_RJEM_MALLOC_CONF"} == {"PYTHONPATH"}
    assert (core, length) == (0, 70_001)


@pytest.mark.parametrize("how", ["memory", "time", "abort"])
def test_what_is_too_much_ends_it(how: str) -> None:
    with pytest.raises(Exceeded):
        confined("odd_work", how, [b"x" * 100_000], **BOUNDS)


def test_an_error_of_the_input_is_told_and_the_process_ended() -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise OSError("the store has closed the connection")

    with pytest.raises(OSError, match="the store"):
        confined("odd_work", "seen", broken(), **BOUNDS)
