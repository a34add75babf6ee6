"""Trouble with storage for processes that are tested: a store that can be told to refuse, and a database without patience."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem
from sqlalchemy import event
from sqlalchemy.pool import Pool
from upath import UPath
from upath.registry import register_implementation

REFUSES = "GUESTLIST_TESTS_STORE_REFUSES"
"""The environment's name for a file: while it is there the store raises the error whose name the file holds."""


class Store(LocalFileSystem):
    """An object store in a folder, at ``troubled:///<folder>``."""

    protocol = "troubled"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(str(path).removeprefix("troubled://"))

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        _refuse()
        if "w" in mode:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        return super()._open(path, mode, **options)

    def info(self, path: str, **options: Any) -> Any:
        _refuse()
        return super().info(path, **options)

    def ls(self, path: str, detail: bool = False, **options: Any) -> Any:
        _refuse()
        return super().ls(path, detail, **options)


def _refuse() -> None:
    if (told := Path(os.environ.get(REFUSES, "/nowhere"))).exists():
        raise {"OSError": OSError, "PermissionError": PermissionError, "TimeoutError": TimeoutError}[told.read_text()]


def store() -> None:
    """Make the store known to fsspec, and to the paths that are built on it."""
    fsspec.register_implementation("troubled", Store, clobber=True)
    register_implementation("troubled", UPath, clobber=True)


def impatience() -> None:
    """SQLite waits for a lock no longer than a moment, in place of half a minute."""

    @event.listens_for(Pool, "checkout")
    def _no_wait(connection: Any, *_: object) -> None:
        if hasattr(connection, "in_transaction"):
            connection.execute("PRAGMA busy_timeout=1")
