"""What a person is told of a pushed audience: how far it is, from the ledger alone; counts and names, never a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row

from guestlist.model.plan import Drops
from guestlist.runtime.intake.audiences import Kind, segment_name
from guestlist.runtime.ledger import Ledger

Status = Literal["pending", "processing", "syncing", "ready", "partial", "failed"]
_PREPARED_PERCENT = 40
"""Of the way, once all rows are read and hashed."""


@dataclass(frozen=True)
class DestinationState:
    """One destination. ``rows`` are what requests carry."""

    label: str
    platform: str
    state: str
    """pending, waiting for approval, syncing, or a state of `guestlist.runtime.sync.report.DestinationReport`"""
    platform_id: str | None = None
    url: str | None = None
    members: int | None = None
    """On the platform, once it is sealed."""
    matched: int = 0
    """Of this upload's people those whom the platform has taken."""
    rows_planned: int = 0
    rows_answered: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Reason -> rows."""


@dataclass(frozen=True)
class AudienceState:
    """A pushed audience, as its newest upload has left it."""

    id: str
    name: str
    intake: str
    upload_id: str
    kind: Kind
    status: Status
    total_rows: int
    """Counted once all are read; before, guessed from the line breaks."""
    processed_rows: int
    matched_rows: int
    """Of the destination that has taken the most."""
    progress_percent: int
    message: str | None
    dropped: Mapping[str, int]
    """Reason -> rows that could not be used."""
    destinations: Sequence[DestinationState]
    created_at: datetime
    updated_at: datetime
    details: Mapping[str, Any]
    deleted: bool


def state_of(ledger: Ledger, audience: Row[Any], platforms: Mapping[str, str]) -> AudienceState:
    """How a pushed audience is; ``platforms`` maps its intake's labels to platforms."""
    upload = next(iter(ledger.uploads(audience.id)))
    segment, run_id = segment_name(audience), upload.run_id or ""
    run = ledger.run(segment, run_id)
    drops = Drops(**run.drops) if run is not None and run.drops else None
    report = run.report if run is not None and run.ended_at else None
    reported = {one["label"]: one for one in report["destinations"]} if report else {}
    found = [
        _destination(ledger, segment, run_id, label, platforms.get(label, ""), reported.get(label))
        for label in audience.destinations
    ]
    read = drops.read if drops else upload.rows_read
    status = _status(upload, prepared=drops is not None)
    return AudienceState(
        id=audience.id,
        name=audience.name,
        intake=audience.intake,
        upload_id=upload.id,
        kind=upload.kind,
        status=status,
        total_rows=drops.read if drops else max(read, _guessed(ledger, upload)),
        processed_rows=read,
        matched_rows=max((one.matched for one in found), default=0),
        progress_percent=_progress(status, read, found, prepared=drops is not None),
        message=upload.told or _waits(found),
        dropped=dict(drops.rows) if drops else {},
        destinations=found,
        created_at=audience.created_at,
        updated_at=upload.ended_at or upload.received_at or upload.created_at,
        details=audience.details,
        deleted=audience.deleted_at is not None,
    )


def status_of(ledger: Ledger, audience: Row[Any], upload: Row[Any]) -> Status:
    """The status alone."""
    run = ledger.run(segment_name(audience), upload.run_id or "") if upload.state == "running" else None
    return _status(upload, prepared=run is not None and bool(run.drops))


def _status(upload: Row[Any], *, prepared: bool) -> Status:
    if upload.outcome:
        outcome: Status = upload.outcome
        return outcome
    if upload.state == "expired":
        return "failed"
    if upload.state != "running":
        return "pending"
    return "syncing" if prepared else "processing"


def _guessed(ledger: Ledger, upload: Row[Any]) -> int:
    return sum(max(0, piece.lines - 1) for piece in ledger.pieces(upload.id))


def _progress(status: Status, read: int, found: Sequence[DestinationState], *, prepared: bool) -> int:
    if status in ("ready", "partial", "failed"):
        return 100
    if not prepared:
        return min(_PREPARED_PERCENT - 1, 5 if read else 0)
    planned, answered = sum(one.rows_planned for one in found), sum(one.rows_answered for one in found)
    share = answered / planned if planned else 0.0
    return min(99, _PREPARED_PERCENT + int(share * (100 - _PREPARED_PERCENT)))


def _waits(found: Sequence[DestinationState]) -> str | None:
    waiting = ", ".join(one.label for one in found if one.state == "waiting for approval")
    return f"a guard has stopped {waiting}: somebody approves or rejects the plan on Airflow's page" if waiting else None


def _destination(
    ledger: Ledger, segment: str, run_id: str, label: str, platform: str, reported: Mapping[str, Any] | None
) -> DestinationState:
    audience = ledger.audience(segment, label)
    plans = ledger.plans_of_run(segment, label, run_id)
    planned, answered = ledger.rows_answered(plans[0].id) if plans else (0, 0)
    lost = sum(reported["rejected"].values()) + reported["unsent"] + reported["unconfirmed"] if reported else 0
    return DestinationState(
        label=label,
        platform=platform,
        state=reported["state"] if reported else _unreported(ledger, plans[0], answered) if plans else "pending",
        platform_id=(audience.id or None) if audience else None,
        url=audience.url if audience else None,
        members=reported["members"] if reported else None,
        matched=max(0, reported["wanted"] - lost) if reported else 0,
        rows_planned=planned,
        rows_answered=answered,
        rejected=reported["rejected"] if reported else {},
    )


def _unreported(ledger: Ledger, plan: Row[Any], answered: int) -> str:
    if plan.state == "sealed":
        return "sealed"
    return "waiting for approval" if plan.breaches and not answered and ledger.decision(plan.id) is None else "syncing"
