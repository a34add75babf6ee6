"""``guestlist keys``: who may push audiences to which intakes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from guestlist.cli.console import AsJson, show, show_json, tell
from guestlist.cli.installation import segment_named, workspace
from guestlist.model.errors import ConfigError
from guestlist.runtime import clock

if TYPE_CHECKING:
    from sqlalchemy import Row

_COLUMNS = ("id", "name", "segments", "made", "until", "state")
keys = typer.Typer(help="Keys with which programs push audiences to intakes.", no_args_is_help=True)


@keys.callback()
def _group() -> None:
    """Keys with which programs push audiences to intakes."""


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="Who pushes with it.")],
    segments: Annotated[list[str], typer.Option("--segment", metavar="SEGMENT", help="An intake; several may be given.")],
    *,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it holds.")] = 365,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, once: only a digest of it is kept."""
    from guestlist.runtime.intake.keys import create_key

    for segment in segments:
        if segment_named(segment).source.intake is None:
            raise ConfigError(f"{segment!r} is no intake: nobody pushes to it", segment=segment)
    until = clock.now() + timedelta(days=days)
    key_id, secret = create_key(workspace().ledger, name, segments, until)
    if as_json:
        show_json({"id": key_id, "key": secret, "segments": segments, "expires_at": until.isoformat(timespec="seconds")})
        return
    tell(f"made {key_id} for {', '.join(segments)}, until {until:%Y-%m-%d}; this is the only time that it is shown:")
    typer.echo(secret)


@keys.command(name="list")
def list_(*, as_json: AsJson = False) -> None:
    """Show all keys, without their secrets."""
    found = [_facts(row) for row in workspace().ledger.intake_keys()]
    if as_json:
        show_json({"keys": found})
        return
    table = Table()
    for name in _COLUMNS:
        table.add_column(name)
    for one in found:
        table.add_row(*(Text(one[name] if name != "segments" else ", ".join(one[name])) for name in _COLUMNS))
    show(table if found else Text("no keys"))


@keys.command()
def revoke(key: Annotated[str, typer.Argument(help="Its id, as `guestlist keys list` shows it.")]) -> None:
    """Let a key push no more, from now on; what it has pushed stays."""
    if not workspace().ledger.revoke_key(key):
        raise ConfigError(f"no key that holds is called {key!r}: see `guestlist keys list`")
    tell(f"{key} is revoked")


def _facts(row: Row[Any]) -> dict[str, Any]:
    from guestlist.runtime.intake.keys import is_valid

    state = "revoked" if row.revoked_at else "valid" if is_valid(row) else "expired"
    days = {name: f"{moment:%Y-%m-%d}" for name, moment in (("made", row.created_at), ("until", row.expires_at))}
    return {"id": row.id, "name": row.name, "segments": row.segments, **days, "state": state}
