"""The doors of every platform: each platform's own test file says how the sandbox emulates it, in ``DOORS``."""

from __future__ import annotations

from importlib import import_module

from contract.rig import Door

from guestlist import destinations


def all_doors() -> list[Door]:
    """A new platform's tests/destinations/test_<platform>.py joins by itself; one without ``DOORS`` fails here."""
    return [door for name in destinations.names() for door in import_module(f"destinations.test_{name}").DOORS]
