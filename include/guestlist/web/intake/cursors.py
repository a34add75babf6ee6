"""Where a list goes on: behind an audience, by when it was made."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from fastapi import HTTPException
from sqlalchemy import Row


def cursor_of(last: Row[Any]) -> str:
    """Behind this audience."""
    return base64.urlsafe_b64encode(f"{last.created_at.isoformat()} {last.id}".encode()).decode()


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """The moment and the id of the audience that it stands behind.

    Raises:
        HTTPException: 422, it is none.
    """
    try:
        moment, _, audience_id = base64.urlsafe_b64decode(cursor.encode("ascii")).decode().partition(" ")
        return datetime.fromisoformat(moment), audience_id
    except ValueError:
        raise HTTPException(422, "cursor: take `next_cursor` of the list before") from None
