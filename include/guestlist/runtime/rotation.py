"""Rotation: every encrypted file locked with a new key. Killed at any point and run again, it goes on; no file is ever lost.

While it lasts the key file holds the new key and the old one: whoever reads meanwhile opens what either has locked. The old key
goes last, once a whole pass over the lakes has found nothing that it locked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from guestlist.model.errors import ConfigError
from guestlist.runtime.lake import Lake
from guestlist.runtime.vault import CONNECTION, key_from_file, keys_in, new_key, replace_key_file
from guestlist.runtime.wiring import Workspace


@dataclass(frozen=True)
class Rotated:
    """How many files were locked anew. ``by_hand``: the keys are in a connection, where a person takes the old one out."""

    files: int
    by_hand: bool


def rotate(workspace: Workspace, lakes: Sequence[Lake], beat: Callable[[], None] = lambda: None) -> Rotated:
    """Change the key of these lakes; the caller holds the leases of all their segments. ``beat`` is called for each file.

    Raises:
        ConfigError: there is no key, or it does not open a file; it is in a connection, and the new one is not there yet.
    """
    for lake in lakes:
        lake.check_key()
    path = workspace.config.vault_key
    text = key_from_file(path)
    if text is None:
        _refuse_single(workspace)
    elif len(keys_in(text)) == 1:
        replace_key_file(path, [new_key(), *keys_in(text)])
    files = 0
    while done := sum(_relock(lake, beat) for lake in lakes) + _relock_uploads(workspace, beat):
        files += done
    os.sync()  # what is locked anew is on the disk before the key that opens what was there is given up
    if text is not None:
        replace_key_file(path, keys_in(key_from_file(path) or "")[:1])
    return Rotated(files, by_hand=text is None)


def _refuse_single(workspace: Workspace) -> None:
    """Guestlist writes no connections: they may be in a secrets manager. A person puts the new key there."""
    if len(keys_in(workspace.key_of_connection or "")) == 1:
        make = "make a key (`GUESTLIST_VAULT_KEY=new.key guestlist vault create`)"
        where = f"put it before the one in the password of the connection {CONNECTION!r}, with a comma between them"
        raise ConfigError(f"the key is in a connection, which Guestlist does not write: {make}, {where}, and run this again")


def _relock(lake: Lake, beat: Callable[[], None]) -> int:
    done = 0
    for name in lake.locked():
        beat()
        done += lake.relock(name)
    return done


def _relock_uploads(workspace: Workspace, beat: Callable[[], None]) -> int:
    """Those that count: of one that comes in meanwhile nobody is told that it was kept before the key in force opens it."""
    keeper, done = workspace.keeper, 0
    for path in sorted(workspace.ledger.paths_of_uploads()):
        beat()
        done += keeper.relock(path)
    return done
