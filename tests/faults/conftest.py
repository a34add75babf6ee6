"""One sandbox for all cells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from contract.rig import World, certificate_folder
from faults.stage import Stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    world = World(tmp_path_factory.mktemp("world"), certificate_folder(tmp_path_factory.mktemp("ca")))
    yield Stage(world)
    world.close()
