"""Looks at some rows of a file as a run would, in a process of its own: see `guestlist.sources.confined`."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from guestlist.model.errors import GuestlistError
from guestlist.model.source import ROW_KEY, Source
from guestlist.pipeline.prepare import Preparer
from guestlist.pipeline.readiness import readiness
from guestlist.runtime.intake.audiences import IDENTIFIERS, identifiers_of
from guestlist.runtime.intake.guess import guessed
from guestlist.runtime.intake.reading import Pieces, UploadReader
from guestlist.runtime.samples import shown_row
from guestlist.runtime.segments import find_segment
from guestlist.runtime.wiring import capabilities_of
from guestlist.sources.formats.location import DataFile

_ROWS, _SHOWN = 10_000, 5


class _Given:
    """A file system of one file."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def open(self, _path: str, _mode: str = "rb") -> io.BytesIO:
        return io.BytesIO(self._content)

    def info(self, path: str) -> dict[str, Any]:
        return {"name": path, "type": "file", "size": len(self._content)}


def work(argument: str, content: bytes) -> bytes:
    """``argument`` is JSON, as `examine.preview` makes it; so is what is found, or {"problem": a sentence}."""
    try:
        return json.dumps(_looked_at(json.loads(argument), content)).encode()
    except GuestlistError as error:
        return json.dumps({"problem": error.message}).encode()


def _looked_at(asked: dict[str, Any], content: bytes) -> dict[str, Any]:
    file = DataFile("the file", f"people{asked['ending']}", _Given(content))
    pieces = Pieces(Source.model_validate({"file": file.name}), "", Path(), (), pieces=(file,))
    intake = find_segment(asked["intake"], Path(asked["segments"]))
    columns = list(pieces.schema().names)
    chosen = asked["identifiers"] or guessed(columns, intake.identifiers)
    found = {"columns": columns, "mapping": chosen}
    if not chosen:
        return {**found, "rows": [], "platforms": [], "drops": {}}
    identifiers = IDENTIFIERS.validate_python(identifiers_of(intake, chosen))
    targets = tuple(one for one in intake.destinations if not asked["destinations"] or one.label in asked["destinations"])
    segment = intake.model_copy(update={"identifiers": identifiers, "key": asked["key"] or ROW_KEY, "destinations": targets})
    capabilities = capabilities_of(segment)
    wanted = Preparer(segment, tuple(capabilities.values())).source_columns
    identifying = tuple(dict.fromkeys(name for one in identifiers.values() for name in one.columns))
    batch = next(iter(UploadReader(pieces, identifying, lambda _read: None).batches(wanted)))
    frame = pl.DataFrame(pl.from_arrow(batch)).head(_ROWS)
    ready = readiness(segment, capabilities, frame)
    rows = [shown_row(segment, capabilities, frame.slice(index, 1)) for index in range(min(_SHOWN, frame.height))]
    platforms = [asdict(one) for one in ready.platforms]
    return {**found, "rows": rows, "platforms": platforms, "drops": ready.drops.as_json()["rows"], "looked_at": frame.height}
