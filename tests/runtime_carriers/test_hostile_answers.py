"""Answers that want to fill the memory, never end or lead elsewhere: read with bounds, and nothing is sent on to others."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import answering

from guestlist.destinations.base import Settings
from guestlist.destinations.meta import MetaSettings
from guestlist.model.conversation import Call, Reply
from guestlist.model.errors import OutcomeUnknown
from guestlist.runtime.carriers import _bodies
from guestlist.runtime.carriers._bodies import LONGEST, bounded_body
from guestlist.runtime.carriers.http import HttpCarrier
from guestlist.runtime.carriers.meta import MetaCarrier

MIB = 1 << 20


@dataclass
class Platform:
    """What a server answers: status, headers, and the blocks of a body without a length."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: list[bytes] = field(default_factory=list)
    sent: int = 0
    asked: list[str] = field(default_factory=list)
    connections: set[tuple[str, int]] = field(default_factory=set)


@pytest.fixture
def platform() -> Iterator[Platform]:
    found = Platform()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            found.asked.append(self.path.partition("?")[0])
            found.connections.add(self.client_address)
            self.send_response(found.status)
            self.send_header("transfer-encoding", "chunked")
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for block in found.body:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
                    found.sent += len(block)
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                self.close_connection = True

        do_GET = do_POST = answer  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with answering(Handler) as found.url:
        yield found


Send = Callable[[], Reply]


@pytest.fixture(params=["http", "meta"])
def send(request: pytest.FixtureRequest, platform: Platform) -> Iterator[Send]:
    """One call over a carrier: httpx, or `requests` below a vendor's SDK."""
    carrier: Any
    if request.param == "http":
        carrier = HttpCarrier(Settings(endpoint=platform.url, timeout_seconds=5))
    else:
        known = {"ad_account_id": "1", "access_token": "t", "endpoint": platform.url, "timeout_seconds": 5}
        carrier = MetaCarrier(MetaSettings(**known))
    call = Call(request.param, "POST", "/x" if request.param == "http" else "x", {"a": "b"})
    yield lambda: carrier.send(call)
    carrier.close()


def test_an_endless_body_is_not_read_to_its_end(platform: Platform, send: Send) -> None:
    platform.body = [b"[" + b"1," * MIB] * 200
    reply = send()
    assert (reply.status, reply.body, reply.malformed) == (200, None, True)
    assert platform.sent < 100 * MIB


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_a_bomb_is_not_unpacked_to_its_end(platform: Platform, send: Send, pack: Callable[[bytes], bytes]) -> None:
    platform.headers = {"content-encoding": "gzip" if pack is gzip.compress else "deflate"}
    platform.body = [pack(b'{"a": "' + b"x" * 200 * MIB + b'"}')]
    reply = send()
    assert (reply.status, reply.body, reply.malformed) == (200, None, True)


@pytest.mark.parametrize("packing", ["br", "zstd", "gzip, gzip", "x", "\u00fc"])
def test_other_packings_are_not_unpacked(platform: Platform, send: Send, packing: str) -> None:
    platform.headers = {"content-encoding": packing}
    platform.body = [b"{}"]
    assert send().malformed


def test_packed_answers_are_read(platform: Platform, send: Send) -> None:
    platform.headers = {"content-encoding": "gzip"}
    platform.body = [gzip.compress(b'{"id": "7"}')]
    reply = send()
    assert (reply.status, reply.body, reply.malformed) == (200, {"id": "7"}, False)


@pytest.mark.parametrize("body", [b"[" * 200_000, b"\xff\xfe{}", b'{"a": ' + b"1" * 5000 + b"}", b"{}{}", b'{"a": NaN'])
def test_bodies_that_no_parser_takes_are_malformed(platform: Platform, send: Send, body: bytes) -> None:
    platform.body = [body]
    reply = send()
    assert (reply.body, reply.malformed) == (None, True)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_is_followed_elsewhere(platform: Platform, send: Send, status: int) -> None:
    platform.status, platform.headers = status, {"location": f"{platform.url}/elsewhere"}
    platform.body = [b"{}"]
    assert send().status == status
    assert len(platform.asked) == 1
    assert "elsewhere" not in platform.asked[0]


def test_one_connection_serves_many_calls(platform: Platform, send: Send) -> None:
    platform.body = [b"{}"]
    for _ in range(5):
        send()
    assert len(platform.connections) == 1


def test_a_body_that_drips_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(0, 10_000, 10))
    monkeypatch.setattr(_bodies.clock, "monotonic", lambda: float(next(moments)))
    with pytest.raises(OutcomeUnknown, match="does not come to an end"):
        bounded_body(iter(lambda: b"x", b""), "", 5.0)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=2000), st.sampled_from(["", "gzip", "deflate", "identity", "br"]), st.integers(1, 50))
def test_any_bytes_are_a_body_or_none(content: bytes, packing: str, step: int) -> None:
    for sent in (content, gzip.compress(content)):
        blocks = [sent[start : start + step] for start in range(0, len(sent), step)]
        body = bounded_body(blocks, packing, 60.0)
        assert body is None or len(body) <= LONGEST
        if packing == "gzip" and sent is not content:
            assert body == content
