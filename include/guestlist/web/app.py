"""The web app that the plugin mounts at ``/guestlist`` inside Airflow's API server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from guestlist import __version__
from guestlist.model.errors import GuestlistError
from guestlist.model.segment import dotted
from guestlist.web import dialects
from guestlist.web.access import person
from guestlist.web.answers.base import Problem
from guestlist.web.intake import router as intake
from guestlist.web.pages import actions, audience, erasures, guards, lineage, overview, platforms, runs

_PAGES = (overview, audience, lineage, runs, actions, platforms, erasures, guards)
_REFUSED: dict[int | str, dict[str, Any]] = {code: {"model": Problem} for code in (401, 403, 404, 422, 503)}

app = FastAPI(
    title="Guestlist",
    version=__version__,
    description="What the Audiences pages read and do. Log in as for Airflow's own API: a token in the header, or its cookie.",
    docs_url=None,
    redoc_url=None,
    openapi_url=None,  # served below, to those who are logged in
)
pages = APIRouter(prefix="/api/v1", dependencies=[Depends(person)], responses=_REFUSED)
for page in _PAGES:
    pages.include_router(page.router)


@pages.get("/openapi.json", include_in_schema=False)
def openapi() -> dict[str, Any]:
    """What this API takes and answers."""
    return {**app.openapi(), "servers": [{"url": "/guestlist"}]}


app.include_router(pages)
app.include_router(intake.router)
for dialect in dialects.routers():
    app.include_router(dialect)
app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static", check_dir=False), name="static")


@app.exception_handler(GuestlistError)
def _unavailable(_request: Request, error: GuestlistError) -> JSONResponse:
    """The ledger cannot be used: its sentence says what to do."""
    return JSONResponse({"detail": str(error)}, status_code=503)


@app.exception_handler(RequestValidationError)
def _misunderstood(_request: Request, error: RequestValidationError) -> JSONResponse:
    """A parameter that cannot be; FastAPI's own answer would repeat what was sent, which may be somebody's data."""
    problems = [f"{dotted(item['loc'][1:])}: {item['msg']}" for item in error.errors()]
    return JSONResponse({"detail": "; ".join(problems)}, status_code=422)
