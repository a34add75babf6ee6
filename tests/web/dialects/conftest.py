"""The sandbox and an installation, as in tests/contract, and an API server that speaks the dialects."""

from contract.fixtures import running, world
from web.dialects.rig import station
from web.intake.conftest import small_disk

__all__ = ["running", "small_disk", "station", "world"]
