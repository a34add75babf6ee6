"""``guestlist vault``: the key of what is kept for platforms that take plain text."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Annotated

import typer

from guestlist.cli.console import tell
from guestlist.cli.installation import workspace
from guestlist.cli.leases import Lease
from guestlist.runtime.config import Config
from guestlist.runtime.segments import shown

_ROTATION = "vault rotate"
"""What the lease is called that keeps two rotations apart; no segment can be called so."""
vault = typer.Typer(help="The key of what is kept, encrypted, for platforms that take plain text.", no_args_is_help=True)


@vault.callback()
def _group() -> None:
    """The key of what is kept, encrypted, for platforms that take plain text."""


@vault.command()
def create() -> None:
    """Make the key file, readable by its owner only; a key that is there is kept."""
    from guestlist.runtime.vault import create_key_file

    path = Config.from_environment().vault_key
    create_key_file(path)
    tell(f"made {shown(path)}: keep a copy in a safe place, nothing opens the lake without it")


@vault.command()
def rotate(
    also: Annotated[
        list[str] | None, typer.Option("--also", metavar="DIR", help="Another lake with this key, as `prepare --out` makes it.")
    ] = None,
) -> None:
    """Lock everything with a new key and give up the old one. Run again after a kill, it goes on."""
    from guestlist.runtime.lake import Lake
    from guestlist.runtime.rotation import rotate as change_key

    here = workspace()
    lakes = [here.lake, *(Lake(root, lambda: here.vault) for root in also or ())]
    with ExitStack() as held:
        leases = [Lease(here, name) for name in sorted({_ROTATION}.union(*(lake.segments() for lake in lakes)))]
        for lease in leases:
            held.enter_context(lease.held())
        rotated = change_key(here, lakes, partial(_beat, leases))
    told = f"{rotated.files:,} files are locked with the new key"
    if rotated.by_hand:
        tell(f"{told}: leave only the first key in the password of the connection, and keep a copy of it in a safe place")
    else:
        tell(f"{told}, which is in {shown(here.config.vault_key)}: keep a copy in a safe place; the old key opens nothing here")


def _beat(leases: list[Lease]) -> None:
    for lease in leases:
        lease.beat()
