"""PitchTarget's custom audiences: a file of hashes, one a line, and what kind of hashes they are.

https://github.com/pitchtarget/pitchtarget.github.io
"""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import BackgroundTasks, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sqlalchemy import Row

from guestlist.model.errors import DataError
from guestlist.model.vocabulary import Field
from guestlist.runtime.intake.audiences import Wish
from guestlist.runtime.intake.requests import request_digest
from guestlist.web.dialects._numbers import audience_id_of, number_of
from guestlist.web.dialects._pushing import NewUpload, Push, oauth, push_with
from guestlist.web.dialects._router import dialect
from guestlist.web.intake.begin import begin
from guestlist.web.multipart import Form, read_form

_FIELDS = {
    "email_hash": Field.EMAIL,
    "phone_hash": Field.PHONE,
    "custom_audience_third_party_id": Field.EXTERNAL_ID,
    "mobile_advertiser_id": Field.MOBILE_AD_ID,
}
_MAY_BE_PLAIN = ("custom_audience_third_party_id", "mobile_advertiser_id")
"""Older pages want them unhashed, this one hashed: the first user of a file tells."""
_COLUMN = "user"
"""The files have no header: they are given one."""
_HASH = re.compile(rb"\s*[0-9a-fA-F]{64}\s*(\n|$)")
_HEADERS = {
    "Cache-Control": "max-age=0, private, must-revalidate",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "X-XSS-Protection": "1; mode=block",
}
_ERRORS = {401: "unauthorized", 403: "forbidden", 404: "not found", 429: "too many requests"}


def refuse(status: int, told: str) -> Response:
    """As Rails wrote errors then: the pages show none."""
    if status in (400, 413, 415):
        status = 422
    body = {"error": _ERRORS[status]} if status in _ERRORS else {"errors": {"base": [told]}}
    return _answer(body, status)


class _Json(JSONResponse):
    media_type = "application/json; charset=utf-8"


def _answer(body: Any, status: int = 200) -> Response:
    """An answer with the page's headers, but for those that tell of its server, and of other sites: Airflow sets these."""
    answer = Response(status_code=status) if body is None else _Json(body, status)
    answer.headers.update(_HEADERS | {"ETag": f'"{request_digest(body)[:32]}"', "X-Request-Id": str(uuid.uuid4())})
    return answer


router = dialect(refuse)
Pushing = Annotated[Push, Depends(push_with(oauth))]


@router.post("/custom_audiences")
async def create(request: Request, push: Pushing, after: BackgroundTasks) -> Response:
    """Make an audience of the users of a file."""
    async with push.upload() as upload:
        form = await _read(request, upload)
        _require(form, "fb_ad_account_id", "name", "user_type")
        wish = Wish(form.fields["name"], identifiers=_identifiers(push, form), details=_facts(form))
        entered = await run_in_threadpool(upload.enter, wish)
        view = await run_in_threadpool(_view, push, entered.audience_id)
    after.add_task(begin, push.workspace)
    return _answer(view, 201)


@router.put("/custom_audiences/{number}")
async def add(request: Request, number: str, push: Pushing, after: BackgroundTasks) -> Response:
    """Add the users of a file to an audience."""
    audience = await run_in_threadpool(_found, push, number)
    async with push.upload() as upload:
        form = await _read(request, upload)
        if form.fields.get("user_type", audience.details["user_type"]) != audience.details["user_type"]:
            raise DataError(f"user_type is {audience.details['user_type']} in this audience")
        await run_in_threadpool(upload.enter_next, audience, "append")
        view = await run_in_threadpool(_view, push, audience.id)
    after.add_task(begin, push.workspace)
    return _answer(view)


@router.get("/custom_audiences/{number}")
def read(number: str, push: Pushing) -> Response:
    """An audience."""
    return _answer(_view(push, _found(push, number).id))


@router.delete("/custom_audiences/{number}")
def delete(number: str, push: Pushing, after: BackgroundTasks) -> Response:
    """Take everybody off an audience."""
    push.enter_next(_found(push, number), "delete")
    after.add_task(begin, push.workspace)
    return _answer(None, 204)


async def _read(request: Request, upload: NewUpload) -> Form[bytes]:
    """The form; of its file the first line, too, which is never shown."""

    async def take(part: str, _filename: str, chunks: AsyncIterator[bytes]) -> bytes:
        seen = _Begun(chunks)
        if part == "file" and not upload.pieces:
            await upload.keep(".csv", seen.with_header())
        return seen.first

    form = await read_form(request, take)
    if not form.files.get("file"):
        raise DataError("file can't be blank")
    return form


class _Begun:
    """A file on its way, and how it begins."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.first = b""

    async def with_header(self) -> AsyncIterator[bytes]:
        """Its bytes below a header."""
        yield f"{_COLUMN}\n".encode()
        async for chunk in self._chunks:
            self.first += chunk[: 100 - len(self.first)]
            yield chunk


def _require(form: Form[bytes], *names: str) -> None:
    for name in names:
        if not form.fields.get(name, "").strip():
            raise DataError(f"{name} can't be blank")
    if form.fields["user_type"] not in _FIELDS:
        raise DataError("user_type is not included in the list")


def _facts(form: Form[bytes]) -> dict[str, str | None]:
    names = ("fb_ad_account_id", "user_type", "description", "opt_out_link")
    return {"dialect": "pitchtarget", **{name: form.fields.get(name) for name in names}}


def _identifiers(push: Push, form: Form[bytes]) -> dict[str, Any]:
    user_type = form.fields["user_type"]
    field = _FIELDS[user_type]
    hashed = _HASH.match(form.files["file"]) is not None
    if not hashed and user_type not in _MAY_BE_PLAIN:
        raise DataError("file has no SHA-256 hashes, one a line")
    # whatever an id of its own looks like is the id
    return push.identifiers({field: _COLUMN}, hashed={field} if hashed and field is not Field.EXTERNAL_ID else ())


def _found(push: Push, number: str) -> Row[Any]:
    return push.audience(audience_id_of(push.workspace.ledger, number))


def _view(push: Push, audience_id: str) -> dict[str, Any]:
    """The page shows no description although one was sent; Facebook's id is there once its audience is."""
    audience = push.audience(audience_id)
    on_meta = [one.platform_id for one in push.state(audience).destinations if one.platform == "meta"]
    told = {
        "id": number_of(audience.id),
        "name": audience.name,
        "description": None,
        "opt_out_link": audience.details["opt_out_link"],
        "user_type": audience.details["user_type"],
        "fb_id": next(iter(on_meta), None),
    }
    return {"fb_custom_audience": told}
