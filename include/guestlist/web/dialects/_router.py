"""Routes of a dialect: whatever goes wrong in them is told in the dialect's own form."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from guestlist.model.errors import GuestlistError, printable
from guestlist.web.intake.errors import answer_of

log = logging.getLogger("guestlist.web")
Problems = Sequence[Mapping[str, Any]]
REASON = "Guestlist-Reason"
"""The header that tells why a request was refused, whatever the dialect's own form has room for."""
_LONGEST_REASON = 500


Refuse = Callable[[int, str], Response]
"""Writes down a status and a sentence."""


def dialect(refuse: Refuse, invalid: Callable[[Problems], Response] | None = None) -> APIRouter:
    """A router whose errors are all written by ``refuse``; ``invalid`` writes what FastAPI finds wrong with a request."""

    class Route(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def handled(request: Request) -> Response:
                try:
                    return await handle(request)
                except Exception as error:  # noqa: BLE001 - a client of the dialect reads no other form
                    if invalid and isinstance(error, RequestValidationError):
                        return invalid(error.errors())
                    return _refused(refuse, error, f"{request.method} {self.path}")

            return handled

        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await super().handle(scope, receive, send)
            except HTTPException as error:  # a verb that the route does not take
                await _refused(refuse, error, self.path)(scope, receive, send)

    return APIRouter(route_class=Route)


def elsewhere(refuse: Refuse) -> type[APIRoute]:
    """The route of all that no other one has; it comes last, and lets those refuse that have the path and not the verb."""

    class Elsewhere(APIRoute):
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            match, found = super().matches(scope)
            # with a slash at the end it is first looked for without
            return (Match.NONE if match is Match.NONE or scope["path"].endswith("/") else Match.PARTIAL), found

        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            await _refused(refuse, HTTPException(404, "there is nothing at this path"), self.path)(scope, receive, send)

    return Elsewhere


def _refused(refuse: Refuse, error: Exception, where: str) -> Response:
    status, told = _meaning(error, where)
    answer = refuse(status, told)
    answer.headers[REASON] = ascii(told)[1:-1][:_LONGEST_REASON]
    answer.headers.update(getattr(error, "headers", None) or {})
    return answer


def _meaning(error: Exception, where: str) -> tuple[int, str]:
    """The status and the sentence of an error; one that is our fault is logged."""
    match error:
        case GuestlistError():
            return answer_of(error)
        case RequestValidationError():
            return 422, _told(error.errors())
        case HTTPException():
            return error.status_code, str(error.detail)
        case UnicodeEncodeError():
            return 422, "a text holds half of a character, which JSON lets through: send whole ones"
        case ClientDisconnect():
            return 400, "the request was broken off"
    log.error("%s failed: %s", where, _place_of(error))
    return 500, "this failed on our side; the log of the API server tells why"


def _place_of(error: Exception) -> str:
    """What failed where, without the error's own words: these may quote what was sent."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(
        [type(error).__name__, *(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in reversed(frames))]
    )


def _told(problems: Problems) -> str:
    """Where something is wrong and why, without what was sent."""
    return printable("; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in problems))
