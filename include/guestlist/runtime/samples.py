"""Takes a sample of a segment's source and runs it through the run's own preparation, row by row; nothing is written."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import polars as pl

from guestlist.identity.masking import masked, shortened
from guestlist.model.capabilities import Capabilities
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Field
from guestlist.pipeline.columns import key_columns
from guestlist.pipeline.derive import KeyColumn
from guestlist.pipeline.prepare import Preparer

if TYPE_CHECKING:
    from guestlist.runtime.wiring import Workspace


def sample(workspace: Workspace, segment: Segment, rows: int) -> dict[str, Any]:
    """The first ``rows`` rows in detail, and the drop report of all rows that were read for them, as JSON without raw values.

    Reads one batch of the source, or more where batches are smaller than ``rows``. Suppression lists are not read.
    """
    capabilities = workspace.capabilities(segment)
    preparer = Preparer(segment, tuple(capabilities.values()))
    frame = first_rows(workspace, segment, preparer.source_columns, rows)
    preparer.prepare(frame)
    shown = [shown_row(segment, capabilities, frame.slice(index, 1)) for index in range(min(rows, frame.height))]
    return {"segment": segment.name, "destinations": list(capabilities), "drops": preparer.drops.as_json(), "rows": shown}


def first_rows(workspace: Workspace, segment: Segment, columns: Sequence[str], rows: int) -> pl.DataFrame:
    """Whole batches until there are enough rows."""
    found: list[pl.DataFrame] = []
    with closing(_frames(workspace, segment, columns)) as frames:
        for frame in frames:
            found.append(frame)
            if sum(item.height for item in found) >= rows:
                break
    return pl.concat(found)


def _frames(workspace: Workspace, segment: Segment, columns: Sequence[str]) -> Generator[pl.DataFrame]:
    for batch in workspace.reader(segment.source).batches(columns):
        frame = pl.from_arrow(batch)
        if isinstance(frame, pl.DataFrame):
            yield frame


def shown_row(segment: Segment, capabilities: Mapping[str, Capabilities], row: pl.DataFrame) -> dict[str, Any]:
    """One row, masked: what preparing it alone gives and drops."""
    preparer = Preparer(segment, tuple(capabilities.values()))
    prepared = preparer.prepare(row)
    theirs = {label: key_columns(segment.identifiers, [found]) for label, found in capabilities.items()}
    fields = [_field(field, segment, row, prepared, theirs, preparer.drops.keys) for field in segment.identifiers]
    dropped = next(iter(preparer.drops.rows), None)
    return {"key": masked(row[segment.key][0]), "dropped": dropped, "fields": fields}


def _field(
    field: Field,
    segment: Segment,
    row: pl.DataFrame,
    prepared: pl.DataFrame,
    theirs: dict[str, tuple[KeyColumn, ...]],
    dropped: dict[str, dict[str, int]],
) -> dict[str, Any]:
    columns = {label: key for label, keys in theirs.items() for key in keys if key.field is field}
    return {
        "field": field.value,
        "values": {name: masked(row[name][0], field) for name in segment.identifiers[field].columns},
        "keys": {label: _shown(prepared, key) for label, key in columns.items()} if prepared.height else {},
        "dropped": {key.name: list(dropped.get(key.name, ())) for key in columns.values()},
    }


def _shown(prepared: pl.DataFrame, key: KeyColumn) -> list[str]:
    """The keys of one person in one column: the beginning of a hash, or the first character of a plain key."""
    value = prepared[key.name][0]
    values = list(value) if isinstance(value, pl.Series) else [value]
    return [shortened(item) if key.recipe.hashed else masked(item, key.field) for item in values if item is not None]
