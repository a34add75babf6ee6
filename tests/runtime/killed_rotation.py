"""A rotation in a process of its own, which stops at the given number of a boundary and waits there to be killed.

Every file boundary counts: before and after each file of the lake, and of the key, takes the place of the one before.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from guestlist.runtime import rotation
from guestlist.runtime.lake import Lake
from guestlist.runtime.wiring import Workspace

LEFT = {"boundaries": int(sys.argv[1])}


def reached() -> None:
    LEFT["boundaries"] -= 1
    if LEFT["boundaries"] == 0:
        print("stopped", flush=True)  # noqa: T201 - whoever kills it waits for this
        threading.Event().wait()


def between(real: Callable[..., None]) -> Callable[..., None]:
    def act(*arguments: Any) -> None:
        reached()
        real(*arguments)
        reached()

    return act


Lake._finish = between(Lake._finish)  # type: ignore[method-assign]
rotation.replace_key_file = between(rotation.replace_key_file)
workspace = Workspace()
rotation.rotate(workspace, [workspace.lake])
print("ended", flush=True)  # noqa: T201
