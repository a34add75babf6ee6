"""``guestlist validate``: every problem of every segment file, without any connection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from guestlist.cli import exits
from guestlist.cli.console import AsJson, show, show_json
from guestlist.model.errors import ConfigError
from guestlist.runtime.config import segments_folder
from guestlist.runtime.segments import read_segment, segment_files, shown

if TYPE_CHECKING:
    from guestlist.model.segment_file import Problem

_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True)
class Checked:
    """A file and what is wrong with it."""

    path: Path
    problems: tuple[Problem, ...]

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        problems = [{"line": item.line, "where": item.where, "message": item.message} for item in self.problems]
        return {"file": str(self.path), "segment": self.path.stem, "valid": not self.problems, "problems": problems}


def validate(
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="SEGMENT|PATH", help="Segments, files or folders; all segments if none is given."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Check segment files offline and tell every problem."""
    checked = [check(path) for path in files_of(targets or [], segments_folder())]
    broken = [item for item in checked if item.problems]
    if as_json:
        show_json({"valid": not broken, "files": [item.as_json() for item in checked]})
    else:
        show(*(_told(item) for item in checked))
    if broken:
        raise typer.Exit(exits.CONFIG)


def files_of(targets: list[str], folder: Path) -> list[Path]:
    """The files that are meant, by name, path or folder; all of ``folder`` where nothing is named."""
    found = [path for target in targets for path in _files_of(target, folder)] if targets else segment_files(folder)
    if not found:
        raise ConfigError(f"there is no segment file in {folder}: write one, or point GUESTLIST_SEGMENTS at their folder")
    return list(dict.fromkeys(found))


def _files_of(target: str, folder: Path) -> list[Path]:
    if target.endswith(_ENDINGS):
        return [Path(target)]
    named = [path for ending in _ENDINGS if (path := folder / f"{target}{ending}").exists()]
    if named:
        return named
    if Path(target).is_dir():
        return files_of([], Path(target))
    known = ", ".join(path.stem for path in segment_files(folder)) or "none"
    raise ConfigError(f"there is no segment {target!r} in {folder}; there are: {known}")


def check(path: Path) -> Checked:
    """Read one file and collect what is wrong with it."""
    from guestlist.cli.queries import query_problems
    from guestlist.model.segment_file import Problem, SegmentError

    try:
        segment = read_segment(path)
    except SegmentError as error:
        return Checked(path, error.problems)
    except ConfigError as error:
        return Checked(path, (Problem(1, "", error.message),))
    return Checked(path, (*_twins(path), *query_problems(segment, path)))


def _twins(path: Path) -> tuple[Problem, ...]:
    """Two files of one name would be one segment."""
    from guestlist.model.segment_file import Problem

    other = path.with_suffix(".yml" if path.suffix == ".yaml" else ".yaml")
    return (Problem(1, "name", f"{other.name} has the same name: remove one of them"),) if other.exists() else ()


def _told(item: Checked) -> Text:
    if not item.problems:
        return Text.assemble(("ok ", "green"), shown(item.path))
    told = Text.assemble(("bad", "red"), f" {item.path}")
    for problem in item.problems:
        told.append(f"\n    {problem}")
    return told
