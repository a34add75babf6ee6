"""What the vendors' clients know stays with them: their log records and exceptions hold requests, tokens, signed addresses."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from guestlist.model.errors import GuestlistError


def keep_quiet(*names: str) -> None:
    """Turn off the loggers of these names and those below them, whatever level somebody has given to one of them."""
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for known in list(logging.root.manager.loggerDict):
        if known.startswith(tuple(f"{name}." for name in names)):
            logging.getLogger(known).setLevel(logging.NOTSET)


@contextmanager
def alone() -> Iterator[None]:
    """Our errors leave without the exception of a client that they were made of."""
    try:
        yield
    except GuestlistError as error:
        error.__context__ = None
        raise
