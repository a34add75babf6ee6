"""The intake's routes, as the app mounts them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from guestlist.web.answers.base import Problem
from guestlist.web.intake import arriving, audiences, previewing, pushing

_REFUSED: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem} for code in (400, 401, 403, 404, 409, 413, 415, 422, 429, 503, 507)
}
router = APIRouter(tags=["intake"], responses=_REFUSED)
router.include_router(audiences.router, prefix="/api/v1")
router.include_router(previewing.router, prefix="/api/v1")
router.include_router(pushing.router, prefix="/api/v1")
router.include_router(arriving.router)
