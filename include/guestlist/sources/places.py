"""Which files of this machine a segment may name: relative ones stay in the project, absolute ones where they are allowed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from guestlist.model.errors import ConfigError

_NO_DATA = tuple(Path(folder) for folder in ("/dev", "/proc", "/sys"))  # what programs are doing, with their secrets


def local_path(written: str, base: Path) -> Path:
    """The path of a file that a segment names; a relative one starts from ``base`` and stays below it.

    Raises:
        ConfigError: it climbs out of ``base``, or is no path.
    """
    try:
        path = Path(written).expanduser()
    except RuntimeError:
        raise ConfigError(f"{written}: nobody knows this home folder; write an absolute path") from None
    if not path.is_absolute() and not Path(os.path.normpath(base / path)).is_relative_to(os.path.normpath(base)):
        raise ConfigError(f"{written} leads out of {base}, where relative paths start; write an absolute path if it is meant")
    return base / path


def check_place(path: Path, shown: str, base: Path, roots: Sequence[Path]) -> None:
    """Look where a file really lies, behind all links: below ``base`` or one of ``roots``, or anywhere if there are none.

    Raises:
        ConfigError: it lies elsewhere; or where no data lies.
    """
    real = path.resolve()
    if any(real.is_relative_to(folder) for folder in _NO_DATA):
        raise ConfigError(f"{shown} is not a file of data: nothing is read from {', '.join(map(str, _NO_DATA))}")
    if roots and not any(real.is_relative_to(root.resolve()) for root in (base, *roots)):
        allowed = ", ".join(map(str, (base, *roots)))
        raise ConfigError(f"{shown} lies outside of the folders that may be read: {allowed}; GUESTLIST_FILES names more")
