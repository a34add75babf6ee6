"""One sandbox for all tests of this folder."""

from contract.fixtures import running, world

__all__ = ["running", "world"]
