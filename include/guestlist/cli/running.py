"""Programs that run until somebody stops them: Ctrl-C or SIGTERM, once what was started is there."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack

from rich.console import Console

from guestlist.model.errors import GuestlistError


def run_until_stopped(console: Console, start: Callable[[ExitStack], None]) -> int:
    """Start something, wait, and stop all that was entered into the stack, the last first. Returns the exit code."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        with ExitStack() as running:
            start(running)
            stop.wait()
            console.print("Stopping ...")
    except GuestlistError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    return 0
