"""``guestlist verify``: whether the receipts of erasures are whole, asked of nobody but the ledger or a file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from guestlist.cli.console import AsJson, show, show_json
from guestlist.cli.installation import workspace
from guestlist.model.errors import DataError

if TYPE_CHECKING:
    from guestlist.pipeline.receipts import Link
    from guestlist.runtime.ledger import Ledger


def verify(
    file: Annotated[Path | None, typer.Argument(help="What `guestlist verify --json` has printed; the ledger if none.")] = None,
    *,
    head: Annotated[str | None, typer.Option(help="A receipt seen before, number:digest: it has to be there still.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check the chain of erasure receipts; the first one that does not fit is named."""
    from guestlist.pipeline.receipts import first_break

    ledger = None if file else workspace().ledger
    chain = _read(file) if file else ledger.receipts() if ledger else []
    newest = chain[-1].name if chain else None
    broken = first_break(chain, head) or (_missing(ledger, chain) if ledger else None)
    if as_json:
        show_json({"count": len(chain), "head": newest, "broken": broken, "receipts": [asdict(link) for link in chain]})
    if broken:
        raise DataError(f"the chain of receipts is broken: {broken}")
    if not as_json:
        show(Text(f"{len(chain):,} receipts, whole; the newest is {newest or '-'}"))


def _read(file: Path) -> list[Link]:
    from guestlist.pipeline.receipts import Link

    try:
        return [Link(**link) for link in json.loads(file.read_text(encoding="utf-8"))["receipts"]]
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(f"{file} is not what `guestlist verify --json` has printed") from None


def _missing(ledger: Ledger, chain: Sequence[Link]) -> str | None:
    """An erasure of the ledger whose receipts are not there, such as those at the end of a chain that was cut off."""
    written = Counter((facts["erasure"], facts["kind"]) for facts in map(_facts, chain))
    for erasure in ledger.erasures():
        kinds = ["entered", *(["closed"] if erasure.closed_at else [])]
        for kind in kinds:
            if written[erasure.id, kind] != 1:
                return f"erasure {erasure.id} has no receipt that it was {kind}"
    return None


def _facts(link: Link) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(link.content)
    return facts
