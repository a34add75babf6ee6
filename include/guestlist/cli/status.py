"""``guestlist status``: what the ledger knows of each segment: its last runs, what each audience holds, what is under way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from guestlist.cli.console import AsJson, show, show_json
from guestlist.cli.installation import all_audiences, segment_named, workspace
from guestlist.cli.reconcile import verdict
from guestlist.cli.tables import by_destination, opt_outs
from guestlist.cli.tables import state as coloured

if TYPE_CHECKING:
    from sqlalchemy import Row

    from guestlist.model.segment import Segment
    from guestlist.runtime.ledger import Ledger

_RUNS = 5


def status(
    segment: Annotated[str | None, typer.Argument(metavar="SEGMENT", help="One segment; all if none is given.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show the last runs and what each audience holds, from the ledger."""
    ledger = workspace().ledger
    segments = [segment_named(segment)] if segment else all_audiences()
    found = [status_of(ledger, one) for one in segments]
    if as_json:
        show_json({"segments": found})
    else:
        show(*(part for item in found for part in _told(item)))


def status_of(ledger: Ledger, segment: Segment) -> dict[str, Any]:
    """One segment as JSON."""
    runs = [
        {
            "run_id": row.run_id,
            "state": row.state,
            "started_at": _moment(row.started_at),
            "ended_at": _moment(row.ended_at),
            "seconds": round((row.ended_at - row.started_at).total_seconds()) if row.ended_at else None,
            "read": (row.drops or {}).get("read"),
            "prepared": (row.drops or {}).get("prepared"),
        }
        for row in ledger.last_runs(segment.name, _RUNS)
    ]
    destinations = [_destination(ledger, segment, target.label) for target in segment.destinations]
    return {"segment": segment.name, "runs": runs, "destinations": destinations}


def _destination(ledger: Ledger, segment: Segment, label: str) -> dict[str, Any]:
    target = segment.destination(label)
    sealed = ledger.generation(segment.name, label)
    audience = ledger.audience(segment.name, label)
    under_way = [
        {"plan": item.plan_id, "run_id": item.run_id, "operation": item.operation, "state": item.state, "rows": item.rows}
        for item in ledger.open_sessions(segment.name, label)
    ]
    seen = ledger.last_seen(segment.name, label)
    return {
        "label": label,
        "platform": target.platform,
        "audience": target.audience,
        "url": audience.url if audience else None,
        "generation": sealed.number if sealed else None,
        "members": sealed.members if sealed else None,
        "sealed_at": _moment(sealed.sealed_at) if sealed else None,
        "opt_outs": _opt_outs(ledger, sealed.plan_id) if sealed else None,
        "open_sessions": under_way,
        "seen": _seen(seen) if seen else None,
    }


def _seen(row: Row[Any]) -> dict[str, Any]:
    """What the platform said at the last checkpoint."""
    size = None if row.low is None else str(row.low) if row.low == row.high else f"{row.low}-{row.high}"
    facts = {name: getattr(row, name) for name in ("match_rate", "status", "verdict", "told")}
    return {"at": _moment(row.done_at), "hours_after_sealing": row.hours, "size": size, **facts}


def _opt_outs(ledger: Ledger, plan_id: int) -> dict[str, Any] | None:
    took = ledger.opt_outs(plan_id)
    return dict(took._mapping) if took else None  # noqa: SLF001 - SQLAlchemy's name for a row as a mapping


def _moment(moment: datetime | None) -> str | None:
    """ISO 8601; everything in the ledger is UTC, and SQLite forgets it."""
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z" if moment else None


def _told(item: dict[str, Any]) -> Iterator[RenderableType]:
    columns = [(str(one["label"]), _facts(one)) for one in item["destinations"]]
    yield from by_destination(item["segment"], columns)
    yield from (Text(f"{one['label']}: {one['url']}") for one in item["destinations"] if one["url"])
    yield _runs(item["runs"])
    yield ""


def _facts(one: dict[str, Any]) -> dict[str, str | Text]:
    under_way = "\n".join(f"{item['operation']} of {item['rows']:,} rows: {item['state']}" for item in one["open_sessions"])
    return {
        "platform": one["platform"],
        "audience": one["audience"],
        "generation": str(one["generation"] or "-"),
        "members": f"{one['members']:,}" if one["members"] is not None else "-",
        "sealed at": one["sealed_at"] or "never",
        "opt-out to receipt": opt_outs(one["opt_outs"]) if one["opt_outs"] else "-",
        "under way": under_way or "-",
        **_last_look(one["seen"]),
    }


def _last_look(seen: dict[str, Any] | None) -> dict[str, str | Text]:
    if seen is None:
        return {}
    return {
        "size": seen["size"] or "-",
        "match rate": seen["match_rate"] or "-",
        "status": seen["status"] or "-",
        "asked at": seen["at"],
        "that is": Text.assemble(verdict(seen["verdict"]), f": {seen['told']}" if seen["told"] else ""),
    }


def _runs(runs: list[dict[str, Any]]) -> RenderableType:
    if not runs:
        return Text("no run yet")
    table = Table()
    table.add_column("run", no_wrap=True)
    for name in ("state", "started", "seconds", "rows read", "prepared"):
        table.add_column(name)
    for run in runs:
        started = run["started_at"].replace("T", " ").removesuffix("Z")
        counts = (f"{run[name]:,}" if run[name] is not None else "-" for name in ("seconds", "read", "prepared"))
        table.add_row(Text(run["run_id"]), coloured(run["state"]), started, *counts)
    return table
