"""This installation as the commands see it: its segments, its workspace, and the names of runs."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import TYPE_CHECKING

from guestlist.cli.console import tell
from guestlist.cli.validate import files_of
from guestlist.runtime import clock
from guestlist.runtime.config import segments_folder
from guestlist.runtime.segments import find_segment, readable

if TYPE_CHECKING:
    from guestlist.model.segment import Segment
    from guestlist.runtime.wiring import Workspace


def workspace(sleep: clock.Sleep = clock.sleep) -> Workspace:
    """The storage and connections that the environment names; ``sleep`` is how to wait."""
    from guestlist.runtime.wiring import Workspace

    return Workspace(sleep=sleep)


def segment_named(name: str) -> Segment:
    """A segment by its name or its file, or a pushed audience by the name under which the ledger knows it."""
    if "__" in name and not name.endswith((".yaml", ".yml")):
        from guestlist.runtime.intake.audiences import find_any

        return find_any(workspace(), name)
    return find_segment(name, segments_folder())


def all_audiences() -> list[Segment]:
    """All segments whose files can be read, with every pushed audience as one."""
    from guestlist.runtime.intake.audiences import with_pushed

    return list(with_pushed(workspace(), all_segments()))


def all_segments() -> list[Segment]:
    """All segments whose files can be read; the others are told."""
    paths = files_of([], segments_folder())
    return list(readable(paths, lambda error: tell(f"left out: {error}", style="yellow")))


def labels_of(segment: Segment, only: Sequence[str] | None) -> list[str]:
    """The destinations that are asked for, in the order of the file; `ConfigError` where one does not exist."""
    asked = [segment.destination(label).label for label in only or ()]
    return [target.label for target in segment.destinations if not asked or target.label in asked]


def run_name(kind: str) -> str:
    """A run's id: what began it, and when."""
    moment = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{kind}__{moment}"


def person() -> str:
    """Who is at the command line, as the ledger keeps it."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user may have no name
        name = "somebody"
    return f"{name} (command line)"
