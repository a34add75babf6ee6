"""What a disk or an object store raises under the lake, as our errors; its own text may hold an address with a secret."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import IO, TYPE_CHECKING, Any, ParamSpec, TypeVar

from guestlist.model.errors import ConfigError, TransientError
from guestlist.runtime import clock

if TYPE_CHECKING:
    import polars as pl

P = ParamSpec("P")
T = TypeVar("T")
READ_BY_POLARS = frozenset({"", "s3", "s3a", "gs", "gcs", "az", "adl", "abfs", "abfss"})
"""Protocols of files of which Polars by itself reads the rows that it needs; others are read whole, through fsspec."""
_AGES = ("mtime", "LastModified", "last_modified", "updated", "created")
"""What fsspec's stores call the time at which an object was written."""


def on_storage(act: Callable[P, T]) -> Callable[P, T]:
    """For everything that reads or writes the lake, now or through a `LazyFrame` of it.

    Raises (when called):
        TransientError: a full disk, a store that is down. ConfigError: permission is missing.
    """

    @wraps(act)
    def acting(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return act(*arguments, **named)
        except FileNotFoundError:
            raise  # not storage's trouble
        except PermissionError:
            raise ConfigError("the lake (GUESTLIST_LAKE) may not be used: mend its permissions or its store's login") from None
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else type(error).__name__
            told = f"the lake (GUESTLIST_LAKE) cannot be read or written: {reason}"
            raise TransientError(f"{told}. Run again once it can; what has a receipt is not sent again") from None

    return acting


def write_parquet(frame: pl.DataFrame, file: IO[bytes], row_group_size: int | None) -> None:
    """Write a frame; `OSError` where the disk refuses, which Polars itself tells as an error of the format."""
    import polars as pl

    options: dict[str, Any] = {"compression": "zstd", "compression_level": 1, "row_group_size": row_group_size}
    try:
        frame.write_parquet(file, **options)
    except pl.exceptions.ComputeError as error:
        number = re.search(r"os error (\d+)", str(error))
        raise OSError(int(number[1]) if number else errno.EIO, "a file cannot be written") from None


def written_at(facts: Mapping[str, Any]) -> datetime:
    """When a file was written, as its store tells it; where it does not, it counts as written now, and stays."""
    told = next((facts[name] for name in _AGES if name in facts), None)
    if isinstance(told, str):
        told = datetime.fromisoformat(told)
    if isinstance(told, int | float):
        return datetime.fromtimestamp(told, UTC)
    return (told if told.tzinfo else told.replace(tzinfo=UTC)) if isinstance(told, datetime) else clock.now()
