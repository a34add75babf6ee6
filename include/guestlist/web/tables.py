"""The rows of an answer as CSV, for people who go on in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import datetime
from io import StringIO
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Query, Response
from pydantic import BaseModel, Field

Kind = Literal["json", "csv"]
Format = Annotated[Kind, Query(alias="format", description="CSV has the rows alone.")]
AS_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
"""What the API's document says of a route that gives its rows as CSV, too."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would run."""

T = TypeVar("T")


class Pages(BaseModel):
    """Which of many rows are wanted, and as what. FastAPI takes all parameters of an address from one model, or none."""

    limit: int = Field(100, ge=1, le=10_000)
    offset: int = Field(0, ge=0)
    format: Kind = Field("json", description="CSV has the rows alone.")


Cut = Annotated[Pages, Query()]


def answered(whole: T, kind: type[BaseModel], rows: Iterable[BaseModel], wanted: Kind, name: str) -> T | Response:
    """An answer as it was asked for: all of it as JSON, or its rows, which are of a kind, as a file of CSV."""
    if wanted == "json":
        return whole
    names = list(kind.model_fields)
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([_cell(getattr(row, field)) for field in names] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="guestlist-{name}.csv"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def named(key: tuple[str, str], what: str) -> str:
    """How a file about one audience is called."""
    return f"{key[0]}-{key[1]}-{what}"


def _cell(value: Any) -> Any:
    """Numbers stay numbers; a text that would be a formula is given an apostrophe, which spreadsheets do not show."""
    if value is None or isinstance(value, bool | int | float):
        return "" if value is None else value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return _cell("; ".join(map(_told, value)))
    text = _told(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _told(value: Any) -> str:
    if isinstance(value, BaseModel):
        return " ".join(str(part) for part in value.model_dump(mode="json").values() if part not in (None, ""))
    return str(value)
