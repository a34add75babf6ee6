"""The lineage of one audience: source column, recipe, platform field, as the segment's file says now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, HTTPException

from guestlist.destinations import destination_class
from guestlist.model.segment import Destination, Segment
from guestlist.model.source import ROW_KEY
from guestlist.model.vocabulary import PREHASHED
from guestlist.runtime.intake.audiences import audience_segment
from guestlist.web.access import Audience
from guestlist.web.answers.audiences import Lineage, Origin
from guestlist.web.books import Books, Segments
from guestlist.web.served import ServedBy
from guestlist.web.tables import AS_CSV, Format, answered, named

router = APIRouter(prefix="/segments/{segment}/destinations/{destination}", tags=["audiences"])


@router.get("/lineage", response_model=Lineage, responses=AS_CSV)
def lineage(key: Audience, served: ServedBy, books: Books, shelf: Segments, wanted: Format = "json") -> Any:
    """From the source's columns to the platform's fields, as the segment's file says now."""
    found = shelf.segment(served.dag_id)
    if isinstance(found, Segment) and served.pushed is not None:
        found = audience_segment(found, served.pushed, books.newest_upload(served.pushed.id))
    target = _target(found, key[1])
    if not isinstance(found, Segment) or target is None:
        raise HTTPException(404, found if isinstance(found, str) else f"{key[0]} has no destination {key[1]}")
    origins = tuple(_origins(found, target))
    source = "pushed" if served.pushed is not None else found.source.file or found.source.table or _query_name(found)
    whole = Lineage(
        source=source,
        source_connection=found.source.connection,
        platform=target.platform,
        audience=target.audience,
        origins=origins,
    )
    return answered(whole, Origin, origins, wanted, named(key, "lineage"))


def _target(found: Segment | str, label: str) -> Destination | None:
    targets = found.destinations if isinstance(found, Segment) else ()
    return next((target for target in targets if target.label == label), None)


def _query_name(segment: Segment) -> str:
    """A query's file; one that stands in the segment's file may name anything, and is not shown."""
    sql = segment.source.sql or ""
    return sql if sql.endswith(".sql") and "\n" not in sql else "a query in the segment's file"


def _origins(segment: Segment, target: Destination) -> Iterator[Origin]:
    """What feeds each field that the platform takes, then what decides who is taken at all."""
    cls = destination_class(target.platform)
    capabilities = cls.capabilities_for(cls.Options(**target.options))
    for key in capabilities.keys:
        if (identifier := segment.identifiers.get(key.field)) is None:
            continue
        whole = Origin(
            column="",
            use="match_key",
            recipe=PREHASHED if identifier.hashed else key.recipe,
            field=key.field.value,
            platform_field=key.wire,
            hashed=not key.plain,
        )
        yield from (whole.model_copy(update={"column": column}) for column in identifier.columns)
        if identifier.region_column:
            yield whole.model_copy(update={"column": identifier.region_column, "use": "region"})
    if segment.value and capabilities.takes_value:
        yield Origin(column=segment.value.column, use="value", field="value", platform_field="value")
    person = "all identifiers together" if segment.key == ROW_KEY else segment.key
    yield Origin(column=person, use="member_key", recipe="member", hashed=True)
    for name, column in segment.consent:
        if column in segment.consent.columns:
            yield Origin(column=column, use="consent", recipe=name)
    for list_ in segment.suppress:
        for field, identifier in list_.identifiers.items():
            yield from (Origin(column=column, use="suppression", field=field.value) for column in identifier.columns)
