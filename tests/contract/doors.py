"""The doors of every platform: each platform's own test file says how the sandbox emulates it, in ``DOORS``."""

from __future__ import annotations

from importlib import import_module

import pytest
from contract.rig import Door

from guestlist import destinations
from guestlist.destinations.base import Destination


def all_doors() -> list[Door]:
    """A new platform's tests/destinations/test_<platform>.py joins by itself; one without ``DOORS`` fails here."""
    return [door for name in destinations.names() for door in import_module(f"destinations.test_{name}").DOORS]


def destination_of(door: Door) -> Destination:
    """Its conversations, for tests that hold them by hand."""
    cls = destinations.destination_class(door.platform)
    return cls(cls.Settings(**door.extra), cls.Options(**door.options))


EVERY_DOOR = pytest.mark.parametrize("door", all_doors(), ids=lambda door: door.id)
