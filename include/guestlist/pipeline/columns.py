"""Which columns a segment's platforms need prepared: one for each field and recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from guestlist.identity.recipes import Recipe, recipe
from guestlist.model.capabilities import Capabilities
from guestlist.model.source import Identifier
from guestlist.model.vocabulary import PREHASHED, Field
from guestlist.pipeline.audience import fields_of
from guestlist.pipeline.derive import KeyColumn

COMPARED_BY = {
    Field.EMAIL: "email.lower.v1",
    Field.PHONE: "phone.e164_plus.v1",
    Field.MOBILE_AD_ID: "mobile_ad_id.hashed.v1",
    Field.EXTERNAL_ID: "external_id.v1",
}
"""How people are told on a suppression list by what no platform of the segment takes."""


def key_columns(identifiers: Mapping[Field, Identifier], capabilities: Sequence[Capabilities]) -> tuple[KeyColumn, ...]:
    """The columns to prepare so that every platform has its own form of every field; each distinct recipe once."""
    wanted = {(key.field, key.recipe) for capability in capabilities for key in capability.keys if key.field in identifiers}
    found = {}
    for field_, name in sorted(wanted):
        rule = recipe(PREHASHED if identifiers[field_].hashed else name)
        column = key_column(identifiers, field_, rule)
        found[column.name] = column
    return tuple(found.values())


def key_column(identifiers: Mapping[Field, Identifier], field_: Field, rule: Recipe) -> KeyColumn:
    """One field by one recipe. An address is read in the person's country; a phone's region has to be declared."""
    identifier = identifiers[field_]
    region = identifier.region if rule.needs_region else None
    if region is None and rule.needs_region and field_ is not Field.PHONE and Field.COUNTRY in identifiers:
        return KeyColumn(field_, rule, identifier.columns, identifiers[Field.COUNTRY].columns[0])
    return KeyColumn(field_, rule, identifier.columns, region, region is not None and identifier.fixed_region is not None)


def fields_taken(identifiers: Mapping[Field, Identifier], capabilities: Capabilities) -> list[pl.Expr]:
    """The prepared columns as one platform takes them, named by their fields."""
    keys = {key.field: key for key in key_columns(identifiers, [capabilities])}
    return [pl.col(keys[field].name).alias(field.value) for field in fields_of(capabilities, list(identifiers))]
