"""The exit codes of every command, and what a person does about each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

OK = 0
UNEXPECTED = 1
CONFIG = 2
INTERRUPTED = 130

EXIT_CODES: Mapping[int, str] = MappingProxyType(
    {
        OK: "everything is in step",
        UNEXPECTED: "unexpected: a fault of Guestlist; report it",
        CONFIG: "wrong usage, segment file or connection: mend it",
        3: "the source is missing, broken or empty: mend it",
        4: "the platform does not accept the credential: mend it",
        5: "a guard stopped the run: a person must decide, see guestlist approve",
        6: "the platform refuses what was sent: read its reason",
        7: "the platform broke its own contract: report it",
        8: "trouble that passes: run again later; nothing is lost",
        9: "the platform has not confirmed everything yet: run again later",
        10: "another run holds this segment: wait for its end",
        INTERRUPTED: "stopped by Ctrl-C: run again; what has a receipt is not sent again",
    }
)
"""3 to 10 are the `exit_code` of the errors in `guestlist.model.errors`; a test compares the two."""


def epilogue() -> str:
    """The codes for the end of the help."""
    lines = "\n".join(f"{code:>3}  {meaning}" for code, meaning in EXIT_CODES.items())
    return f"Exit codes\n\n\b\n{lines}"  # Typer joins the lines of a paragraph, unless it begins with \b
