"""What the people of an erasure are known by: from options, from a CSV file, or asked for; never repeated in a message."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from guestlist.model.errors import ConfigError, DataError
from guestlist.model.vocabulary import IDENTIFYING, Field

if TYPE_CHECKING:
    from guestlist.pipeline.erasure import Given

_REGION = "region"
_COLUMNS = (*sorted(IDENTIFYING), _REGION)
_STANDARD = "-"


def from_options(options: Mapping[str, Sequence[str] | None], region: str | None) -> list[Given]:
    """The options of one person; nothing where none was given."""
    return _person((name, value) for name, values in (*options.items(), (_REGION, [region or ""])) for value in values or ())


def asked() -> list[Given]:
    """Ask for one of each kind; what is typed is not shown, and an empty answer leaves a kind out."""
    if not (person := _person((name, _typed(name)) for name in _COLUMNS)):
        raise ConfigError("nobody was named: give at least one email, phone, external id or mobile ad id")
    return person


def _typed(name: str) -> str:
    return str(typer.prompt(name.replace("_", " "), default="", show_default=False, hide_input=True))


def from_file(file: str) -> list[list[Given]]:
    """The people of a CSV file, one a line; a column may stand several times.

    Raises:
        ConfigError: a column's name is not known. DataError: the file cannot be read, or a line names nobody.
    """
    try:
        text = sys.stdin.read() if file == _STANDARD else Path(file).read_text(encoding="utf-8-sig")
        header, *lines = [row for row in csv.reader(text.splitlines()) if row]
    except (OSError, UnicodeDecodeError, csv.Error, ValueError):
        raise DataError("the file of people cannot be read, is no CSV in UTF-8, or is empty") from None
    names = [name.strip().lower() for name in header]
    for number, name in enumerate(names, start=1):
        if name not in _COLUMNS:  # it may be a person's, where there is no header
            raise ConfigError(f"nobody knows the name of column {number}; there are: {', '.join(_COLUMNS)}")
    people = []
    for number, line in enumerate(lines, start=2):
        if not (person := _person(zip(names, line, strict=False))):
            raise DataError(f"line {number} of the file names nobody")
        people.append(person)
    if not people:
        raise DataError("the file of people has nobody in it")
    return people


def _person(pairs: Iterable[tuple[str, str]]) -> list[Given]:
    from guestlist.pipeline.erasure import Given

    filled = [(name, value) for name, value in pairs if value.strip()]
    region = next((value for name, value in filled if name == _REGION), None)
    return [Given(Field(name), value, region) for name, value in filled if name != _REGION]
