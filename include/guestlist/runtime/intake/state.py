"""What a person is told of a pushed audience: how far it is, from the ledger alone; counts and names, never a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row

from guestlist.model.plan import Drops
from guestlist.runtime.intake.audiences import Kind, segment_name
from guestlist.runtime.intake.delivered import Delivered, delivered
from guestlist.runtime.intake.hostile import WITHOUT_HEADER
from guestlist.runtime.ledger import Ledger

Status = Literal["pending", "processing", "syncing", "ready", "partial", "failed"]
_OVER = ("ready", "partial", "failed")
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
    segment: str
    """As ledger and lake know it."""
    columns: Mapping[str, Any]
    """Identifier -> the columns of its files."""
    key: str
    upload_id: str
    kind: Kind
    status: Status
    total_rows: int
    """Counted once all are read; before, guessed from the lines of text, and 0 for other formats."""
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

    @property
    def is_over(self) -> bool:
        """Whether its newest upload has come to an end."""
        return self.status in _OVER


def state_of(ledger: Ledger, audience: Row[Any], platforms: Mapping[str, str]) -> AudienceState:
    """How a pushed audience is; ``platforms`` maps its intake's labels to platforms."""
    upload = ledger.newest_upload(audience.id)
    segment, run_id = segment_name(audience), upload.run_id or ""
    run = ledger.run(segment, run_id)
    drops = Drops(**run.drops) if run is not None and run.drops else None
    report = run.report if run is not None and run.ended_at else None
    reported = {one["label"]: one for one in report["destinations"]} if report else {}
    sent = delivered(ledger, segment, run_id)
    found = [
        _destination(ledger, label, platforms.get(label, ""), sent.get(label, Delivered()), reported.get(label))
        for label in audience.destinations
    ]
    read = drops.read if drops else upload.rows_read
    status = _status(upload, prepared=drops is not None)
    return AudienceState(
        id=audience.id,
        name=audience.name,
        intake=audience.intake,
        segment=segment,
        columns=audience.identifiers,
        key=audience.key_column,
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
    pieces = ledger.pieces(upload.id)
    return sum(max(0, piece.lines - (not piece.path.endswith(WITHOUT_HEADER))) for piece in pieces)


def _progress(status: Status, read: int, found: Sequence[DestinationState], *, prepared: bool) -> int:
    if status in _OVER:
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
    ledger: Ledger, label: str, platform: str, sent: Delivered, reported: Mapping[str, Any] | None
) -> DestinationState:
    lost = sum(reported["rejected"].values()) + reported["unsent"] + reported["unconfirmed"] if reported else 0
    return DestinationState(
        label=label,
        platform=platform,
        state=reported["state"] if reported else _unreported(ledger, sent),
        platform_id=(sent.audience.platform_id or None) if sent.audience else None,
        url=sent.audience.url if sent.audience else None,
        members=reported["members"] if reported else None,
        matched=max(0, reported["wanted"] - lost) if reported else 0,
        rows_planned=sent.planned,
        rows_answered=sent.answered,
        rejected=reported["rejected"] if reported else {},
    )


def _unreported(ledger: Ledger, sent: Delivered) -> str:
    if sent.plan is None:
        return "pending"
    if sent.plan.state == "sealed":
        return "sealed"
    stopped = sent.plan.breaches and not sent.answered and ledger.decision(sent.plan.id) is None
    return "waiting for approval" if stopped else "syncing"
