"""One sandbox and one zygote for all tests of this folder."""

from collections.abc import Iterator

import pytest
from contract.fixtures import running, world
from contract.rig import World
from kill.rig import Zygote

__all__ = ["running", "world"]


@pytest.fixture(scope="session")
def zygote(running: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """After the sandbox: its certificate is among the environment."""
    with Zygote(tmp_path_factory.mktemp("processes")) as made:
        yield made
