"""Bodies of answers, read with bounds: so much and no more, unpacked while it is counted, within a time."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from guestlist.model.errors import OutcomeUnknown
from guestlist.runtime import clock

LONGEST = 16 << 20
"""Bytes. Platforms answer a batch of ten thousand rows with a few hundred kilobytes at most."""
PACKINGS = "gzip, deflate"
"""What platforms are told that we take: what can be unpacked piece by piece."""
_SLOW = 5
"""Times the connection's time-out: that is for each read, and a byte may come with each."""
_BLOCK = 64 << 10


def bounded_body(blocks: Iterable[bytes], packing: str, seconds: float) -> bytes | None:
    """The unpacked body; None where it is longer than `LONGEST`, or not packed as it says. ``seconds`` is the time-out.

    Raises:
        OutcomeUnknown: it comes, but does not come to an end.
    """
    if packing not in ("", "identity", "gzip", "deflate"):
        return None
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32) if packing in ("gzip", "deflate") else None
    body, latest = bytearray(), clock.monotonic() + _SLOW * seconds
    for block in blocks:
        try:
            body += unpack.decompress(block, LONGEST + 1 - len(body)) if unpack else block
        except zlib.error:
            return None
        if len(body) > LONGEST:
            return None
        if clock.monotonic() > latest:
            raise OutcomeUnknown("the platform's answer does not come to an end")
    return bytes(body)


class _Adapter(HTTPAdapter):
    """Reads bodies with bounds. An answer that leads elsewhere is given as it is: what is sent is for one platform only."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        """As the base has it; the body has been read."""
        answer = super().send(request, **{**options, "stream": True})
        answer.headers.pop("location", None)
        packing = answer.headers.pop("content-encoding", "").strip().lower()
        try:
            body = bounded_body(answer.raw.stream(_BLOCK, decode_content=False), packing, options["timeout"])
        except urllib3.exceptions.HTTPError:
            raise requests.exceptions.ChunkedEncodingError from None
        if body is None:
            answer.raw.close()
        answer._content = body or b""  # noqa: SLF001 - where `requests` itself keeps it
        return answer


def bounded(session: requests.Session) -> requests.Session:
    """The session, which from now on reads bodies with bounds and follows nobody elsewhere."""
    session.headers["accept-encoding"] = PACKINGS
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter())
    return session
