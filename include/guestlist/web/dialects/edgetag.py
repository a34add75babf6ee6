"""EdgeTag's Audience API: batches of one session, in any order, repeated or late; whole, they are one upload.

https://docs.edgetag.io (Audience API)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Annotated, Any

import anyio
from fastapi import BackgroundTasks, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy import Row

from guestlist.model.errors import BusyError, ConfigError, DataError, printable
from guestlist.model.vocabulary import Field
from guestlist.runtime import clock
from guestlist.runtime.intake.audiences import Kind, Wish, audience_values, segment_name, served
from guestlist.runtime.intake.kept import UPLOADS, new_upload_id
from guestlist.runtime.ledger.intake import Piece
from guestlist.web.dialects._edgetag_payload import COLUMNS, Batch, Payload, corrupted, payload_of
from guestlist.web.dialects._pushing import Push, any_key, push_with
from guestlist.web.dialects._router import dialect
from guestlist.web.intake.begin import begin
from guestlist.web.intake.waiting import why_it_waits
from guestlist.web.multipart import NoForm, read_form

_PREFIX = "blotout_"
_LONGEST_NAME = 200
_COLUMNS = {
    Field.EXTERNAL_ID: "edgeTagId",
    Field.EMAIL: "email",
    Field.PHONE: "phone",
    Field.FIRST_NAME: "firstName",
    Field.LAST_NAME: "lastName",
    Field.COUNTRY: "country",
    Field.POSTAL_CODE: "postalCode",
}
_MOST_BYTES = 64 << 20
"""Of one batch: the page recommends 10,000 users."""
_LATEST = timedelta(days=1)
"""After which a session that is not whole is given up."""
_TOLD = (401, 403, 404, 405, 429)
_LONGEST_WAIT, _LOOK_EVERY = 600.0, 1.0


def refuse(status: int, told: str) -> JSONResponse:
    """A refusal; the page knows but one status for whatever is wrong with a payload."""
    return _failed([told], status if status in _TOLD or status >= 500 else 400)


def _failed(errors: list[str], status: int = 400) -> JSONResponse:
    return JSONResponse({"success": False, "errors": errors}, status)


router = dialect(refuse)
Pushing = Annotated[Push, Depends(push_with(any_key))]


@router.post("/audience")
async def audience(
    request: Request,
    push: Pushing,
    after: BackgroundTasks,
    sync: bool = False,  # noqa: FBT001, FBT002 - query parameters
    disablePrefix: bool = False,  # noqa: FBT001, FBT002, N803
) -> Response:
    """Take one batch; the last one that was missing begins the run, which ``sync`` waits for."""
    try:
        form = await read_form(request, _text, _MOST_BYTES)
    except NoForm:
        return PlainTextResponse("Malformed request body, must be form data", 400)
    payload = payload_of(form.fields | form.files)
    if not payload.users:
        return PlainTextResponse("The segment has no users", 400)
    shown = printable(payload.name if disablePrefix else _PREFIX + payload.name)[:_LONGEST_NAME]
    upload = await run_in_threadpool(_take, push, shown, payload)
    if sync and upload.state != "waiting":
        return await _outcome(push, upload.id)
    after.add_task(begin, push.workspace)
    return JSONResponse({"success": True})


async def _text(part: str, _filename: str, chunks: AsyncIterator[bytes]) -> str:
    """A part that was sent as a file."""
    content = bytearray()
    async for chunk in chunks:
        content += chunk
        if len(content) > _MOST_BYTES:
            raise DataError(f"the part {part} has more than {_MOST_BYTES} bytes")
    return content.decode(errors="replace")


def _take(push: Push, name: str, payload: Payload) -> Row[Any]:
    """Keep a batch, and return its session's upload as it is then."""
    payload.batch.check(len(payload.users), {payload.batch.sequence})
    while True:
        known = push.workspace.ledger.pushed_audience_named(push.intake.name, name)
        session = push.workspace.ledger.upload_of_request(_request_key(known.id, payload)) if known else None
        if session:
            return _go_on(push, session, payload)
        if begun := _begin(push, name, known, payload):
            return begun


def _request_key(audience_id: str, payload: Payload) -> str:
    return f"edgetag {audience_id} {payload.batch.sessionId}"


def _begin(push: Push, name: str, known: Row[Any] | None, payload: Payload) -> Row[Any] | None:
    """Enter a session with the first of its batches that is kept, and the audience with it; None where another one has just."""
    new = None if known else _new_audience(push, name, payload)
    audience_id = new["id"] if new else known.id  # type: ignore[union-attr]  # one of the two is there
    upload_id, upload = new_upload_id(), None
    values = {
        "id": upload_id,
        "audience_id": audience_id,
        "request_key": _request_key(audience_id, payload),
        "pieces": payload.batch.totalBatches,
        "kind": _kind(push),
        "expires_at": clock.now() + _LATEST,
        "pushed_by": push.who,
    }
    piece = _keep(push, upload_id, payload, push.most_bytes)
    try:
        upload = push.workspace.ledger.enter_upload(values, [piece], audience=new)
    except BusyError:
        if known:
            raise
    finally:
        if upload is None or upload.id != upload_id:
            push.workspace.lake.remove(f"{UPLOADS}/{upload_id}")
    return upload if upload and upload.id == upload_id else None


def _go_on(push: Push, upload: Row[Any], payload: Payload) -> Row[Any]:
    """Keep a batch of a session that is there, which is told where one is refused that it lacks."""
    ledger, sequence = push.workspace.ledger, payload.batch.sequence
    pieces = {piece.sequence: piece for piece in ledger.pieces(upload.id)}
    told = f"batch {sequence} was refused: "
    try:
        _check(upload, pieces, payload.batch, len(payload.users))
        room = push.most_bytes - sum(piece.bytes for piece in pieces.values() if piece.sequence != sequence)
        piece = _keep(push, upload.id, payload, room)
    except DataError as error:
        if upload.state == "waiting" and sequence not in pieces:
            ledger.set_upload(upload.id, told=f"{told}{error.message}; send it again, or all batches under a new sessionId")
        raise
    push.enter_piece(upload.id, piece, lambda: ledger.add_pieces(upload.id, [piece]))
    found = ledger.upload(upload.id)
    assert found is not None  # noqa: S101 - it is entered
    if (found.told or "").startswith(told):
        ledger.set_upload(upload.id, told=None)
    return found


def _check(upload: Row[Any], pieces: Mapping[int, Row[Any]], batch: Batch, users: int) -> None:
    """Refuse (`DataError`) a batch that contradicts its session."""
    if upload.pieces != batch.totalBatches:
        raise corrupted("totalBatches is the same in all batches of a session")
    if upload.state == "expired" or (upload.state != "waiting" and batch.sequence not in pieces):
        raise corrupted(f"the session {batch.sessionId} is over: send all of its batches under a new sessionId")
    others = sum(piece.lines for sequence, piece in pieces.items() if sequence != batch.sequence)
    batch.check(others + users, {batch.sequence, *pieces})


def _keep(push: Push, upload_id: str, payload: Payload, room: int) -> Piece:
    content = "".join(f"{user.row()}\n" for user in payload.users).encode(errors="replace")
    return push.workspace.keeper.keep(upload_id, payload.batch.sequence, ".ndjson", [content], room)


def _new_audience(push: Push, name: str, payload: Payload) -> dict[str, Any]:
    identifiers = push.identifiers(_COLUMNS)
    if missing := set(push.needed(identifiers)) - COLUMNS:
        raise ConfigError(f"this intake wants columns that EdgeTag's users do not have: {', '.join(sorted(missing))}")
    wish = Wish(name, identifiers=identifiers, details={"dialect": "edgetag", "type": payload.type})
    return audience_values(push.workspace, push.intake, wish, push.who)


def _kind(push: Push) -> Kind:
    """EdgeTag only adds. Where a destination takes whole audiences alone, a session is the whole audience."""
    try:
        served(push.workspace, push.intake, [target.label for target in push.intake.destinations], "append")
    except ConfigError:
        return "replace"
    return "append"


async def _outcome(push: Push, upload_id: str) -> JSONResponse:
    """Wait until the run of a session is over, is stopped, or cannot go on; its errors are the providers'."""
    await run_in_threadpool(begin, push.workspace)
    errors: list[str] | None = None
    with anyio.move_on_after(_LONGEST_WAIT):
        while errors is None:
            await anyio.sleep(_LOOK_EVERY)
            errors = await run_in_threadpool(_errors, push, upload_id)
    if errors is None:
        errors = [f"still under way after {_LONGEST_WAIT:.0f} s; it goes on"]
    return _failed(errors) if errors else JSONResponse({"success": True})


def _errors(push: Push, upload_id: str) -> list[str] | None:
    """What went wrong with a session; None while it is under way."""
    ledger = push.workspace.ledger
    upload = ledger.upload(upload_id)
    assert upload is not None  # noqa: S101 - it was entered
    audience = ledger.pushed_audience(upload.audience_id)
    assert audience is not None  # noqa: S101 - so was this
    if upload.ended_at is None:
        state = push.state(audience)
        stopped = [one.label for one in state.destinations if one.state == "waiting for approval"]
        told = [f"{label}: a guard has stopped it; it waits for approval" for label in stopped]
        paused = why_it_waits(state)
        return [*told, *([paused] if paused else [])] or None
    if upload.outcome == "ready":
        return []
    run = ledger.run(segment_name(audience), upload.run_id)
    report = (run.report if run else None) or {"destinations": []}
    failed = [f"{one['label']}: {one['state']}" for one in report["destinations"] if one["state"] != "sealed"]
    return [*failed, *([upload.told] if upload.told else [])] or ["the run failed"]
