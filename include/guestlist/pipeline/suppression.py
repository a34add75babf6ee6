"""The keys of people who must not be on a segment's audiences, from a list of any shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from guestlist.identity.recipes import recipe
from guestlist.model.capabilities import Capabilities
from guestlist.model.plan import Drops
from guestlist.model.source import Identifier
from guestlist.model.vocabulary import IDENTIFYING, PREHASHED, Field
from guestlist.pipeline.audience import column_of
from guestlist.pipeline.columns import COMPARED_BY, key_column
from guestlist.pipeline.derive import KeyColumn, derivations


def suppression_keys(
    rows: Iterable[pl.DataFrame],
    listed: Mapping[Field, Identifier],
    identifiers: Mapping[Field, Identifier],
    capabilities: Sequence[Capabilities],
) -> dict[str, set[str]]:
    """The keys of people who must not be on the audiences, by the segment's prepared column.

    Args:
        rows: the list, in batches of String columns.
        listed: its columns. Only fields that name a person count; a country merely helps to read phones.
        identifiers: the segment's.
        capabilities: of its platforms, whose recipes say how a plain value looks in a column that came hashed.
    """
    taken = {(key.field, key.recipe) for capability in capabilities for key in capability.keys}
    untaken = {(field_, rule) for field_, rule in COMPARED_BY.items() if field_ not in {key for key, _ in taken}}
    made: dict[tuple[str, str], KeyColumn] = {}
    for field_, name in sorted(taken | untaken):
        if field_ in IDENTIFYING and field_ in listed and field_ in identifiers:
            column = column_of(field_, PREHASHED if identifiers[field_].hashed else name)
            rule = recipe(PREHASHED if listed[field_].hashed else name)
            made[column, rule.name] = key_column(listed, field_, rule)
    found: dict[str, set[str]] = {column: set() for column, _ in made}
    for batch in rows:
        for (column, _), theirs in made.items():
            for derivation in derivations([theirs]):
                (columns,) = derivation.derive(batch, pl.int_range(batch.height, eager=True), Drops(), max(batch.height, 1))
                found[column] |= set(columns.get_column(theirs.name).drop_nulls())
    return found
