"""The error tree, named after what the reader does next.

GuestlistError
├── ConfigError          mend the segment file or the connection                          exit 2
├── DataError            mend the source: a file, a column, a query                       exit 3
│   └── NoRows           nobody is in it
├── AuthError            mend the credential or its permissions                           exit 4
├── SafetyStop           a guard was breached: a person must decide                       exit 5
├── RejectedError        the platform refuses what was sent: read its reason              exit 6
│   └── BatchRefused     it refuses a whole batch for some of its rows
├── ProtocolError        the platform broke its own contract: report it                   exit 7
├── TransientError       try again later; nothing is lost                                 exit 8
│   ├── RateLimitedError     wait `retry_after` seconds
│   └── OutcomeUnknown       the request may have acted: look it up before repeating it
├── Unconfirmed          the platform has not said yet whether it took everything         exit 9
└── BusyError            another run holds this segment                                   exit 10

An error says what happened, where, and what to do next. It never carries a response body, a row, a hash or a secret, and
no control characters: names in it come from files and platforms, and would speak to a person's terminal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import ClassVar

_NAME = re.compile(r"(HTTP \d{3}\b ?)?[A-Za-z0-9_.:/=+-]{0,200}")
_VALUE = re.compile(r".*[0-9A-Fa-f]{64}.*|[A-Za-z0-9+/_-]{43}=|\+?[\d.-]{7,15}")
"""What could be a hash, or a phone number."""


def printable(text: str) -> str:
    """The text with everything written out that is no character to be seen; line ends stay."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign == "\n" else ascii(sign)[1:-1] for sign in text)


def name_told(text: str | None) -> str | None:
    """A platform's code, reason, or name for a request, as it may be shown and kept; None where it is no such name.

    A platform may send anything in its place, such as a sentence that quotes a row: an email, a phone number, a hash.
    """
    return text if text and _NAME.fullmatch(text) and not _VALUE.fullmatch(text) else None


@dataclass(eq=False)
class GuestlistError(Exception):
    """What went wrong, in one sentence for a person, and the facts that help to mend it.

    ``retry_after`` is in seconds. ``code`` is the platform's own code, ``request_id`` its own name for the request, and
    ``help_url`` the page that explains it.
    """

    message: str
    segment: str | None = None
    destination: str | None = None
    code: str | None = None
    request_id: str | None = None
    retry_after: float | None = None
    help_url: str | None = None

    exit_code: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Keep ``args`` filled, so that the error pickles and prints like any other."""
        self.message = printable(self.message)
        self.code, self.request_id = name_told(self.code), name_told(self.request_id)
        super().__init__(self.message)

    def __str__(self) -> str:
        """One line: the message, then where it happened and the platform's own names for it."""
        where = [
            f"{name.replace('_', ' ')} {value}"
            for name in ("segment", "destination", "code", "request_id")
            if (value := getattr(self, name)) is not None
        ]
        if self.retry_after is not None:
            where.append(f"try again in {self.retry_after:.0f} s")
        text = f"{self.message} [{', '.join(where)}]" if where else self.message
        return f"{text} See {self.help_url}" if self.help_url else text

    def __reduce__(self) -> tuple[type[GuestlistError], tuple[object, ...], dict[str, object]]:
        """Rebuild from the fields, then whatever else was set: Airflow sends exceptions between processes."""
        return type(self), tuple(getattr(self, field.name) for field in fields(self)), dict(vars(self))

    def at(self, *, segment: str | None = None, destination: str | None = None) -> GuestlistError:
        """Fill in where it happened, when the place that raised it could not know; returns the same error."""
        self.segment = self.segment or segment
        self.destination = self.destination or destination
        return self


class ConfigError(GuestlistError):
    """The segment file or the connection is wrong; sending again cannot help."""

    exit_code = 2


class DataError(GuestlistError):
    """The source is missing, unreadable, empty or not what the segment says."""

    exit_code = 3


class NoRows(DataError):
    """There is nobody in the source, or in one of its partitions."""


class AuthError(GuestlistError):
    """The platform does not accept the credential, or the account may not do this."""

    exit_code = 4


class SafetyStop(GuestlistError):
    """A guard was breached; the run goes on only by a person's approval."""

    exit_code = 5


class RejectedError(GuestlistError):
    """The platform refuses what was sent; the same again will be refused again."""

    exit_code = 6


@dataclass(eq=False)
class BatchRefused(RejectedError):
    """A whole batch was refused because of some rows: drop those in ``rows`` (position -> reason), or halve it if empty."""

    rows: dict[int, str] = field(default_factory=dict)


class ProtocolError(GuestlistError):
    """The platform answered something that its own documentation rules out."""

    exit_code = 7


class TransientError(GuestlistError):
    """Trouble that passes: network, timeouts, the platform's own faults."""

    exit_code = 8


class RateLimitedError(TransientError):
    """Too many requests; ``retry_after`` says how long to wait where the platform said so."""


class OutcomeUnknown(TransientError):
    """A call that must not be repeated blindly may or may not have acted."""


class Unconfirmed(GuestlistError):
    """The platform took the data and has not said what became of it."""

    exit_code = 9


class BusyError(GuestlistError):
    """Another run of the same segment is under way."""

    exit_code = 10
