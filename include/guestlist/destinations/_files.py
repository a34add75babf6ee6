"""Audiences that are built from a file: its name and its CSV, and the address that the platform has signed for it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from guestlist.destinations._reading import text, word
from guestlist.destinations._statuses import status_error
from guestlist.destinations.base import Settings
from guestlist.model.audiences import Marked
from guestlist.model.conversation import Call, Content, Json, Reply
from guestlist.model.delivery import Session
from guestlist.model.errors import GuestlistError, ProtocolError, RejectedError

if TYPE_CHECKING:
    import polars as pl

CSV = "text/csv"
_MARK = re.compile(r" \[(\d{1,16})\]$")
EXPIRED = "upload_address_expired"
"""The code of an upload that the storage refuses because its address has expired, or does not fit what is sent."""


def build_name(session: Session, longest: int | None = None) -> str:
    """The audience's name with the session's mark, by which a repeated send finds what the one before has built.

    ``longest`` is in characters: the name gives way, the mark stays.
    """
    mark = f" [{session.id}]"
    name = session.audience.name
    return (name if longest is None else name[: longest - len(mark)].rstrip()) + mark


def built(found: Sequence[Mapping[str, Json]]) -> list[Marked]:
    """Of a platform's audiences those whose names bear the mark of a session."""
    marks = ((one, _MARK.search(word(one.get("name")))) for one in found)
    return [Marked(text(one, "id"), word(one.get("name")), mark[1]) for one, mark in marks if mark]


def csv_of(rows: pl.DataFrame, headers: Mapping[str, str]) -> bytes:
    """Rows as UTF-8 without a mark, commas, LF, quoted where RFC 4180 asks for it; ``headers`` maps columns to their headers.

    A missing value is an empty cell.
    """
    file = BytesIO()
    rows.select(list(headers)).rename(dict(headers)).write_csv(file)
    return file.getvalue()


def signed_address(body: Json, name: str, settings: Settings) -> str:
    """The address ``name`` of an answer; `ProtocolError` where it is none, or would send the file without encryption."""
    found = text(body, name)
    plain_test_server = (settings.endpoint or "").startswith("http://")
    if not found.startswith(("https://", "http://") if plain_test_server else "https://"):
        raise ProtocolError(f"the platform's answer has no address in `{name}`")
    return found


def put(address: str, data: bytes, headers: Mapping[str, str], *, rows: int = 0) -> Call:
    """The file goes to the storage with exactly these headers, and never with the connection's credential.

    The same again is the same file. Header names are in lower case; ``content-type`` is among them or `CSV`.
    """
    others = {name: value for name, value in headers.items() if name != "content-type"}
    content = Content(data, headers.get("content-type", CSV))
    return Call("http", "PUT", address, content, headers=others, rows=rows, signed=False)


def storage_error(reply: Reply) -> GuestlistError | None:
    """What the storage's answer to `put` means."""
    if reply.status == 403:
        message = "the storage refuses the upload: its address has expired, or what was sent is not what it was signed for"
        return RejectedError(message, code=EXPIRED, request_id=reply.headers.get("x-amz-request-id"))
    return status_error(reply, "the storage for uploads")
