"""The sandbox of a folder of tests, emptied before each of them; a folder's conftest.py names its two fixtures."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from contract.doors import all_doors
from contract.rig import World, certificate_folder

from guestlist.destinations import destination_class
from guestlist.model.capabilities import Capabilities


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


def small_batches(patch: pytest.MonkeyPatch, rows: int) -> None:
    """Every platform takes so few rows a request; those that take one whole file stay as they are."""
    for name in {door.platform for door in all_doors()}:
        cls = destination_class(name)
        real = cls.capabilities_for

        def small(options: Any, real: Any = real) -> Capabilities:
            found: Capabilities = real(options)
            if found.limits.one_batch:
                return found
            return dataclasses.replace(found, limits=dataclasses.replace(found.limits, rows_per_batch=rows))

        patch.setattr(cls, "capabilities_for", staticmethod(small))
