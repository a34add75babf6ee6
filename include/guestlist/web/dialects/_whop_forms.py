"""The forms of Whop's answers: an audience, and what went wrong."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends
from fastapi.responses import JSONResponse

from guestlist.runtime.intake.state import AudienceState
from guestlist.runtime.ledger.rows import aware
from guestlist.web.dialects._pushing import Push, bearer, push_with

Pushing = Annotated[Push, Depends(push_with(bearer))]


def refuse(status: int, told: str) -> JSONResponse:
    """A refusal: its type is named after its status."""
    status = 400 if status in (413, 422) else 503 if status == 507 else status
    kind = HTTPStatus(status).phrase.lower().replace(" ", "_")
    return JSONResponse({"error": {"type": kind, "message": told}}, status)


def view(state: AudienceState, *, dated: bool) -> dict[str, Any]:
    """An audience without its id, as the API without versions has it, or as the versions named after a date do."""
    failed = state.status in ("partial", "failed")
    shown = {
        "name": state.name,
        "status": state.status,
        "total_rows": state.total_rows,
        "processed_rows": state.processed_rows,
        "matched_rows": state.matched_rows,
        "progress_percent": state.progress_percent,
        "error_message": state.message or "not everybody could be delivered" if failed else None,
        "platform_audience_ids": [one.platform_id for one in state.destinations if one.platform_id],
        "created_at": moment(state.created_at) if dated else int(aware(state.created_at).timestamp()),
        "updated_at": moment(state.updated_at) if dated else int(aware(state.updated_at).timestamp()),
    }
    return shown | (_DATED if dated else {})


_DATED: dict[str, Any] = {
    "audience_type": "custom",
    "source_type": "csv_upload",
    "auto_refresh": False,
    "filters": None,
    "engagement": None,
    "last_refreshed_at": None,
    "lookalike_ratio": None,
    "lookalike_starting_ratio": None,
    "source_audience_id": None,
    "match_rates": [],
}


def moment(at: datetime) -> str:
    """As the dated versions write it."""
    return aware(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
