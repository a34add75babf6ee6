"""One sandbox for all tests of this folder, emptied before each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox.rig import Rig

from guestlist.sandbox.server import Sandbox

ROOTS = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"


@pytest.fixture(scope="session")
def ca_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CA of this process: gRPC reads its roots once, so whoever was first decides."""
    if (known := os.environ.get(ROOTS)) and Path(known).with_name("ca-key.pem").exists():
        return Path(known).parent
    folder = tmp_path_factory.mktemp("ca")
    os.environ[ROOTS] = str(folder / "ca.pem")
    return folder


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, ca_dir: Path) -> Iterator[Rig]:
    with Sandbox(tmp_path_factory.mktemp("sandbox"), ca_dir=ca_dir) as sandbox:
        rig = Rig(sandbox)
        yield rig
        rig.http.close()


@pytest.fixture
def rig(running: Rig) -> Rig:
    running.admin("POST", "reset")
    return running
