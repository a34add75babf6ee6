"""The ledger and the segment files as this API server sees them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from threading import Lock
from typing import Annotated

from fastapi import Depends

from guestlist.model.errors import ConfigError
from guestlist.model.segment import Segment
from guestlist.runtime.config import Config, segments_folder
from guestlist.runtime.ledger import Ledger, open_ledger
from guestlist.runtime.segments import read_segment, segment_files


@cache
def the_ledger() -> Ledger:
    """The ledger that the environment names; opened when it is first asked for.

    Raises:
        ConfigError: nobody has said where it is, or its tables are not ours. TransientError: it cannot be reached.
    """
    return open_ledger(Config.from_environment().ledger)


class Shelf:
    """The segment files of a folder; a file is read again only when it has changed. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, tuple[tuple[int, int], Segment | str]] = {}
        self._lock = Lock()

    def segments(self) -> dict[str, Segment | str]:
        """Each file's segment by its name; of a file that cannot be used what is wrong with it."""
        with self._lock:
            files = segment_files(self._folder)
            self._read = {path: self._look(path) for path in files}
            return {path.stem: found for path, (_, found) in self._read.items()}

    def segment(self, name: str) -> Segment | str:
        """One of them."""
        with self._lock:
            for suffix in (".yaml", ".yml"):
                if (path := self._folder / f"{name}{suffix}").exists():
                    self._read[path] = self._look(path)
                    return self._read[path][1]
        return f"there is no file {name}.yaml among the segments"

    def _look(self, path: Path) -> tuple[tuple[int, int], Segment | str]:
        try:
            found = path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if path in self._read and self._read[path][0] == stamp:
                return self._read[path]
            return stamp, read_segment(path)
        except OSError as error:
            return (0, 0), f"{path.name} cannot be read: {type(error).__name__}"
        except ConfigError as error:
            return stamp, str(error)


@cache
def the_shelf() -> Shelf:
    """The segment files that the environment names."""
    return Shelf(segments_folder())


Books = Annotated[Ledger, Depends(the_ledger)]
Segments = Annotated[Shelf, Depends(the_shelf)]
