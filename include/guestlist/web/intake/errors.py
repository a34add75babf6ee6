"""Our errors as answers of HTTP: a status and a sentence, with no value of a person in it."""

from __future__ import annotations

import errno
import os

from fastapi import HTTPException

from guestlist.model.errors import BusyError, ConfigError, DataError, GuestlistError, TransientError
from guestlist.runtime.intake.kept import TooLarge
from guestlist.web.multipart import BrokenForm, NoForm

_STATUSES = (
    (BrokenForm, 400),
    (NoForm, 415),
    (TooLarge, 413),
    (DataError, 422),
    (ConfigError, 422),
    (BusyError, 409),
    (TransientError, 503),
)
_FULL = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


def answer_of(error: GuestlistError) -> tuple[int, str]:
    """The status and the sentence of an error that the pusher's own request has met."""
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 503)
    if status != 503:
        return status, error.message
    full = any(reason in error.message for reason in _FULL)
    told = "there is no room for the file at present" if full else "this cannot be kept at present"
    return (507 if full else 503), f"{told}: nothing of it counts, send it again later"


def refusal(error: GuestlistError) -> HTTPException:
    """The same, to be raised."""
    status, told = answer_of(error)
    return HTTPException(status, told)
