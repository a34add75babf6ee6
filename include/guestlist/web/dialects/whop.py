"""Whop's audiences: made of an uploaded file whose columns are mapped, and watched until they are ready.

https://docs.whop.com/api-reference/audiences/audience
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy import Row

from guestlist.model.errors import BusyError, DataError
from guestlist.model.vocabulary import Field
from guestlist.runtime.intake.audiences import Wish, served
from guestlist.web.dialects import _whop_files as files
from guestlist.web.dialects._pushing import Push
from guestlist.web.dialects._router import dialect
from guestlist.web.dialects._whop_forms import Pushing, refuse, view
from guestlist.web.intake.begin import begin

_FIELDS = {
    "email": Field.EMAIL,
    "phone": Field.PHONE,
    "first_name": Field.FIRST_NAME,
    "last_name": Field.LAST_NAME,
    "country": Field.COUNTRY,
}
_PREFIX = "ad"
"""Our ids begin with ``aud_``, Whop's with ``adaud_``."""
_AT_ONCE = 100


class NewAudience(BaseModel):
    """What is asked for. The mapping's keys are Whop's fields, its values the file's headers."""

    account_id: str
    name: str
    column_mapping: dict[str, str]
    file_id: str


class MorePeople(BaseModel):
    """Another file for an audience."""

    file_id: str


audiences = dialect(refuse)


@audiences.post("/audiences")
def create(request: Request, body: NewAudience, push: Pushing, after: BackgroundTasks) -> JSONResponse:
    """Begin to build an audience from a file. The same request again finds the audience that it has made."""
    if not body.name.strip():
        raise DataError("name is required")
    identifiers = _identifiers(push, body.column_mapping)
    upload = files.uploaded(push, body.file_id)
    details = {"dialect": "whop", "account": body.account_id, "name": body.name, "mapping": body.column_mapping}
    if upload.audience_id is not None:
        audience = push.audience(upload.audience_id)
        if audience.details != details:
            raise BusyError("the file was used for another audience: upload it again")
        return JSONResponse(_shown(request, push, audience), 201)
    push.examine(files.pieces_of(push, upload), identifiers)
    wish = Wish(body.name, identifiers=identifiers, details=details)
    claim = push.workspace.ledger.claim_upload
    claimed = push.named_freely(wish, lambda audience: claim(upload.id, "replace", audience["id"], audience))
    after.add_task(begin, push.workspace)
    return JSONResponse(_shown(request, push, push.audience(claimed.audience_id)), 201)


@audiences.post("/audiences/{audience_id}/add_people")
def add_people(request: Request, audience_id: str, body: MorePeople, push: Pushing, after: BackgroundTasks) -> JSONResponse:
    """Begin to add the people of a file; an audience takes one file after the other."""
    audience = _found(push, audience_id)
    if not push.state(audience).is_over:
        raise BusyError("the audience is still processing")
    served(push.workspace, push.intake, audience.destinations, "append")
    upload = files.uploaded(push, body.file_id)
    push.examine(files.pieces_of(push, upload), audience.identifiers)
    push.workspace.ledger.claim_upload(upload.id, "append", audience.id)
    after.add_task(begin, push.workspace)
    return JSONResponse(_shown(request, push, audience))


@audiences.get("/audiences")
def list_audiences(
    request: Request,
    push: Pushing,
    account_id: str,
    audience_id: str | None = None,
    first: Annotated[int, Query(ge=1, le=100)] = 20,
    after: str | None = None,
) -> JSONResponse:
    """The audiences of an account, the newest first."""
    start = None if after is None else _found(push, after)
    listed = (one for one in _listed(push, start) if one.details["account"] == account_id)
    if audience_id is not None:
        listed = (one for one in listed if _PREFIX + one.id == audience_id)
    found = list(islice(listed, first + 1))
    shown = found[:first]
    page = {
        "start_cursor": _PREFIX + shown[0].id if shown else None,
        "end_cursor": _PREFIX + shown[-1].id if shown else None,
        "has_next_page": len(found) > first,
        "has_previous_page": start is not None,
    }
    return JSONResponse({"data": [_shown(request, push, one) for one in shown], "page_info": page})


def _listed(push: Push, after: Row[Any] | None) -> Iterator[Row[Any]]:
    """Whop's live audiences of the intake, the newest first."""
    while True:
        cursor = (after.created_at, after.id) if after is not None else None
        page = push.workspace.ledger.pushed_audiences([push.intake.name], _AT_ONCE, cursor)
        yield from (one for one in page if one.details.get("dialect") == "whop" and one.deleted_at is None)
        if len(page) < _AT_ONCE:
            return
        after = page[-1]


@audiences.get("/audiences/{audience_id}")
def read(request: Request, audience_id: str, push: Pushing) -> JSONResponse:
    """How an audience is."""
    return JSONResponse(_shown(request, push, _found(push, audience_id)))


@audiences.delete("/audiences/{audience_id}")
def delete(audience_id: str, push: Pushing, after: BackgroundTasks) -> JSONResponse:
    """Take everybody off an audience."""
    push.enter_next(_found(push, audience_id), "delete")
    after.add_task(begin, push.workspace)
    return JSONResponse({"success": True})


def _identifiers(push: Push, mapping: Mapping[str, str]) -> dict[str, Any]:
    if unknown := sorted(set(mapping) - set(_FIELDS)):
        raise DataError(f"column_mapping: {', '.join(unknown)} cannot be mapped; it takes {', '.join(_FIELDS)}")
    if not {"email", "phone"} & set(mapping):
        raise DataError("column_mapping: map at least an email or phone column")
    return push.identifiers({_FIELDS[name]: header for name, header in mapping.items()})


def _found(push: Push, audience_id: str) -> Row[Any]:
    return push.audience(audience_id.removeprefix(_PREFIX))


def _shown(request: Request, push: Push, audience: Row[Any]) -> dict[str, Any]:
    return {"id": _PREFIX + audience.id, **view(push.state(audience), dated="api-version-date" in request.headers)}


router = APIRouter()
for prefix in ("", "/api/v1"):  # the address of Whop's API is known with its version, and without
    router.include_router(audiences, prefix=prefix)
    router.include_router(files.router, prefix=prefix)
router.include_router(files.storage)
