"""The sandbox and an installation, as in tests/contract, and an API server that speaks the dialects."""

from collections.abc import Iterator

import pytest
from contract.fixtures import running, world
from contract.rig import World
from web.dialects.rig import Station

__all__ = ["running", "station", "world"]


@pytest.fixture
def station(world: World) -> Iterator[Station]:
    with Station.opened(world) as found:
        yield found
