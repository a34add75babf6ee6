"""The command ``guestlist``: its commands, and how errors become one line and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from guestlist import __version__
from guestlist.cli import exits
from guestlist.cli.approve import approve
from guestlist.cli.audiences import audiences
from guestlist.cli.check import check
from guestlist.cli.console import tell
from guestlist.cli.doctor import doctor
from guestlist.cli.erase import erase
from guestlist.cli.intake_keys import keys
from guestlist.cli.migrate import migrate
from guestlist.cli.normalise import normalise
from guestlist.cli.plan import plan
from guestlist.cli.pools import pools
from guestlist.cli.prepare import prepare
from guestlist.cli.preview import preview
from guestlist.cli.prune import prune
from guestlist.cli.reconcile import reconcile
from guestlist.cli.sandbox import sandbox
from guestlist.cli.schema import schema
from guestlist.cli.status import status
from guestlist.cli.sync import sync
from guestlist.cli.validate import validate
from guestlist.cli.vault import vault
from guestlist.cli.verify import verify
from guestlist.model.errors import GuestlistError

_PACKAGE = Path(__file__).resolve().parents[1]


class _Group(TyperGroup):
    """Turns Guestlist's own errors into one red line and their exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except GuestlistError as error:
            tell(str(error), style="red")
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            tell("stopped")
            raise typer.Exit(exits.INTERRUPTED) from None


app = typer.Typer(
    cls=_Group,
    help="Keeps ad-platform audiences in step with customer segments.",
    epilog=exits.epilogue(),
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS: Mapping[str, tuple[Callable[..., None], ...]] = {
    "Run segments": (validate, check, preview, plan, sync, approve, status),
    "Look after what was sent": (reconcile, audiences, prune, migrate),
    "Privacy": (erase, verify),
    "Tools": (doctor, sandbox, normalise, prepare, pools, schema),
}
for _panel, _commands in COMMANDS.items():
    for _command in _commands:
        app.command(rich_help_panel=_panel)(_command)


app.add_typer(vault, name="vault", rich_help_panel="Tools")
app.add_typer(keys, name="keys", rich_help_panel="Tools")


def _tell_version(*, asked: bool) -> None:
    if asked:
        typer.echo(f"guestlist {__version__}")
        raise typer.Exit


@app.callback(no_args_is_help=True)
def guestlist(
    *,
    version: Annotated[  # Typer hands it to its callback
        bool,
        typer.Option("--version", callback=lambda asked: _tell_version(asked=asked), is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Keeps ad-platform audiences in step with customer segments."""


def run() -> None:
    """Run the command line; the entry point of the script ``guestlist``."""
    sys.excepthook = explain
    typer.main.get_command(app)(prog_name="guestlist")


def explain(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell an unexpected error: its type and place. Its message may quote a row, so only a traceback on request has it."""
    if os.environ.get("GUESTLIST_DEBUG"):
        traceback.print_exception(kind, error, trace)  # without local variables: they hold rows
        return
    tell(f"unexpected {kind.__name__} {_place(trace)}; please report it, GUESTLIST_DEBUG=1 shows the traceback", style="red")


def _place(trace: TracebackType | None) -> str:
    """The innermost line of our own code."""
    ours = [frame for frame in traceback.extract_tb(trace) if Path(frame.filename).is_relative_to(_PACKAGE)]
    if not ours:
        return "outside of Guestlist"
    return f"at {Path(ours[-1].filename).relative_to(_PACKAGE.parent)}:{ours[-1].lineno} in {ours[-1].name}"
