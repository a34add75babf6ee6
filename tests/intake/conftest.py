"""The sandbox and an installation, as in tests/contract."""

from contract.fixtures import running, world

__all__ = ["running", "world"]
