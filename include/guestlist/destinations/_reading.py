"""Reads platforms' JSON, which may be of any shape: tolerantly where an error is judged, strictly where an answer is used."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from guestlist.model.conversation import Json
from guestlist.model.errors import ProtocolError

_DAY = 24 * 3600.0
_MOST = 1 << 63
"""From here on no database holds a number."""
_LONGEST = 1000


def each(items: Json) -> Iterator[dict[str, Json]]:
    """The objects of a JSON list; nothing where it is not one."""
    yield from (item for item in items if isinstance(item, dict)) if isinstance(items, list) else ()


def table(value: Json) -> Mapping[str, Json]:
    """The object; an empty one where it is none."""
    return value if isinstance(value, dict) else {}


def whole(value: Json) -> int:
    """The whole number, as number or as digits; 0 where it is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MOST else 0


def word(value: Json) -> str:
    """The text; "" where it is none."""
    return value if isinstance(value, str) else ""


def seconds(text: str) -> float | None:
    """What a Retry-After header asks for, at most a day; None where it is no plain number."""
    try:
        asked = float(text)
    except ValueError:
        return None
    return min(asked, _DAY) if math.isfinite(asked) and asked >= 0 else None


def listed(body: Json, name: str, *, required: bool = False) -> list[dict[str, Json]]:
    """The objects of the list ``name``; none where it is left out, as an empty one is unless it is ``required``.

    Raises:
        ProtocolError: it is no list of objects.
    """
    found = _object(body, name).get(name, None if required else [])
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise _broken(name)
    return found


def inside(body: Json, name: str) -> dict[str, Json]:
    """The object ``name``; an empty one where it is left out, `ProtocolError` where it is something else."""
    found = _object(body, name).get(name)
    if found is None:
        return {}
    return _object(found, name)


def text(body: Json, name: str) -> str:
    """The text or number ``name``, as text; `ProtocolError` where it is neither."""
    found = _object(body, name).get(name)
    if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
        raise _broken(name)
    if not (told := str(found)).isprintable() or len(told) > _LONGEST:
        raise _broken(name)
    return told


def count(body: Json, name: str) -> int:
    """The number ``name``, as number or as digits, 0 where it is left out; `ProtocolError` where it is something else."""
    found = _object(body, name).get(name, 0)
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 20:
        return int(found)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < _MOST:
        raise _broken(name)
    return found


def sound(body: Json, parts: Mapping[str, type]) -> None:
    """Raise `ProtocolError` where a part of an answer is of another kind than promised: its list may not be whole either."""
    for name, kind in parts.items():
        if not isinstance(_object(body, name).get(name), kind | None):
            raise _broken(name)


def _object(body: Json, name: str) -> dict[str, Json]:
    if not isinstance(body, dict):
        raise _broken(name)
    return body


def _broken(name: str) -> ProtocolError:
    return ProtocolError(f"the platform's answer has no `{name}` of the kind that its documentation promises")
