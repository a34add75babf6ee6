"""``guestlist normalise``: JSON lines of raw values in, JSON lines of match keys out, as many and in the same order."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from guestlist.model.errors import ConfigError, DataError

_STANDARD = "-"


def normalise(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON lines; - for standard input.")] = _STANDARD,
    *,
    output: Annotated[Path | None, typer.Option(help="Write here, whole or not at all, instead of stdout.")] = None,
) -> None:
    """Turn raw values into the match keys of a platform.

    Reads {"id", "platform", "field", "value", "region"} and writes {"id", "normalised", "sha256", "reason", "valid"}.
    """
    from guestlist.cli.keys import answers

    with _source(file) as source, _target(output) as target:
        for lines in answers(source):
            target.write(lines)


@contextmanager
def _source(file: str) -> Iterator[BinaryIO]:
    if file == _STANDARD:
        yield sys.stdin.buffer
        return
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as source:
        yield source


@contextmanager
def _target(output: Path | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that only its owner may read and that appears when it is whole."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    unfinished = output.with_name(f".{output.name}.tmp")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise ConfigError(f"{output} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "wb") as target:
            yield target
        unfinished.replace(output)
    finally:
        unfinished.unlink(missing_ok=True)
