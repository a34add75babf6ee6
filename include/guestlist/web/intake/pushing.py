"""Pushing: what was asked is kept first, entered second, answered third, and its run is begun last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from fastapi import APIRouter, BackgroundTasks, HTTPException, Request
from sqlalchemy import Row

from guestlist.model.errors import GuestlistError
from guestlist.model.segment import Segment
from guestlist.runtime import clock
from guestlist.runtime.intake.audiences import Kind, audience_values, columns_of, most_bytes, served
from guestlist.runtime.intake.examine import examine
from guestlist.runtime.intake.kept import TooLarge, ending_of
from guestlist.runtime.intake.tokens import Announced
from guestlist.runtime.wiring import Workspace
from guestlist.web.intake.access import Pusher, Pushing
from guestlist.web.intake.addresses import GRACE, HOLDS, announce
from guestlist.web.intake.answers import Accepted, Address
from guestlist.web.intake.audiences import audience_row
from guestlist.web.intake.begin import begin
from guestlist.web.intake.desk import Here, in_thread, keeper_of
from guestlist.web.intake.errors import refusal
from guestlist.web.intake.questions import NewAudience, NewAudienceByAddress, NewUpload, Nothing, body, understood
from guestlist.web.intake.taking import Taken, taken

router = APIRouter()


@router.post("/audiences", status_code=201, openapi_extra=body(NewAudience, NewAudienceByAddress))
async def create_audience(request: Request, who: Pushing, workspace: Here, tasks: BackgroundTasks) -> Accepted:
    """Push a new audience: as a form with its file, or as JSON that asks for an address to send the file to."""
    async with taken(request, workspace, who, _most(who)) as found:
        asked = understood(NewAudience if found.piece else NewAudienceByAddress, found.values)
        intake = who.intake(asked.intake)
        answer = await in_thread(_create, found, intake, asked)
    tasks.add_task(begin, workspace)
    return answer


@router.put("/audiences/{audience_id}/members", status_code=202, openapi_extra=body(Nothing, NewUpload))
async def replace_members(
    audience_id: str, request: Request, who: Pushing, workspace: Here, tasks: BackgroundTasks
) -> Accepted:
    """The file is all who belong on the audience from now on."""
    return await _push(audience_id, request, who, workspace, tasks, "replace")


@router.post("/audiences/{audience_id}/members", status_code=202, openapi_extra=body(Nothing, NewUpload))
async def append_members(audience_id: str, request: Request, who: Pushing, workspace: Here, tasks: BackgroundTasks) -> Accepted:
    """The people of the file are added to the audience."""
    return await _push(audience_id, request, who, workspace, tasks, "append")


@router.delete("/audiences/{audience_id}", status_code=202)
def delete_audience(audience_id: str, request: Request, who: Pushing, workspace: Here, tasks: BackgroundTasks) -> Accepted:
    """Everybody is taken off the audience at its destinations, and its name is free again."""
    ledger, row = workspace.ledger, audience_row(workspace.ledger, who, audience_id)
    last = ledger.newest_upload(audience_id)
    if last.kind == "delete" and last.outcome in (None, "ready"):
        return accepted(row, last)
    found = Taken(workspace, who, request)
    try:
        upload = found.enter(found.upload(audience_id=audience_id, kind="delete", pieces=0))
    except GuestlistError as error:
        raise refusal(error) from None
    tasks.add_task(begin, workspace)
    return accepted(row, upload)


async def _push(
    audience_id: str,
    request: Request,
    who: Pusher,
    workspace: Workspace,
    tasks: BackgroundTasks,
    kind: Literal["replace", "append"],
) -> Accepted:
    row = await in_thread(audience_row, workspace.ledger, who, audience_id)
    async with taken(request, workspace, who, most_bytes(who.intake(row.intake))) as found:
        asked = None if found.piece else understood(NewUpload, found.values)
        if found.piece:
            understood(Nothing, found.values)
        answer = await in_thread(_add, found, row, kind, asked)
    tasks.add_task(begin, workspace)
    return answer


def _create(found: Taken, intake: Segment, asked: NewAudience) -> Accepted:
    audience = audience_values(found.workspace, intake, asked.wish(intake), found.who.id)
    served(found.workspace, intake, audience["destinations"], asked.mode)
    file = asked if isinstance(asked, NewAudienceByAddress) else None
    return _enter(found, intake, audience, asked.mode, file, new=True)


def _add(found: Taken, row: Row[Any], kind: Kind, asked: NewUpload | None) -> Accepted:
    intake = found.who.intake(row.intake)
    served(found.workspace, intake, row.destinations, kind)
    return _enter(found, intake, dict(row._mapping), kind, asked, new=False)  # noqa: SLF001 - SQLAlchemy's name for it


def _enter(
    found: Taken, intake: Segment, audience: Mapping[str, Any], kind: Kind, asked: NewUpload | None, *, new: bool
) -> Accepted:
    """Look at the file, then enter it; or announce one that is to come."""
    values = {"audience_id": audience["id"], "kind": kind}
    if found.piece:
        if found.piece.bytes > most_bytes(intake):
            raise TooLarge(f"the file is larger than the {most_bytes(intake)} bytes that this intake takes (`max_bytes`)")
        wanted = columns_of(intake, audience["identifiers"], audience["key_column"])
        examine(keeper_of(found.workspace), [found.piece], wanted)
    else:
        values |= {"expires_at": clock.now() + HOLDS + GRACE}
    ending = ending_of(asked.filename) if asked else ""
    upload = found.enter(found.upload(**values), audience if new else None)
    row = found.workspace.ledger.pushed_audience(upload.audience_id)
    address = announce(found.request, found.workspace, Announced(upload.id, ending)) if asked else None
    return accepted(row, upload, address)


def accepted(audience: Row[Any] | None, upload: Row[Any], address: Address | None = None) -> Accepted:
    """What was kept."""
    if audience is None:
        raise HTTPException(404, "the audience is gone")
    return Accepted(
        id=audience.id,
        name=audience.name,
        intake=audience.intake,
        mode=upload.kind,
        upload_id=upload.id,
        address=address,
    )


def _most(who: Pusher) -> int:
    """The most that any of his intakes takes: which one is meant may stand behind the file."""
    return max(most_bytes(who.intake(name)) for name in who.segments)
