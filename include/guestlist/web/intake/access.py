"""Who pushes, and to which intakes: the holder of a key, or a user of Airflow with the permission on the intake's DAG."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.api_fastapi.core_api.security import resolve_user_from_token
from fastapi import Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool

from guestlist.model.segment import Segment
from guestlist.runtime.config import intake_requests
from guestlist.runtime.intake.keys import PREFIX, key_of
from guestlist.web.access import Deed, Person, from_here
from guestlist.web.books import the_ledger, the_shelf
from guestlist.web.intake.pace import Allowance

_NO_INTAKE = "no segment is an intake yet: docs/intake.md tells how one is set up"
_UNKNOWN = "no such key, or one that has expired or was revoked: `guestlist keys create` makes one"
_BEARER = "bearer "
_REFUSED = {
    Deed.SEE: "there is no intake that you may see: ask for the permission to read its DAG",
    Deed.RUN: "there is no intake that you may push to: ask for the permission to trigger its DAG",
}


@dataclass(frozen=True)
class Pusher:
    """Somebody who pushes, or looks at what was pushed. ``segments`` are the names of the intakes that let them."""

    id: str
    segments: tuple[str, ...]

    def intake(self, name: str | None) -> Segment:
        """The intake that is meant; who may push to a single one need not name it.

        Raises:
            HTTPException: 403, he may not push to it; 422, it has to be named; 503, its file is broken.
        """
        if name is None and len(self.segments) != 1:
            raise HTTPException(422, f"say to which `intake`: {', '.join(self.segments)}")
        found = name or self.segments[0]
        if found not in self.segments:
            raise HTTPException(403, "you may not push to this intake, or there is none of that name")
        segment = the_shelf().segment(found)
        if isinstance(segment, str):
            raise HTTPException(503, f"the intake {found} cannot be used at present: its file is broken")
        return segment


async def pusher_of(token: str, deed: Deed = Deed.RUN) -> Pusher:
    """Whoever has a token: a key, or what Airflow gives its users, who may do a deed to an intake's DAG.

    Raises:
        HTTPException: 401, it is neither; 403, there is no intake for it, or 404, none at all; 429 with ``Retry-After``, it
            asks too often.
    """
    if token.startswith(PREFIX):
        found = await run_in_threadpool(_holder, token)
    else:
        found = await run_in_threadpool(_of_airflow, await _user(token), deed)
    if wait := _allowance().take(found.id):
        told = "too many requests with this key: wait as long as Retry-After says"
        raise HTTPException(429, told, headers={"Retry-After": str(math.ceil(wait))})
    if not found.segments:
        raise HTTPException(403, _REFUSED[deed]) if intakes() else HTTPException(404, _NO_INTAKE)
    return found


async def pusher(request: Request) -> Pusher:
    """Whoever asks to push."""
    return await _asking(request, Deed.RUN)


async def looker(request: Request) -> Pusher:
    """Whoever asks how it is with what was pushed: of Airflow's users those who see the intake's DAG."""
    return await _asking(request, Deed.SEE)


async def _asking(request: Request, deed: Deed) -> Pusher:
    """By the header ``Authorization: Bearer ...``, or by Airflow's cookie on pages of this site."""
    authorization = request.headers.get("authorization", "")
    if authorization.lower().startswith(_BEARER):
        return await pusher_of(authorization[len(_BEARER) :].strip(), deed)
    cookie = request.cookies.get(COOKIE_NAME_JWT_TOKEN, "")
    if cookie and request.method not in ("GET", "HEAD"):
        from_here(request)
    return await pusher_of(cookie, deed)


Pushing = Annotated[Pusher, Depends(pusher)]
Looking = Annotated[Pusher, Depends(looker)]


def intakes() -> dict[str, Segment]:
    """All intakes whose files can be read, by name."""
    found = the_shelf().segments()
    return {name: one for name, one in found.items() if isinstance(one, Segment) and _is_intake(one)}


def _is_intake(found: Segment | str) -> bool:
    return isinstance(found, Segment) and found.source.intake is not None


def _holder(secret: str) -> Pusher:
    found = key_of(the_ledger(), secret)
    if found is None:
        raise HTTPException(401, _UNKNOWN, headers={"WWW-Authenticate": "Bearer"})
    return Pusher(f"key:{found.id}", tuple(name for name in found.segments if _is_intake(the_shelf().segment(name))))


async def _user(token: str) -> Any:
    try:
        return await resolve_user_from_token(token)
    except HTTPException:
        raise HTTPException(401, _UNKNOWN, headers={"WWW-Authenticate": "Bearer"}) from None


def _of_airflow(user: Any, deed: Deed) -> Pusher:
    person = Person(user)
    return Pusher(f"user:{person.name}", tuple(name for name in intakes() if person.may(deed, name)))


@cache
def _allowance() -> Allowance:
    return Allowance(intake_requests())
