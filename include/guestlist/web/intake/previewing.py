"""A look at a file before it is sent; nothing of it is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter, HTTPException, Request

from guestlist.model.errors import GuestlistError
from guestlist.runtime.intake.kept import TooLarge, ending_of
from guestlist.runtime.intake.preview import preview
from guestlist.web.answers.base import Answer, Count
from guestlist.web.intake.access import Pushing
from guestlist.web.intake.answers import Mapped, counts
from guestlist.web.intake.desk import Here, in_thread
from guestlist.web.intake.errors import refusal
from guestlist.web.intake.questions import Look, body_of_form, understood
from guestlist.web.multipart import read_form

router = APIRouter()
_MOST = 16 << 20


class MaskedField(Answer):
    """What is in one row for an identifier, masked."""

    field: str
    values: dict[str, str | None]
    """By column."""
    keys: dict[str, list[str]]
    """What each destination would get: the beginning of a hash."""
    dropped: dict[str, list[str]]
    """Recipe -> why it makes no key of it."""


class MaskedRow(Answer):
    """One row of the file."""

    key: str | None
    dropped: str | None
    """Why the whole row would be left out."""
    fields: list[MaskedField]


class Platform(Answer):
    """What a destination could match of the rows that were looked at."""

    label: str
    platform: str
    people: int
    without_key: int
    one_key: int
    several_keys: int
    keys: int
    fields: dict[str, int]


class Preview(Answer):
    """What is in a file."""

    columns: list[str]
    mapping: dict[str, Mapped]
    """Identifier -> columns: as was asked, or guessed from their names."""
    rows: list[MaskedRow]
    """The first ones, masked, with the keys that each destination would get."""
    looked_at: int = 0
    dropped: list[Count]
    platforms: list[Platform]


@router.post("/audiences/preview", openapi_extra=body_of_form(Look))
async def preview_file(request: Request, who: Pushing, workspace: Here) -> Preview:
    """Look at a file of up to 16 MiB, or at the beginning of a larger one (with `cut`)."""
    content: dict[str, bytes] = {}

    async def take(_name: str, filename: str, chunks: AsyncIterator[bytes]) -> None:
        held = bytearray()
        async for chunk in chunks:
            held += chunk
            if len(held) > _MOST:
                raise TooLarge(f"a preview looks at up to {_MOST >> 20} MiB: send the beginning of the file, with `cut`")
        content[ending_of(filename)] = bytes(held)

    try:
        asked = understood(Look, (await read_form(request, take)).fields)
        if len(content) != 1:
            raise HTTPException(422, "send one file, in the field `file`")
        [(ending, held)] = content.items()
        intake = who.intake(asked.intake)
        found = await in_thread(
            lambda: preview(
                workspace.config.segments,
                intake.name,
                ending,
                held[: held.rfind(b"\n") + 1] if asked.cut else held,
                identifiers=asked.identifiers(intake),
                key=asked.key,
                destinations=asked.destinations,
            )
        )
    except GuestlistError as error:
        raise refusal(error) from None
    return Preview(dropped=counts(found.pop("drops")), **found)
