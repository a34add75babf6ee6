"""Finds and reads segment files. Importing this loads neither Polars nor a vendor's SDK: Airflow parses DAGs with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from guestlist.model.errors import ConfigError

if TYPE_CHECKING:
    from guestlist.model.segment import Segment


def segment_files(folder: Path) -> list[Path]:
    """All segment files of a folder, by name."""
    return sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])


def read_segment(path: Path) -> Segment:
    """Read one segment file.

    Raises:
        SegmentError: lists every problem. ConfigError: the file cannot be read.
    """
    from guestlist import destinations
    from guestlist.model.documents import LONGEST_TEXT
    from guestlist.model.segment_file import parse_segment  # after `guestlist --help`, which does not need it

    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LONGEST_TEXT + 1)
    except FileNotFoundError:
        raise ConfigError(f"there is no segment file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {type(error).__name__}") from None
    return parse_segment(text, shown(path), destinations.platforms())


def readable(paths: Iterable[Path], left_out: Callable[[ConfigError], None]) -> Iterator[Segment]:
    """The segments of those files that can be read; a broken file is told and does not hide the others."""
    for path in paths:
        try:
            yield read_segment(path)
        except ConfigError as error:
            left_out(error)


def find_segment(name: str, folder: Path) -> Segment:
    """A segment by its name, or by the path of its file."""
    if name.endswith((".yaml", ".yml")):
        return read_segment(Path(name))
    for suffix in (".yaml", ".yml"):
        if (path := folder / f"{name}{suffix}").exists():
            return read_segment(path)
    known = ", ".join(path.stem for path in segment_files(folder)) or "none"
    raise ConfigError(f"there is no segment {name!r} in {folder}; there are: {known}")


def shown(path: Path) -> str:
    """Relative to where the person stands, where that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
