"""Audience members and outcomes of requests in the forms of the Data Manager API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Raw

from guestlist.destinations._google import ADDRESS
from guestlist.destinations._json import around, array_of, object_of, objects_of
from guestlist.destinations._reading import inside
from guestlist.model.conversation import Json
from guestlist.model.delivery import JobOutcome
from guestlist.model.vocabulary import Field

if TYPE_CHECKING:
    import polars as pl

_SINGLE = {Field.EMAIL: "emailAddress", Field.PHONE: "phoneNumber"}
_ADDRESS = {
    Field.FIRST_NAME: "givenName",
    Field.LAST_NAME: "familyName",
    Field.COUNTRY: "regionCode",
    Field.POSTAL_CODE: "postalCode",
}


def match_rate_of(status: Mapping[str, Json]) -> str | None:
    """The range, wherever the kind of data puts it; None until Google has one."""
    for kind in inside(status, "audienceMembersIngestionStatus").values():
        name = str(kind.get("uploadMatchRateRange", "")) if isinstance(kind, dict) else ""
        if "_TO_" in name or "LESS_THAN" in name:
            text = name.removeprefix("MATCH_RATE_RANGE_").removeprefix("LESS_THAN_")
            return f"{'< ' * ('LESS_THAN' in name)}{text.replace('_TO_', '-')} %"
    return None


def merged(parts: list[JobOutcome]) -> JobOutcome:
    """The outcome of a batch that went out in several requests."""
    rejected: dict[str, int] = {}
    for part in parts:
        for reason, refused in part.rejected.items():
            rejected[reason] = rejected.get(reason, 0) + refused
    rates = [part.match_rate for part in parts if part.match_rate]
    return JobOutcome(rejected, failed=any(part.failed for part in parts), match_rate=rates[-1] if rates else None)


def members_of(rows: pl.DataFrame) -> Raw:
    """Audience members as JSON: all identifiers of one person each."""
    import polars as pl

    columns = set(rows.columns)
    if Field.MOBILE_AD_ID in columns:
        return array_of(rows, object_of(mobileData=pl.struct(mobileIds=Field.MOBILE_AD_ID)))
    if Field.EXTERNAL_ID in columns:
        return array_of(rows, object_of(userIdData=pl.struct(userId=Field.EXTERNAL_ID)))
    identifiers = [objects_of(name, pl.col(field)) for field, name in _SINGLE.items() if field in columns]
    if columns.issuperset(ADDRESS.required):
        address = object_of(address=pl.struct([pl.col(field).alias(name) for field, name in _ADDRESS.items()]))
        identifiers.append(pl.when(pl.all_horizontal(pl.col(field).is_not_null() for field in _ADDRESS)).then(address))
    joined = pl.concat_str(identifiers, separator=",", ignore_nulls=True)
    return array_of(rows, around('{"compositeData":{"userData":{"userIdentifiers":[', joined, "]}}}"))
