"""What a destination says to a platform, as data: it yields a `Call` and is sent a `Reply`; it never sends anything itself."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from guestlist.model.errors import GuestlistError

Json = Any
"""A JSON value as `json.loads` gives it."""


class Repeat(StrEnum):
    """What may be done when nobody knows whether a call acted (time-out, reset, 5xx)."""

    SAFE = "safe"
    """Reads and set-like writes: send it again."""
    LOOKUP = "lookup"
    """Creates something: the driver raises `OutcomeUnknown` into the conversation, which looks it up first."""


@dataclass(frozen=True, slots=True)
class Content:
    """A body as bytes, of a media type such as ``text/csv``."""

    data: bytes = field(repr=False)
    type: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a multipart form."""

    filename: str
    content: Content


@dataclass(frozen=True, slots=True)
class Form:
    """A form: sent as multipart where it has files or ``multipart`` says so, else URL-encoded."""

    fields: Mapping[str, str] = field(repr=False)
    files: Mapping[str, Upload] = field(default_factory=dict)
    multipart: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``method`` and ``path`` are what the carrier understands: an HTTP verb and a path, or the name of an RPC.

    ``path`` may be a whole address, such as one that the platform has signed. ``body`` is JSON, in which `msgspec.Raw` is JSON
    text that is written already; for the carrier ``http`` it may be a `Form` or `Content`. ``rows`` counts the audience rows in
    it, for logs and budgets. ``signed`` says that the connection's credential goes with it. Neither body nor query ever shows
    in ``repr``.
    """

    carrier: str
    method: str
    path: str = field(repr=False)
    body: Json = field(default=None, repr=False)
    query: Mapping[str, Json] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    repeat: Repeat = Repeat.SAFE
    rows: int = 0
    signed: bool = True

    def __str__(self) -> str:
        """The line that logs may show: without a query, and of an address that needs no credential no more than its host."""
        rows = f", {self.rows} rows" if self.rows else ""
        shown = self.path.partition("?")[0]
        if not self.signed and "://" in shown:
            shown = "/".join(shown.split("/")[:3])
        return f"{self.method} {shown}{rows}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. gRPC statuses are given as their HTTP equals; ``body`` is parsed JSON, or None where it was not JSON.

    ``headers`` have lower-case names. ``malformed`` says that a body could not be parsed, or is missing
    from a success that owes one.
    """

    status: int
    body: Json = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    request_id: str | None = None
    malformed: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a destination makes of a reply: the error it stands for, if any, and how long to hold back before the next call.

    ``pause`` is in seconds. ``refresh`` asks for a fresh access token and one more try before the error counts.
    """

    error: GuestlistError | None = None
    pause: float = 0.0
    refresh: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and for how many seconds it holds; None where the platform does not say."""

    value: str = field(repr=False)
    seconds: float | None = None


T = TypeVar("T")
Conversation = Generator[Call, Reply, T]
"""Yields calls, is sent replies, returns its result. Errors of the platform are thrown into it as `GuestlistError`s."""
