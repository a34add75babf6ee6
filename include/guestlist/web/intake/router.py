"""The intake's routes, as the app mounts them."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from fastapi import APIRouter, Security
from fastapi.security import APIKeyCookie, HTTPBearer

from guestlist.web.answers.base import Problem
from guestlist.web.intake import arriving, audiences, previewing, pushing

_REFUSED: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem} for code in (400, 401, 403, 404, 409, 413, 415, 422, 429, 503, 507)
}
_KEY = HTTPBearer(
    auto_error=False, scheme_name="IntakeKey", description="A key of `guestlist keys create`, or Airflow's token."
)
_LOGIN = APIKeyCookie(name=COOKIE_NAME_JWT_TOKEN, auto_error=False, scheme_name="Login", description="On pages of this site.")
_SAID = [Security(_KEY), Security(_LOGIN)]
"""For the document: `access` reads them, and refuses in a form of its own."""
router = APIRouter(tags=["intake"], responses=_REFUSED)
router.include_router(audiences.router, prefix="/api/v1", dependencies=_SAID)
router.include_router(previewing.router, prefix="/api/v1", dependencies=_SAID)
router.include_router(pushing.router, prefix="/api/v1", dependencies=_SAID)
router.include_router(arriving.router)
