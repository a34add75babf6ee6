"""Floor 2: one file a platform, found by its file name; conversations only."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from guestlist.destinations.base import Destination
from guestlist.model.errors import ConfigError
from guestlist.model.segment import Platform

_NOT_PLATFORMS = {"base"}


@cache
def names() -> tuple[str, ...]:
    """All platforms: the modules of this package that are not private."""
    modules = {module.name for module in pkgutil.iter_modules(__path__)} - _NOT_PLATFORMS
    return tuple(sorted(name for name in modules if not name.startswith("_")))


@cache
def destination_class(platform: str) -> type[Destination]:
    """The class of a platform, or `ConfigError` with the names of those that there are."""
    if platform not in names():
        raise ConfigError(f"no platform is called {platform!r}; there are: {', '.join(names())}")
    module = import_module(f"{__name__}.{platform}")
    destination: type[Destination] = module.DESTINATION
    return destination


def platforms() -> Mapping[str, Platform]:
    """What the validation of segment files needs to know of every platform."""
    return {
        name: Platform(options=cls.Options, capabilities=cls.capabilities_for)
        for name, cls in ((name, destination_class(name)) for name in names())
    }
