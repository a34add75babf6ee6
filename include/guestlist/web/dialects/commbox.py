"""CommBox's audiences: made of a CSV or Excel file with a column ``phone1``, replaced whole by the next one.

https://help.commbox.io/apidocs/create-new-audiences
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import BackgroundTasks, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from guestlist.model.errors import DataError
from guestlist.model.vocabulary import Field
from guestlist.runtime import clock
from guestlist.runtime.intake.audiences import Wish
from guestlist.runtime.intake.kept import ending_of
from guestlist.web.dialects._numbers import audience_id_of, number_of
from guestlist.web.dialects._pushing import NewUpload, Push, bearer, push_with
from guestlist.web.dialects._router import dialect
from guestlist.web.intake.begin import begin
from guestlist.web.multipart import Form, read_form

_FILE, _PHONE = "audience_file", "phone1"
_FORMATS = (".csv", ".xlsx")
_DESCRIPTIONS = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    429: "Too Many Requests \N{EN DASH} Rate limit exceeded",
    500: "Server Error",
}
"""The page's own words; why a request was refused is told by the header `REASON`."""
_STATUSES = {403: 401, 404: 404, 401: 401, 429: 429}
"""CommBox knows five; whatever else is the request's fault is a bad request."""


def refuse(status: int, _told: str) -> JSONResponse:
    """A refusal, in the page's own words."""
    status = 500 if status >= 500 else _STATUSES.get(status, 400)
    return _answer(status, _DESCRIPTIONS[status])


def _answer(status: int, description: str, data: Any = None) -> JSONResponse:
    moment = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    envelope = {"status": status, "description": description, "response_time": moment}
    return JSONResponse(envelope | ({"data": data} if data else {}), status)


router = dialect(refuse)
Pushing = Annotated[Push, Depends(push_with(bearer))]


@router.post("/audiences")
async def create(request: Request, push: Pushing, after: BackgroundTasks) -> JSONResponse:
    """Make an audience of a file."""
    async with push.upload() as upload:
        form = await _read(request, upload)
        name = form.fields.get("name", "")
        if not name.strip():
            raise DataError("`name` is required")
        wish = Wish(name, identifiers=_identifiers(push), details={"dialect": "commbox"})
        entered = await run_in_threadpool(upload.enter, wish)
    after.add_task(begin, push.workspace)
    return _answer(201, "Audience created", {"id": str(number_of(entered.audience_id))})


@router.put("/audiences/{number}")
@router.put("/Audiences/{number}")
async def replace(request: Request, number: str, push: Pushing, after: BackgroundTasks) -> JSONResponse:
    """Put a file in the place of all that an audience holds."""
    audience = await run_in_threadpool(lambda: push.audience(audience_id_of(push.workspace.ledger, number)))
    async with push.upload() as upload:
        await _read(request, upload)
        await run_in_threadpool(upload.enter_next, audience, "replace")
    after.add_task(begin, push.workspace)
    return _answer(200, "Operation successful", {"id": number})


async def _read(request: Request, upload: NewUpload) -> Form[None]:
    async def take(part: str, filename: str, chunks: AsyncIterator[bytes]) -> None:
        if part == _FILE and not upload.pieces:
            if (ending := ending_of(filename)) not in _FORMATS:
                raise DataError(f"`{_FILE}` is a file of {' or '.join(_FORMATS)}")
            await upload.keep(ending, chunks)

    form = await read_form(request, take)
    if not upload.pieces:
        raise DataError(f"`{_FILE}` is required, a file of CSV or Excel")
    return form


def _identifiers(push: Push) -> dict[str, Any]:
    return push.identifiers({Field.PHONE: _PHONE}, region="+")
