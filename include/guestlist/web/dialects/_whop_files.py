"""Whop's files: a record and an address for the bytes, or one for each part; an audience takes the file later.

https://docs.whop.com/developer/guides/direct-file-uploads
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Depends, HTTPException, Request, Response
from fastapi.concurrency import iterate_in_threadpool, run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic import Field as Described
from sqlalchemy import Row

from guestlist.model.errors import BusyError, DataError
from guestlist.runtime import clock
from guestlist.runtime.intake.kept import UPLOADS, ending_of, new_upload_id
from guestlist.runtime.intake.tokens import Announced
from guestlist.runtime.ledger.intake import Piece
from guestlist.runtime.wiring import Workspace
from guestlist.web.dialects._presigned import presigned, refuse_as_storage, take
from guestlist.web.dialects._pushing import Push
from guestlist.web.dialects._router import dialect
from guestlist.web.dialects._whop_forms import Pushing, moment, refuse
from guestlist.web.intake.desk import receive, the_workspace

_ID, _OURS = "file_", "up_"
_PART = 5_242_880
_MOST_PARTS = 10_000
_PART_ENDING = ".pq"
"""A format that is looked at when it is whole: parts are once they are together."""
_KEPT_FOR = timedelta(days=1)
"""Until an audience takes the file."""
_READ_AT_ONCE = 1 << 20


class NewFile(BaseModel):
    """What is asked for."""

    filename: Annotated[str, Described(min_length=1)]
    byte_size: Annotated[int, Described(ge=0)] | None = None
    multipart: bool = False
    visibility: Literal["private", "public"] = "private"


class Part(BaseModel):
    """A part that was put, and the ETag of the answer."""

    part_number: int
    etag: str


class Parts(BaseModel):
    """All parts of a file."""

    multipart_upload_id: str
    multipart_parts: list[Part]


router = dialect(refuse)
storage = dialect(refuse_as_storage)


@router.post("/files")
def create(request: Request, body: NewFile, push: Pushing) -> JSONResponse:
    """A record, and where to put the bytes."""
    ending = ending_of(body.filename)
    if body.visibility == "public":
        raise DataError("visibility: files of people are private")
    count = _count(body.byte_size) if body.multipart else 0
    upload_id, now = new_upload_id(), clock.now()
    push.workspace.ledger.enter_unclaimed({"id": upload_id, "pushed_by": push.who, "expires_at": now + _KEPT_FOR})
    shown = _view(upload_id, body.filename, None, now)
    if not count:
        address = _address(request, push, upload_id, 1, ending)
        return JSONResponse(shown | {"upload_url": address, "upload_headers": {"Content-Type": "text/csv"}}, 201)
    parts_id = new_upload_id()
    of_file = {"session": upload_id + ending, "pieces": count}
    push.workspace.ledger.enter_unclaimed({"id": parts_id, "pushed_by": push.who, "expires_at": now + _KEPT_FOR, **of_file})
    urls = [
        {"part_number": number, "url": _address(request, push, parts_id, number, _PART_ENDING)}
        for number in range(1, count + 1)
    ]
    facts = {"multipart_upload_id": parts_id, "multipart_chunk_size": _PART, "multipart_upload_urls": urls}
    return JSONResponse(shown | {"upload_headers": {}, **facts}, 201)


def _count(size: int | None) -> int:
    if size is None:
        raise DataError("byte_size is required when multipart is true")
    if size <= _PART:
        raise DataError(f"a file in parts is larger than one part, which has {_PART} bytes")
    if (count := -(-size // _PART)) > _MOST_PARTS:
        raise DataError(f"a file has at most {_MOST_PARTS} parts")
    return count


def _address(request: Request, push: Push, upload_id: str, sequence: int, ending: str) -> str:
    return presigned(request, push.workspace, "whop", Announced(upload_id, ending, sequence, push.intake.name))


@storage.put("/uploads")
async def put(request: Request, workspace: Annotated[Workspace, Depends(the_workspace)], token: str = "") -> Response:
    """Take the bytes of a file, or of one part."""
    return await take(request, workspace, token, _arrived)


def _arrived(push: Push, upload: Row[Any], piece: Piece) -> None:
    push.workspace.ledger.add_pieces(upload.id, [piece])


@router.post("/files/{file_id}/complete")
async def complete(file_id: str, body: Parts, push: Pushing) -> JSONResponse:
    """Put the parts of a file together."""
    upload = await run_in_threadpool(_found, push, file_id)
    pieces, ending = await run_in_threadpool(_parts, push, upload, body)
    chunks = iterate_in_threadpool(_bytes(push.workspace, [piece.path for piece in pieces]))
    piece = await receive(push.workspace, upload.id, 1, ending, chunks, push.most_bytes)
    await run_in_threadpool(push.workspace.ledger.add_pieces, upload.id, [piece])
    await run_in_threadpool(_drop, push.workspace, body.multipart_upload_id)
    return JSONResponse(await run_in_threadpool(_known, push, file_id))


def _parts(push: Push, upload: Row[Any], body: Parts) -> tuple[list[Row[Any]], str]:
    """The parts of a file, all of which have come, and the file's ending."""
    parts = push.workspace.ledger.upload(body.multipart_upload_id)
    if upload.state != "waiting" or parts is None or not (parts.session or "").startswith(f"{upload.id}."):
        raise BusyError("there is no multipart upload of this id under way")
    pieces = list(push.workspace.ledger.pieces(parts.id))
    named = [(part.part_number, part.etag) for part in body.multipart_parts]
    if len(pieces) != parts.pieces or named != [(piece.sequence, f'"{piece.digest}"') for piece in pieces]:
        raise DataError("multipart_parts must name every uploaded part and its ETag, in order")
    return pieces, parts.session.removeprefix(upload.id)


def _drop(workspace: Workspace, parts_id: str) -> None:
    """The parts are one file by now."""
    workspace.lake.remove(f"{UPLOADS}/{parts_id}")
    workspace.ledger.set_upload(parts_id, state="ended", ended_at=clock.now(), cleared_at=clock.now())


def _bytes(workspace: Workspace, paths: list[str]) -> Iterator[bytes]:
    for path in paths:
        with workspace.keeper.file(path).open() as file:
            while chunk := file.read(_READ_AT_ONCE):
                yield chunk


@router.get("/files/{file_id}")
def read(file_id: str, push: Pushing) -> JSONResponse:
    """The record; only for who has made it."""
    return JSONResponse(_known(push, file_id))


def uploaded(push: Push, file_id: str) -> Row[Any]:
    """The upload of a file that can be used.

    Raises:
        DataError: there is none for this key. BusyError: its bytes have not come yet.
    """
    upload = push.workspace.ledger.upload(file_id.replace(_ID, _OURS, 1))
    if upload is None or upload.pushed_by != push.who:
        raise DataError("file_id names no file of yours")
    if upload.state == "expired":
        raise DataError("the file is gone: nobody has used it within a day")
    if upload.state == "waiting":
        raise BusyError("the file is not ready: its bytes have not come")
    return upload


def pieces_of(push: Push, upload: Row[Any]) -> list[Piece]:
    """What has come of an upload."""
    rows = push.workspace.ledger.pieces(upload.id)
    return [Piece(*(getattr(row, name) for name in Piece._fields)) for row in rows]


def _found(push: Push, file_id: str) -> Row[Any]:
    upload = push.workspace.ledger.upload(file_id.replace(_ID, _OURS, 1))
    if upload is None or upload.pushed_by != push.who:
        raise HTTPException(404, "there is no such file")
    return upload


def _known(push: Push, file_id: str) -> dict[str, Any]:
    upload = _found(push, file_id)
    size = sum(piece.bytes for piece in push.workspace.ledger.pieces(upload.id)) or None
    return _view(upload.id, None, size, upload.created_at)


def _view(upload_id: str, filename: str | None, size: int | None, created: datetime) -> dict[str, Any]:
    """A file's name is not kept: it may be somebody's."""
    return {
        "id": upload_id.replace(_OURS, _ID, 1),
        "object": "file",
        "filename": filename,
        "content_type": "text/csv",
        "size": size,
        "upload_status": "pending" if size is None else "ready",
        "visibility": "private",
        "url": None,
        "created_at": moment(created),
        "removed_by_moderation": False,
    }
