"""Floor 2: where people's rows come from. One file a kind, found by its file name; a new kind edits nothing else.

A module of this package is a source when it has ``SERVES``, the connection types that it reads (or ``FILE``), and
``open_reader(source, connection, base, roots)``. Drivers are imported inside functions: asking what there is loads none.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError
from guestlist.model.source import Source

if TYPE_CHECKING:
    from guestlist.sources.base import Reader

FILE = "file"
"""What a module that reads files serves, in place of a connection type."""


class _Module(Protocol):
    SERVES: tuple[str, ...]

    def open_reader(self, source: Source, connection: Connection | None, base: Path, roots: Sequence[Path] = ()) -> Reader:
        """The reader of one source of this kind."""


def open_source(source: Source, connection: Connection | None, base: Path, roots: Sequence[Path] = ()) -> Reader:
    """The reader of ``source``; nothing is opened before its rows or its schema are asked for.

    ``source.sql`` is the final SQL text. ``base`` is the folder that relative file paths start from; files are read from it
    and from ``roots``, or from anywhere where there are none.

    Raises:
        ConfigError: no source reads connections of this type, or the connection is missing or lacks a field.
    """
    if source.intake is not None:
        raise ConfigError("an intake has no rows of its own: they come with each upload")
    if source.file is not None:
        return _kinds()[FILE].open_reader(source, connection, base, roots)
    if connection is None:
        raise ConfigError(f"the connection {source.connection!r} is not known; define it in Airflow or as AIRFLOW_CONN_*")
    if (kind := _kinds().get(connection.type)) is None:
        known = ", ".join(sorted(set(_kinds()) - {FILE}))
        raise ConfigError(
            f"connection {connection.id!r} is of type {connection.type!r}, which no source reads; it can be: {known}"
        )
    return kind.open_reader(source, connection, base)


@cache
def _kinds() -> dict[str, _Module]:
    """Connection type (or `FILE`) -> the module that reads it."""
    modules = (
        importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__) if not found.ispkg
    )
    return {served: module for module in modules for served in getattr(module, "SERVES", ())}
