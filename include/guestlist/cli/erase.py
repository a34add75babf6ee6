"""``guestlist erase``: takes a person off every audience, keeps them off, and writes the receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from guestlist.cli.console import AsJson, show, show_json, tell
from guestlist.cli.installation import workspace
from guestlist.cli.people import asked, from_file, from_options
from guestlist.cli.progress import Bars
from guestlist.runtime import clock

if TYPE_CHECKING:
    from guestlist.model.errors import GuestlistError
    from guestlist.pipeline.erasure import Given
    from guestlist.runtime.wiring import Workspace

Several = list[str] | None


def erase(  # noqa: PLR0913 - a person is known by many things
    *,
    email: Annotated[Several, typer.Option(help="An address, or its SHA-256; may be given several times.")] = None,
    phone: Annotated[Several, typer.Option(help="A number, or its SHA-256; may be given several times.")] = None,
    region: Annotated[str | None, typer.Option(help="The country of numbers without +, such as DE.")] = None,
    external_id: Annotated[Several, typer.Option(help="An id of your own.")] = None,
    mobile_ad_id: Annotated[Several, typer.Option(help="An advertising id.")] = None,
    file: Annotated[str | None, typer.Option(metavar="FILE|-", help="CSV, a person a line; - for standard input.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Finish what is open; nobody new is erased.")] = False,
    enter_only: Annotated[bool, typer.Option("--enter-only", help="Enter it, and leave the rest to the DAG.")] = False,
    approve: Annotated[bool, typer.Option("--approve", help="Go on although very many members share what was given.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a person everywhere; asks for what the person is known by where nothing is given."""
    here = workspace()
    if resume:
        ids = [str(row.id) for row in here.ledger.erasures(only_open=True)]
    else:
        options = {"email": email, "phone": phone, "external_id": external_id, "mobile_ad_id": mobile_ad_id}
        people = from_file(file) if file else [from_options(options, region) or asked()]
        ids = [_enter(here, people, approved=approve)]
    errors = [] if enter_only else [error for erasure_id in ids if (error := _carry_out(here, erasure_id))]
    _present(here, ids, as_json=as_json)
    if errors:
        raise errors[0]


def _enter(here: Workspace, people: list[list[Given]], *, approved: bool) -> str:
    from guestlist.runtime.erasure.request import enter

    erasure_id = enter(here, people, approved=approved)
    tell(f"entered as {erasure_id}: nobody of it is sent again")
    return erasure_id


def _carry_out(here: Workspace, erasure_id: str) -> GuestlistError | None:
    """Everything that can be done now, and all that a platform is waited for."""
    from guestlist.runtime.erasure.work import carry_out, verdict

    with Bars() as bars:
        bars.phase(erasure_id, "remove", 0)
        while (state := carry_out(here, erasure_id, clock.process_holder())).wait is not None:
            bars.sleep(state.wait)
    return verdict(here, erasure_id, state)


def _present(here: Workspace, ids: list[str], *, as_json: bool) -> None:
    chain = here.ledger.receipts()
    head = chain[-1].name if chain else None
    found = [erasure_as_json(here, erasure_id) for erasure_id in ids]
    if as_json:
        show_json({"erasures": found, "head": head})
        return
    if not ids:
        show(Text("no erasure is open"))
    for one in found:
        show(_table(one))
    show(Text(f"newest receipt: {head or '-'}"))


def erasure_as_json(here: Workspace, erasure_id: str) -> dict[str, Any]:
    """One erasure: names and counts."""
    names = ("segment", "label", "platform", "audience", "audience_id", "outcome", "reason", "removed", "request_ids")
    erasure = here.ledger.erasure(erasure_id)
    steps = [{name: getattr(row, name) for name in names} for row in here.ledger.steps(erasure_id)]
    state = "closed" if erasure is not None and erasure.closed_at else "open"
    return {"erasure": erasure_id, "state": state, "audiences": steps}


def _table(one: dict[str, Any]) -> Table:
    table = Table(title=Text(f"{one['erasure']}  {one['state']}"), title_justify="left", title_style="bold")
    for name in ("segment", "destination", "platform", "audience", "outcome", "keys removed"):
        table.add_column(name, overflow="fold")
    for step in one["audiences"]:
        removed = ", ".join(f"{count} {kind}" for kind, count in sorted(step["removed"].items())) or "-"
        told = f"{step['outcome'] or 'open'}: {step['reason']}" if step["reason"] else step["outcome"] or "open"
        cells = (step["segment"], step["label"], step["platform"], step["audience"], told, removed)
        table.add_row(*map(Text, cells))
    return table
