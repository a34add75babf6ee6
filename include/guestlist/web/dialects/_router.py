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

from guestlist.model.errors import GuestlistError
from guestlist.web.intake.errors import answer_of

log = logging.getLogger("guestlist.web")
Problems = Sequence[Mapping[str, Any]]


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
                except GuestlistError as error:
                    return refuse(*answer_of(error))
                except RequestValidationError as error:
                    return invalid(error.errors()) if invalid else refuse(422, _told(error.errors()))
                except HTTPException as error:
                    answer = refuse(error.status_code, str(error.detail))
                    answer.headers.update(error.headers or {})
                    return answer
                except ClientDisconnect:
                    return refuse(400, "the request was broken off")
                except Exception as error:  # noqa: BLE001 - a client of the dialect reads no other form
                    log.error("%s %s failed: %s", request.method, self.path, _place_of(error))  # noqa: TRY400
                    return refuse(500, "this failed on our side; the log of the API server tells why")

            return handled

    return APIRouter(route_class=Route)


def _place_of(error: Exception) -> str:
    """What failed where, without the error's own words: these may quote what was sent."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(
        [type(error).__name__, *(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in reversed(frames))]
    )


def _told(problems: Problems) -> str:
    """Where something is wrong and why, without what was sent."""
    return "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in problems)
