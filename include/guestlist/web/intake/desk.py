"""Where pushed files are taken in: from the network into the lake, a mebibyte at a time, and never onto a disk in the clear."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, TypeVar

import anyio
from airflow.exceptions import AirflowNotFoundException
from airflow.models.connection import Connection as AirflowConnection
from anyio import to_thread
from fastapi import Depends, HTTPException

from guestlist.model.connection import Connection, connection_of
from guestlist.model.errors import ConfigError
from guestlist.runtime.config import Config
from guestlist.runtime.intake.kept import Keeper
from guestlist.runtime.ledger.intake import Piece
from guestlist.runtime.wiring import Workspace
from guestlist.web.books import the_ledger

T = TypeVar("T")
_AT_ONCE = 1 << 20
_THREADS = anyio.CapacityLimiter(8)
"""Airflow's own pages need threads as well."""


def the_workspace() -> Workspace:
    """This API server's installation, with the ledger that all requests share; a vault's key that has changed is noticed."""
    workspace = Workspace(Config.from_environment(), _connection)
    workspace.ledger = the_ledger()
    return workspace


Here = Annotated[Workspace, Depends(the_workspace)]


def _connection(name: str) -> Connection:
    try:
        found = AirflowConnection.get_connection_from_secrets(name)
    except AirflowNotFoundException:
        raise ConfigError(f"there is no connection {name!r}") from None
    return connection_of(name, found)


def keeper_of(workspace: Workspace) -> Keeper:
    """What keeps files; without a vault nobody may push (503)."""
    try:
        return workspace.keeper
    except ConfigError:
        told = "this installation has no vault to keep uploads in: whoever runs it makes one, with `guestlist vault create`"
        raise HTTPException(503, told) from None


async def in_thread(act: Callable[..., T], *arguments: Any) -> T:
    """Work that waits for a disk, or for the processor."""
    return await to_thread.run_sync(act, *arguments, limiter=_THREADS)


async def receive(
    workspace: Workspace, upload_id: str, sequence: int, ending: str, chunks: AsyncIterator[bytes], most: int
) -> Piece:
    """Keep what comes as one piece; when this returns it is durable. Nothing stays of one that is broken off.

    Raises:
        DataError: it is empty, or made to do harm. TooLarge: it is. TransientError: the disk is full, or the store is down.
    """
    arriving = await in_thread(keeper_of(workspace).begin, upload_id, sequence, ending, most)
    try:
        waiting = bytearray()
        async for chunk in chunks:
            waiting += chunk
            if len(waiting) >= _AT_ONCE:
                await in_thread(arriving.write, bytes(waiting))
                waiting.clear()
        if waiting:
            await in_thread(arriving.write, bytes(waiting))
        return await in_thread(arriving.finish)
    finally:
        with anyio.CancelScope(shield=True):
            await in_thread(arriving.close)
