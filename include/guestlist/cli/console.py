"""Where the commands print: results to stdout, everything else to stderr, JSON as it is."""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.text import Text

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else there.")]
SegmentName = Annotated[str, typer.Argument(metavar="SEGMENT", help="A segment's name, or the path of its file.")]
Only = Annotated[
    list[str] | None, typer.Option("--only", metavar="LABEL", help="Only this destination; may be given several times.")
]
_WIDTH_OF_FILES = 120
"""Rich would fold tables at 80 columns wherever there is no terminal."""


def out() -> Console:
    """For results."""
    return _console(stderr=False, is_terminal=sys.stdout.isatty())


def err() -> Console:
    """For progress and errors."""
    return _console(stderr=True, is_terminal=sys.stderr.isatty())


def _console(*, stderr: bool, is_terminal: bool) -> Console:
    width = None if is_terminal or "COLUMNS" in os.environ else _WIDTH_OF_FILES
    return Console(stderr=stderr, width=width, highlight=False)


def show(*parts: RenderableType) -> None:
    """Print results for a person."""
    console = out()
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, Text))  # only tables are fitted to the width


def show_json(data: Any) -> None:
    """Print a result for a program."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def tell(message: str, style: str = "") -> None:
    """Say something beside the result; never read as Rich's markup, never folded."""
    err().print(Text(message, style=style), soft_wrap=True)
