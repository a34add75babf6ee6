"""``guestlist pools``: the Airflow pools that keep all segments together within one ad account's limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from guestlist.cli.console import show_json
from guestlist.cli.installation import all_segments

if TYPE_CHECKING:
    from guestlist.model.segment import Segment


def pools(
    *,
    slots: Annotated[int, typer.Option(min=1, help="Tasks that may talk to one account at the same time.")] = 4,
) -> None:
    """Print the pools of all segments' connections, for `airflow pools import FILE`."""
    show_json(pools_of(all_segments(), slots))


def pools_of(segments: list[Segment], slots: int) -> dict[str, Any]:
    """One pool a connection; its name is the one that the segments' DAGs use."""
    users: dict[tuple[str, str], set[str]] = {}
    for segment in segments:
        for target in segment.destinations:
            users.setdefault((target.pool, target.connection), set()).add(segment.name)
    return {
        pool: {
            "slots": slots,
            "description": f"All calls on connection {connection}; used by {', '.join(sorted(names))}",
            "include_deferred": False,
        }
        for (pool, connection), names in sorted(users.items())
    }
