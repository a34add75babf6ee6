"""An installation of its own for each test, and one sandbox, run by the command itself, for all of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.rig import PROGRAM, Installation, RunningSandbox, program_environment


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    found = Installation(tmp_path / "home", tmp_path / "segments")
    found.segments.mkdir()
    monkeypatch.setenv("GUESTLIST_HOME", str(found.home))
    monkeypatch.setenv("GUESTLIST_SEGMENTS", str(found.segments))
    return found


@pytest.fixture(autouse=True)
def width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Test runners set a width of their own, each another."""
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    folder = tmp_path_factory.mktemp("sandbox")
    ports = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]
    command = [*PROGRAM, "sandbox", "--state", str(folder), *ports, "--settle-seconds", "0.1", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=program_environment()) as process:
        text = ""
        while not text.endswith("\n}\n"):
            line = process.stdout.readline()
            assert line, "the sandbox has ended"
            text += line
        yield RunningSandbox(process, json.loads(text))
        process.terminate()


@pytest.fixture
def sandbox(running_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> RunningSandbox:
    running_sandbox.admin("POST", "reset")
    running_sandbox.connect(monkeypatch)
    return running_sandbox
