"""What the intake answers: states, names and counts; never a value of a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from guestlist.model.segment import Segment
from guestlist.model.source import ROW_KEY
from guestlist.runtime.intake.audiences import most_bytes
from guestlist.runtime.intake.state import AudienceState, DestinationState, Status
from guestlist.runtime.ledger.rows import aware
from guestlist.web.answers.base import Answer, Count


class Address(Answer):
    """Where to send the file, and until when; it takes one file, once."""

    method: Literal["PUT"] = "PUT"
    url: str
    headers: dict[str, str]
    """To be sent with it."""
    expires_at: datetime


class Accepted(Answer):
    """What was asked for is kept, and will be done; `GET /audiences/{id}` tells how far it is."""

    id: str
    name: str
    intake: str
    mode: Literal["replace", "append", "delete"]
    upload_id: str
    address: Address | None
    """For a file that is still to come."""


class DestinationAnswer(Answer):
    """One destination of an audience."""

    label: str
    platform: str
    state: str
    """pending, waiting for approval, syncing, sealed, rejected, unconfirmed, unsent, stopped or failed"""
    platform_id: str | None
    url: str | None
    members: int | None
    """On the platform, once all of it is confirmed."""
    matched_rows: int
    rows_planned: int
    rows_answered: int
    rejected: list[Count]
    """The platform's reason -> rows."""


class Mapped(Answer):
    """The columns of an identifier."""

    columns: list[str]
    region: str | None = None
    """Of phone numbers: a column, or a country that holds for all."""
    hashed: bool = False


class AudienceAnswer(Answer):
    """An audience, as its newest upload has left it."""

    id: str
    name: str
    intake: str
    segment: str
    """As the Audiences pages have it, and the ledger."""
    columns: dict[str, Mapped]
    """Identifier -> the columns that its files have."""
    key: str | None
    """The column that names a person, where its files have one."""
    status: Status
    mode: Literal["replace", "append", "delete"]
    upload_id: str
    total_rows: int
    """Guessed from the lines of text until all are read; 0 for other formats until then."""
    processed_rows: int
    matched_rows: int
    """Of the destination that has taken the most."""
    progress_percent: int
    message: str | None
    dropped: list[Count]
    """Reason -> rows that could not be used."""
    destinations: list[DestinationAnswer]
    created_at: datetime
    updated_at: datetime
    deleted: bool


class ListedAudience(Answer):
    """One line of a list."""

    id: str
    name: str
    intake: str
    status: Status
    created_at: datetime
    updated_at: datetime
    deleted: bool


class RefusedBy(Answer):
    """Rows that a platform has refused."""

    label: str
    rejected: list[Count]


class Rejections(Answer):
    """Rows of an upload that did not get through, by reason."""

    upload_id: str
    dropped: list[Count]
    """Before anything was sent."""
    destinations: list[RefusedBy]


class LeftOut(Answer):
    """The same as a row of a table."""

    where: str | None
    """The destination that refused them; null where they were left out before anything was sent."""
    reason: str
    count: int


class DestinationOffered(Answer):
    """Where an audience may go."""

    label: str
    platform: str
    mode: str


class IntakeAnswer(Answer):
    """What takes audiences."""

    name: str
    description: str
    destinations: list[DestinationOffered]
    columns: dict[str, Mapped]
    """Identifier -> the columns that are read where an upload names no others."""
    needed: list[str]
    """Columns that every file has besides, such as those of consent."""
    key: str | None
    max_bytes: int


class Audiences(Answer):
    """Audiences, the newest first."""

    audiences: list[ListedAudience]
    next_cursor: str | None
    """For those that come after; null at the end."""


def audience_answer(state: AudienceState, waits: str | None) -> AudienceAnswer:
    """A state, as it is answered; ``waits`` tells why it waits for Airflow, where it does."""
    return AudienceAnswer(
        id=state.id,
        name=state.name,
        intake=state.intake,
        segment=state.segment,
        columns={name: Mapped(**one) for name, one in state.columns.items()},
        key=None if state.key == ROW_KEY else state.key,
        status=state.status,
        mode=state.kind,
        upload_id=state.upload_id,
        total_rows=state.total_rows,
        processed_rows=state.processed_rows,
        matched_rows=state.matched_rows,
        progress_percent=state.progress_percent,
        message="; ".join(filter(None, (state.message, waits))) or None,
        dropped=counts(state.dropped),
        destinations=[_destination(one) for one in state.destinations],
        created_at=aware(state.created_at),
        updated_at=aware(state.updated_at),
        deleted=state.deleted,
    )


def counts(found: Mapping[str, int]) -> list[Count]:
    """Reasons with how many rows, the most frequent first."""
    return [Count(name=name, count=count) for name, count in sorted(found.items(), key=lambda item: (-item[1], item[0]))]


def _destination(one: DestinationState) -> DestinationAnswer:
    return DestinationAnswer(
        label=one.label,
        platform=one.platform,
        state=one.state,
        platform_id=one.platform_id,
        url=one.url,
        members=one.members,
        matched_rows=one.matched,
        rows_planned=one.rows_planned,
        rows_answered=one.rows_answered,
        rejected=counts(one.rejected),
    )


def rejections(state: AudienceState) -> Rejections:
    """What did not get through."""
    refused = [RefusedBy(label=one.label, rejected=counts(one.rejected)) for one in state.destinations]
    return Rejections(upload_id=state.upload_id, dropped=counts(state.dropped), destinations=refused)


def left_out(found: Rejections) -> list[LeftOut]:
    """What did not get through, a row for each reason."""
    places = [(None, found.dropped), *((one.label, one.rejected) for one in found.destinations)]
    return [LeftOut(where=where, reason=one.name, count=one.count) for where, counted in places for one in counted]


def intake_answer(intake: Segment) -> IntakeAnswer:
    """An intake, as its file has it."""
    return IntakeAnswer(
        name=intake.name,
        description=intake.description,
        destinations=[
            DestinationOffered(label=target.label, platform=target.platform, mode=target.mode.value)
            for target in intake.destinations
        ],
        columns={field.value: Mapped(**one.model_dump(mode="json")) for field, one in intake.identifiers.items()},
        needed=[*intake.consent.columns, *([intake.value.column] if intake.value else [])],
        key=None if intake.key == ROW_KEY else intake.key,
        max_bytes=most_bytes(intake),
    )
