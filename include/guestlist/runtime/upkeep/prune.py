"""Prune: what nothing needs any more leaves the lake; the ledger's history stays."""

from __future__ import annotations

from datetime import timedelta

from guestlist.runtime import clock
from guestlist.runtime.upkeep.stored import Stored, stored, stored_at
from guestlist.runtime.wiring import Workspace

_PLAIN_TEXT = timedelta(days=1)
"""For what is encrypted: a run takes it out when it is sealed, so this is what a run that died has left."""


def prune(workspace: Workspace, *, dry_run: bool = False) -> list[Stored]:
    """Remove what is older than the retention and not needed (see `Ledger.needed_paths`). Returns what went, or would go.

    Runs may be at work meanwhile: what they write is young, and the lake is listed before the ledger says what is needed.

    Raises:
        ConfigError: the retention is none.
    """
    retention, lake = workspace.config.retention, workspace.lake
    there = stored(lake)
    needed = {stored_at(path) for path in workspace.ledger.needed_paths()}
    going = [one for one in there if one.path not in needed and _is_old(one, retention)]
    for one in going if not dry_run else ():
        lake.remove(one.path)
    return going


def _is_old(one: Stored, retention: timedelta) -> bool:
    return clock.now() - one.written > (min(retention, _PLAIN_TEXT) if one.locked else retention)
