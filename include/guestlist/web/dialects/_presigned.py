"""Addresses that take one file for an hour without a key, as S3's presigned ones do: answers, errors and all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from fastapi import HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Row

from guestlist.model.errors import AuthError
from guestlist.runtime import clock
from guestlist.runtime.intake.audiences import find_intake
from guestlist.runtime.intake.tokens import Announced, sign, signed
from guestlist.runtime.ledger.intake import Piece
from guestlist.runtime.wiring import Workspace
from guestlist.web.dialects._pushing import Push
from guestlist.web.intake.addresses import HOLDS, address_with, base_of
from guestlist.web.intake.desk import receive

_CODES = {
    403: "AccessDenied",
    405: "MethodNotAllowed",
    409: "OperationAborted",
    413: "EntityTooLarge",
    500: "InternalError",
    503: "ServiceUnavailable",
}
_STATUSES = {422: 400, 507: 503}
"""S3 knows no others for these; what it says of a full disk has its clients try again."""
Arrived = Callable[[Push, Row[Any], Piece], None]
"""Enters a piece of an upload."""


def refuse_as_storage(status: int, told: str) -> Response:
    """A refusal in S3's form."""
    status = _STATUSES.get(status, status)
    code = _CODES.get(status, "InvalidRequest")
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{escape(told)}</Message></Error>'
    return Response(body, status, media_type="application/xml")


def presigned(request: Request, workspace: Workspace, dialect: str, announced: Announced) -> str:
    """The address for a file within the hour, below a dialect's route for uploads."""
    token = sign(workspace.vault, announced, clock.now() + HOLDS)
    return address_with(f"{base_of(request)}/guestlist/dialects/{dialect}", token)


async def take(request: Request, workspace: Workspace, token: str, arrived: Arrived) -> Response:
    """Keep the file that comes; ``arrived`` enters it. The same file again is as good as once.

    Raises:
        HTTPException: the address is not good. BusyError: another file has come before.
    """
    try:
        announced = await run_in_threadpool(signed, workspace.vault, token)
    except AuthError as error:
        raise HTTPException(403, error.message) from None
    upload_id, ending, sequence, intake = announced
    push = Push(workspace, await run_in_threadpool(find_intake, workspace, intake), "")
    piece = await receive(workspace, upload_id, sequence, ending, request.stream(), push.most_bytes)
    await run_in_threadpool(_enter, push, piece, upload_id, arrived)
    return Response(status_code=200, headers={"ETag": f'"{piece.digest}"'})


def _enter(push: Push, piece: Piece, upload_id: str, arrived: Arrived) -> None:
    upload = push.workspace.ledger.upload(upload_id)
    if upload is None or upload.ended_at is not None:
        raise HTTPException(403, "Request has expired")
    push.enter_piece(upload_id, piece, lambda: arrived(push, upload, piece))
