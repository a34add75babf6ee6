"""Files that were announced and come by an address of their own: ``PUT /guestlist/uploads?token=...``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, BackgroundTasks, HTTPException, Request
from sqlalchemy import Row
from starlette.requests import ClientDisconnect

from guestlist.model.errors import AuthError, BusyError, GuestlistError
from guestlist.model.segment import Segment
from guestlist.runtime.intake.audiences import columns_of, find_intake, most_bytes
from guestlist.runtime.intake.examine import examine
from guestlist.runtime.intake.tokens import Announced, signed
from guestlist.runtime.ledger.intake import Piece
from guestlist.runtime.wiring import Workspace
from guestlist.web.intake.answers import Accepted
from guestlist.web.intake.begin import begin
from guestlist.web.intake.desk import Here, in_thread, keeper_of, receive
from guestlist.web.intake.errors import refusal
from guestlist.web.intake.pushing import accepted
from guestlist.web.intake.taking import refuse_too_large

router = APIRouter()
_OVER = "nothing is expected at this address any more: ask for another one"
_FILE = {"requestBody": {"required": True, "content": {"application/octet-stream": {}}}}


@router.put("/uploads", openapi_extra=_FILE)
async def take_file(request: Request, workspace: Here, tasks: BackgroundTasks, token: str = "") -> Accepted:
    """Send the file that was announced. The same file again is the same upload; another one is refused."""
    try:
        announced = signed(workspace.vault, token)
        intake, audience = await in_thread(_expected, workspace, announced)
        refuse_too_large(request, most_bytes(intake))
        chunks = request.stream()
        piece = await receive(workspace, announced.upload_id, 1, announced.ending, chunks, most_bytes(intake))
        upload = await in_thread(
            _enter, workspace, columns_of(intake, audience.identifiers, audience.key_column), announced, piece
        )
    except AuthError as error:
        raise HTTPException(403, error.message) from None
    except GuestlistError as error:
        raise refusal(error) from None
    except ClientDisconnect:
        raise HTTPException(400, "the request was broken off") from None
    tasks.add_task(begin, workspace)
    return accepted(audience, upload)


def _expected(workspace: Workspace, announced: Announced) -> tuple[Segment, Row[Any]]:
    upload = workspace.ledger.upload(announced.upload_id)
    audience = workspace.ledger.pushed_audience(upload.audience_id) if upload else None
    if upload is None or audience is None or upload.state == "expired":
        raise AuthError(_OVER)
    return find_intake(workspace, audience.intake), audience


def _enter(workspace: Workspace, columns: Sequence[str], announced: Announced, piece: Piece) -> Row[Any]:
    """Look at the file and enter it, unless it has come before; it is removed again where it does not count."""
    keeper, paths = keeper_of(workspace), set[str]()
    try:
        examine(keeper, [piece], columns)
        upload = workspace.ledger.add_pieces(announced.upload_id, [piece])
        if upload.state == "expired":
            raise AuthError(_OVER)
        [there] = workspace.ledger.pieces(announced.upload_id)
        paths.add(there.path)
        if there.digest != piece.digest:
            raise BusyError("another file has come to this address before: ask for another one")
        return upload
    finally:
        if piece.path not in paths:
            keeper.remove(piece.path)
