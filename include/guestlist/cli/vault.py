"""``guestlist vault``: the key of what is kept for platforms that take plain text."""

from __future__ import annotations

import typer

from guestlist.cli.console import tell
from guestlist.runtime.config import Config
from guestlist.runtime.segments import shown

vault = typer.Typer(help="The key of what is kept, encrypted, for platforms that take plain text.", no_args_is_help=True)


@vault.callback()
def _group() -> None:
    """Keep ``create`` a command of its own, although it is the only one."""


@vault.command()
def create() -> None:
    """Make the key file, readable by its owner only; a key that is there is kept."""
    from guestlist.runtime.vault import create_key_file

    path = Config.from_environment().vault_key
    create_key_file(path)
    tell(f"made {shown(path)}: keep a copy in a safe place, nothing opens the lake without it")
