"""What a request brings: its fields and its file, which counts for nothing until the ledger has it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from fastapi import HTTPException, Request
from sqlalchemy import Row
from starlette.requests import ClientDisconnect

from guestlist.model.errors import DataError, GuestlistError
from guestlist.runtime.intake.kept import TooLarge, ending_of, new_upload_id
from guestlist.runtime.intake.requests import request_digest
from guestlist.runtime.ledger.intake import Piece
from guestlist.runtime.wiring import Workspace
from guestlist.web.intake.access import Pusher
from guestlist.web.intake.desk import in_thread, keeper_of, receive
from guestlist.web.intake.errors import refusal
from guestlist.web.multipart import read_form

_LONGEST_JSON = 256 << 10
_LONGEST_KEY = 180
_BESIDES = 1 << 20
"""What a form may have beside its file."""


@dataclass
class Taken:
    """What has come with one request."""

    workspace: Workspace
    who: Pusher
    request: Request
    upload_id: str = field(default_factory=new_upload_id)
    values: Mapping[str, Any] = field(default_factory=dict)
    piece: Piece | None = None
    entered: bool = False

    def upload(self, **values: Any) -> dict[str, Any]:
        """The upload as the ledger enters it, with the request's own name for itself."""
        given = self.request.headers.get("idempotency-key")
        if given is None:
            return {"id": self.upload_id, "pushed_by": self.who.id, **values}
        if not 0 < len(given) <= _LONGEST_KEY:
            raise HTTPException(422, f"Idempotency-Key has 1 to {_LONGEST_KEY} characters")
        return {
            "id": self.upload_id,
            "pushed_by": self.who.id,
            "request_key": f"{self.who.id} {given}",
            "request_digest": self._digest(),
            **values,
        }

    def enter(self, values: Mapping[str, Any], audience: Mapping[str, Any] | None = None) -> Row[Any]:
        """Enter the upload; from then on it counts. One that the same request has entered before is returned instead.

        Raises:
            HTTPException: 422, another request has come under the same Idempotency-Key. BusyError: see `Ledger.enter_upload`.
        """
        pieces = [self.piece] if self.piece else []
        row = self.workspace.ledger.enter_upload(values, pieces, audience)
        self.entered = row.id == self.upload_id
        if row.request_digest != values.get("request_digest"):
            raise HTTPException(422, "this Idempotency-Key came with another request before: choose a new one")
        return row

    def _digest(self) -> str:
        file = self.piece.digest if self.piece else None
        return request_digest([self.request.method, self.request.url.path, dict(self.values), file])


@asynccontextmanager
async def taken(request: Request, workspace: Workspace, who: Pusher, most: int) -> AsyncIterator[Taken]:
    """Read a request with JSON, or with a form that has a file of at most ``most`` bytes.

    What is raised while the caller has it, or before, becomes an answer; a file that nobody has entered then is removed.
    """
    found = Taken(workspace, who, request)
    try:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
            found.values = await _json(request)
        else:
            await _form(found, most)
        yield found
    except GuestlistError as error:
        raise refusal(error) from None
    except ClientDisconnect:
        raise HTTPException(400, "the request was broken off") from None
    finally:
        if found.piece and not found.entered:
            with anyio.CancelScope(shield=True):
                await in_thread(keeper_of(workspace).remove, found.piece.path)


async def _json(request: Request) -> Mapping[str, Any]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_JSON:
            raise HTTPException(413, "the request is too long")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, "the request is no JSON") from None
    if not isinstance(found, dict):
        raise HTTPException(422, "send one JSON object")
    return found


async def _form(found: Taken, most: int) -> None:
    refuse_too_large(found.request, most + _BESIDES)

    async def take(name: str, filename: str, chunks: AsyncIterator[bytes]) -> None:
        if name != "file" or found.piece:
            raise DataError("send one file, in the field `file`")
        found.piece = await receive(found.workspace, found.upload_id, 1, ending_of(filename), chunks, most)

    found.values = (await read_form(found.request, take)).fields
    if not found.piece:
        raise DataError("send a file, in the field `file`")


def refuse_too_large(request: Request, most: int) -> None:
    """Before anything of it is read, where it says how long it is."""
    told = request.headers.get("content-length", "")
    if told.isascii() and told.isdigit() and int(told) > most:
        raise TooLarge(f"the request is larger than the {most} bytes that this intake takes")
