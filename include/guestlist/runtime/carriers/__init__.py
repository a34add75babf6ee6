"""Carriers: the pieces that really speak to platforms, each over the vendor's own SDK; made when first used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from guestlist.runtime.driver import Carrier

NAMES = ("data_manager", "google_ads", "http", "meta")


class Carriers(Mapping[str, Carrier]):
    """The carriers of one connection, by name. A vendor's SDK is imported when its carrier is first asked for."""

    def __init__(self, settings: Any) -> None:
        """Remember the settings of the connection."""
        self._settings = settings
        self._made: dict[str, Carrier] = {}

    def __getitem__(self, name: str) -> Carrier:
        """The carrier of that name, made on first use."""
        if name not in NAMES:
            raise KeyError(name)
        if name not in self._made:
            make: Callable[[Any], Carrier] = import_module(f"{__name__}.{name}").CARRIER
            self._made[name] = make(self._settings)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """All names."""
        return iter(NAMES)

    def __len__(self) -> int:
        """How many there are."""
        return len(NAMES)

    def close(self) -> None:
        """Close those that were made."""
        for carrier in self._made.values():
            carrier.close()
