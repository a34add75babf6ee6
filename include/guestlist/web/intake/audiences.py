"""Audiences that were pushed, as they are: one, all of them, and the rows that could not be used."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from sqlalchemy import Row

from guestlist.runtime.intake.state import AudienceState, state_of, status_of
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.ledger.rows import aware
from guestlist.web.books import Books
from guestlist.web.intake.access import Looking, Pusher, Pushing
from guestlist.web.intake.answers import (
    AudienceAnswer,
    Audiences,
    IntakeAnswer,
    LeftOut,
    ListedAudience,
    Rejections,
    audience_answer,
    intake_answer,
    left_out,
    rejections,
)
from guestlist.web.intake.cursors import cursor_of, read_cursor
from guestlist.web.intake.waiting import why_it_waits
from guestlist.web.tables import AS_CSV, Format, answered

router = APIRouter()


@router.get("/intakes")
def list_intakes(who: Pushing) -> list[IntakeAnswer]:
    """What you may push to: its destinations, its columns, and how large a file may be."""
    return [intake_answer(who.intake(name)) for name in who.segments]


@router.get("/audiences", response_model=Audiences, responses=AS_CSV)
def list_audiences(
    who: Looking,
    ledger: Books,
    intake: str | None = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    wanted: Format = "json",
) -> Any:
    """Your intakes' audiences, the newest first."""
    names = [name for name in who.segments if intake in (None, name)]
    found = ledger.pushed_audiences(names, limit + 1, read_cursor(cursor) if cursor else None)
    more = cursor_of(found[limit - 1]) if len(found) > limit else None
    uploads = ledger.newest_uploads([row.id for row in found[:limit]])
    shown = [_listed(ledger, row, uploads[row.id]) for row in found[:limit]]
    return answered(Audiences(audiences=shown, next_cursor=more), ListedAudience, shown, wanted, "pushed")


@router.get("/audiences/{audience_id}")
def show_audience(audience_id: str, who: Looking, ledger: Books) -> AudienceAnswer:
    """How an audience is: its newest upload, and each destination."""
    state = _state(ledger, who, audience_id)
    return audience_answer(state, why_it_waits(state))


@router.get("/audiences/{audience_id}/rejections", response_model=Rejections, responses=AS_CSV)
def show_rejections(audience_id: str, who: Looking, ledger: Books, wanted: Format = "json") -> Any:
    """Rows of the newest upload that could not be used, and those that platforms have refused, by reason."""
    found = rejections(_state(ledger, who, audience_id))
    return answered(found, LeftOut, left_out(found), wanted, f"{audience_id}-rejections")


def audience_row(ledger: Ledger, who: Pusher, audience_id: str) -> Row[Any]:
    """An audience of an intake that lets somebody.

    Raises:
        HTTPException: 404, there is none for him.
    """
    found = ledger.pushed_audience(audience_id)
    if found is None or found.intake not in who.segments:
        raise HTTPException(404, "there is no audience of this id that you may see")
    return found


def _state(ledger: Ledger, who: Pusher, audience_id: str) -> AudienceState:
    found = audience_row(ledger, who, audience_id)
    platforms = {target.label: target.platform for target in who.intake(found.intake).destinations}
    return state_of(ledger, found, platforms)


def _listed(ledger: Ledger, row: Row[Any], upload: Row[Any]) -> ListedAudience:
    return ListedAudience(
        id=row.id,
        name=row.name,
        intake=row.intake,
        status=status_of(ledger, row, upload),
        created_at=aware(row.created_at),
        updated_at=aware(upload.ended_at or upload.received_at or upload.created_at),
        deleted=row.deleted_at is not None,
    )
