"""The sandbox of a folder of tests, emptied before each of them; a folder's conftest.py names these two fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from contract.rig import World, certificate_folder


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    ca_dir = certificate_folder(tmp_path_factory.mktemp("ca"))
    world = World(tmp_path_factory.mktemp("world"), ca_dir)
    yield world
    world.close()


@pytest.fixture
def world(running: World) -> World:
    running.reset()
    return running
