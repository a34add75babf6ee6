"""The connections to platforms: their checks, how much of their rates is used, their limits, and what failed last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any

from airflow.api_fastapi.common.db.common import SessionDep
from fastapi import APIRouter

from guestlist.model.capabilities import Limits
from guestlist.runtime import clock
from guestlist.runtime.ledger.rows import aware
from guestlist.runtime.views.logs import requests_since
from guestlist.runtime.views.standing import sealed_now
from guestlist.web.access import Asking
from guestlist.web.answers.platforms import Check, ConnectionRow, Finding, Limit, Platforms, Rate, TaskError
from guestlist.web.books import Books, Segments
from guestlist.web.dags import TaskFailure, failures, run_url
from guestlist.web.pages.places import Place, places
from guestlist.web.pages.standing import capabilities_of
from guestlist.web.tables import AS_CSV, Format, answered

router = APIRouter(tags=["platforms"])
_ERRORS = 10
_LOOKED_THROUGH = 1000
"""Failures of all DAGs among which those of a connection are searched."""


@router.get("/platforms", response_model=Platforms, responses=AS_CSV)
def platforms(asking: Asking, books: Books, shelf: Segments, session: SessionDep, wanted: Format = "json") -> Any:
    """Every connection over which segments that the user may see deliver."""
    found: dict[tuple[str, str], list[Place]] = {}
    for place in places(books, shelf.segments(), asking.sees):
        found.setdefault((place.platform, place.connection), []).append(place)
    checks = {(row.platform, row.connection): row for row in books.checks()}
    moment = clock.now()
    hour, day = (requests_since(books, moment - timedelta(hours=hours)) for hours in (1, 24))
    sealed = sealed_now(books)
    errors = list(failures(session, asking.sees, _LOOKED_THROUGH))
    shown = []
    for (platform, connection), its in sorted(found.items()):
        can = capabilities_of(platform)
        key = platform, connection
        row = ConnectionRow(
            platform=platform,
            platform_title=can.title,
            connection=connection,
            docs=can.docs,
            segments=tuple(sorted({place.served.dag_id for place in its})),
            audiences=len(its),
            check=_check(checks[key]) if key in checks else None,
            rates=tuple(Rate(requests=one.requests, seconds=one.seconds, path=one.path) for one in can.limits.rates),
            requests_last_hour=hour.get(key, 0),
            requests_last_day=day.get(key, 0),
            last_sealed_at=max((sealed[place.key].at for place in its if place.key in sealed), default=None),
            limits=tuple(_limits(can.limits)),
            errors=tuple(_errors(errors, its))[:_ERRORS],
        )
        shown.append(row)
    return answered(Platforms(rows=tuple(shown)), ConnectionRow, shown, wanted, "platforms")


def _check(row: Any) -> Check:
    return Check(at=aware(row.checked_at), ok=row.ok, findings=tuple(Finding(**one) for one in row.findings))


def _limits(limits: Limits) -> Iterator[Limit]:
    """What the platform documents; what it does not is left out."""
    for field in fields(limits):
        value = getattr(limits, field.name)
        if field.name != "rates" and value not in (None, False, 0):
            told = "yes" if value is True else f"{value:,}"
            yield Limit(name=field.name.replace("_", " "), value=told)


def _errors(every: Sequence[TaskFailure], its: Sequence[Place]) -> Iterator[TaskError]:
    """Those of the tasks that talk to the platform over a connection."""
    keys = {(place.served.dag_id, place.label) for place in its}
    for one in every:
        label = one.task.partition(".")[0]
        if (one.dag_id, label) in keys:
            yield TaskError(
                at=one.at,
                segment=one.dag_id,
                destination=label,
                task=one.task,
                kind=one.kind,
                sentence=one.sentence,
                run_id=one.run_id,
                run_url=run_url(one.dag_id, one.run_id),
            )
