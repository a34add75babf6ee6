"""A file before it is sent: its columns, how they would be mapped, and what platforms could match of its first rows, masked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from guestlist.model.errors import DataError
from guestlist.sources.confined import Exceeded, confined

_MODULE = "guestlist.runtime.intake._preview"
"""By name: it brings Polars, which this process has no use for."""
_MEMORY, _SECONDS = 3 << 30, 60


def preview(  # noqa: PLR0913 - all that can be said with an upload
    segments: Path,
    intake: str,
    ending: str,
    content: bytes,
    *,
    identifiers: Mapping[str, Any],
    key: str | None,
    destinations: Sequence[str],
) -> dict[str, Any]:
    """What is found in a file, or in its beginning: counts, names of columns, and masked values.

    Raises:
        DataError: it cannot be read, or needs too much memory or time.
    """
    asked = {
        "segments": str(segments),
        "intake": intake,
        "ending": ending,
        "identifiers": dict(identifiers),
        "key": key,
        "destinations": list(destinations),
    }
    try:
        found: dict[str, Any] = json.loads(confined(_MODULE, json.dumps(asked), [content], memory=_MEMORY, seconds=_SECONDS))
    except Exceeded:
        raise DataError("the file is broken, or takes too long to look at: send it to see what is wrong") from None
    if problem := found.get("problem"):
        raise DataError(problem)
    return found
