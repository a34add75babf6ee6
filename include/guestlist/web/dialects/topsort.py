"""Topsort's offsite audiences: a job, an address that takes its file for an hour, and one or more ad platforms.

https://docs.topsort.com (Create Offsite Audiences Job)
"""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import Annotated, Any

from fastapi import BackgroundTasks, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, StringConstraints
from pydantic import Field as Described
from sqlalchemy import Row

from guestlist.model.errors import DataError
from guestlist.model.vocabulary import Field
from guestlist.runtime import clock
from guestlist.runtime.intake.audiences import Wish
from guestlist.runtime.intake.examine import columns_in
from guestlist.runtime.intake.kept import new_upload_id
from guestlist.runtime.intake.tokens import Announced
from guestlist.runtime.ledger.intake import Piece
from guestlist.runtime.wiring import Workspace
from guestlist.web.dialects._presigned import presigned, refuse_as_storage, take
from guestlist.web.dialects._pushing import Push, bearer, push_with
from guestlist.web.dialects._router import Problems, dialect
from guestlist.web.intake.addresses import GRACE, HOLDS
from guestlist.web.intake.begin import begin
from guestlist.web.intake.desk import the_workspace

_COLUMNS = {
    Field.EMAIL: "hashed_email",
    Field.PHONE: "hashed_phone",
    Field.FIRST_NAME: "hashed_first_name",
    Field.LAST_NAME: "hashed_last_name",
    Field.MOBILE_AD_ID: "hashed_mobile_device_id",
}


class Dsp(StrEnum):
    """Ad platforms, which are destinations of the intake."""

    GOOGLE_ADS = "google_ads"
    META = "meta"
    TIKTOK_ADS = "tiktok_ads"
    SNAPCHAT_ADS = "snapchat_ads"


class Job(BaseModel):
    """What is asked for."""

    name: Annotated[str, StringConstraints(min_length=1)]
    description: Annotated[str, StringConstraints(min_length=1)] | None = None
    dsp: Annotated[list[Dsp], Described(min_length=1)]


def refuse(status: int, told: str) -> JSONResponse:
    """As FastAPI writes them."""
    if status in (400, 409, 413, 422):
        return _invalid([{"loc": ["body"], "msg": told, "type": "value_error"}])
    return JSONResponse({"detail": told}, status)


def _invalid(problems: Problems) -> JSONResponse:
    """Without what was sent, which FastAPI would repeat."""
    return JSONResponse({"detail": [{name: one[name] for name in ("loc", "msg", "type")} for one in problems]}, 422)


router = dialect(refuse, _invalid)
storage = dialect(refuse_as_storage)
Pushing = Annotated[Push, Depends(push_with(bearer))]


@router.post("/public/v1/offsite-ads/audiences/user-list")
def create(request: Request, job: Job, push: Pushing, vendor_id: str | None = None) -> JSONResponse:
    """Begin a job; nothing is built until its file has come."""
    details = {"dialect": "topsort", "job": str(uuid.uuid4()), "vendor": vendor_id, "description": job.description}
    labels = _labels(push, job)
    identifiers = push.identifiers(_COLUMNS, hashed=_COLUMNS, labels=labels)
    wish = Wish(job.name, labels, identifiers, details=details)
    upload = push.enter(wish, {"id": new_upload_id(), "expires_at": clock.now() + HOLDS + GRACE})
    address = presigned(request, push.workspace, "topsort", Announced(upload.id, ".csv", intake=push.intake.name))
    return JSONResponse({"jobId": details["job"], "url": address}, 201)


def _labels(push: Push, job: Job) -> list[str]:
    """The intake's destinations on the platforms."""
    labels: list[str] = []
    for place, dsp in enumerate(job.dsp):
        found = [target.label for target in push.intake.destinations if target.platform == dsp]
        if not found:
            told = f"{push.intake.name} has no destination on {dsp}"
            raise RequestValidationError([{"loc": ("body", "dsp", place), "msg": told, "type": "value_error"}])
        labels += found
    return labels


@storage.put("/uploads")
async def put(
    request: Request, workspace: Annotated[Workspace, Depends(the_workspace)], after: BackgroundTasks, token: str = ""
) -> Response:
    """Take the file of a job."""
    if request.headers.get("content-type") != "text/csv":
        raise DataError("the address was signed for the header `Content-Type: text/csv`")
    answer = await take(request, workspace, token, _arrived)
    after.add_task(begin, workspace)
    return answer


def _arrived(push: Push, upload: Row[Any], piece: Piece) -> None:
    """The file tells which of the columns it has."""
    there = columns_in(push.workspace.keeper, piece)
    found = {field: name for field, name in _COLUMNS.items() if name in there}
    if not found:
        raise DataError(f"the file has none of the columns {', '.join(_COLUMNS.values())}")
    audience = push.audience(upload.audience_id)
    identifiers = push.identifiers(found, hashed=found, labels=audience.destinations)
    push.examine([piece], identifiers)
    push.workspace.ledger.set_identifiers(audience.id, identifiers)
    push.workspace.ledger.add_pieces(upload.id, [piece])


router.include_router(storage)
