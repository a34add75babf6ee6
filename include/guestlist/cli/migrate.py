"""``guestlist migrate``: the ledger's tables are brought up to this version, once for all workers."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from guestlist.cli.console import show
from guestlist.runtime.config import Config


def migrate(
    *,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; fail if there is something to do.")] = False,
) -> None:
    """Make the ledger's tables, or bring them up to this version. Safe to run again, and in several places at once."""
    from guestlist.runtime.ledger import migrate as bring_up_to_date
    from guestlist.runtime.ledger import tables_version
    from guestlist.runtime.ledger.tables import HEAD
    from guestlist.runtime.ledger.versions import refuse_newer, refuse_older

    address = Config.from_environment().ledger
    if check:
        found = tables_version(address)
        refuse_newer(found)
        refuse_older(found)
    else:
        found = bring_up_to_date(address)
    told = f"{found}, nothing to do" if found == HEAD else f"{found or 'none'} -> {HEAD}"
    show(Text(f"the ledger's tables: {told}"))
