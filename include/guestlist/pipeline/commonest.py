"""A key that most members share, found while they come by in slices: only a slice's own majority can be the whole's."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl


def majority(values: pl.Series) -> int | None:
    """A hash of the value that more than half of them are, if one is: it then is in the middle of them all, sorted."""
    hashes = values.drop_nulls().hash().sort()
    if hashes.is_empty():
        return None
    middle = int(hashes[len(hashes) // 2])
    return middle if 2 * (hashes == middle).sum() > len(hashes) else None


def commonest(prepared: pl.LazyFrame, suspects: Mapping[str, set[int]]) -> dict[str, dict[str, int]]:
    """Prepared column -> how many members have the key that most of them have, and how many have any."""
    found = {}
    for name, hashes in suspects.items():
        column = pl.col(name)
        several = prepared.collect_schema()[name] == pl.List(pl.String)
        has = prepared.select((column.list.len() > 0 if several else column.is_not_null()).sum())
        keys = prepared.select((column.explode() if several else column).hash())
        same = keys.select((column == one).sum().alias(str(one)) for one in hashes)
        counted, (of,) = (frame.collect(engine="streaming").row(0) for frame in (same, has))
        found[name] = {"same": max(counted), "of": of}
    return found
