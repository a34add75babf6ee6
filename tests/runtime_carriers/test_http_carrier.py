"""The plain REST carrier: what goes on the wire for each kind of body, and access tokens that end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import ClassVar

import pytest
from servers import answering

from guestlist.destinations.base import Settings
from guestlist.model.conversation import Call, Content, Conversation, Form, Token, Upload
from guestlist.model.errors import AuthError, ConfigError, TransientError
from guestlist.runtime.carriers.http import HttpCarrier


@dataclass
class Seen:
    """What a server was sent, and what it will answer to requests for a token."""

    url: str = ""
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    tokens: list[tuple[int, bytes]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Seen]:
    seen = Seen()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            seen.requests.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            status, said = seen.tokens.pop(0) if self.path == "/base/token" else (200, b"{}")
            self.send_response(status)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with answering(Handler) as seen.url:
        yield seen


class Signing(Settings):
    """A platform whose tokens end."""

    home: ClassVar[str] = "http://never.invalid"

    def headers(self, token: str) -> dict[str, str]:
        return {"authorization": f"Bearer {token}", "x-always": "1"}

    def sign_in(self) -> Conversation[Token]:
        reply = yield Call("http", "POST", "/token", Form({"grant_type": "refresh_token"}), signed=False)
        if reply.status != 200:
            raise AuthError("the refresh token is not accepted")
        return Token(reply.body["access_token"], reply.body["expires_in"])


def test_bodies_on_the_wire(server: Seen) -> None:
    carrier = HttpCarrier(Settings(endpoint=f"{server.url}/base"))
    carrier.send(Call("http", "POST", "/json", {"a": [1, None]}, query={"q": "ä b"}))
    carrier.send(Call("http", "DELETE", "/json?x=1", ["y"]))
    carrier.send(Call("http", "POST", "/form", Form({"a": "1", "b": "ä"})))
    carrier.send(Call("http", "POST", "/parts", Form({"name": "Größe", "users": '[{"a":1}]'}, multipart=True)))
    upload = Upload("people.csv", Content(b"x\n1\n", "text/csv"))
    carrier.send(Call("http", "PUT", "/file", Form({"name": "n"}, {"file": upload})))
    carrier.send(Call("http", "PUT", f"{server.url}/elsewhere?sig=secret", Content(b"raw", "text/csv"), signed=False))
    carrier.send(Call("http", "GET", "/nothing"))
    carrier.close()
    json_post, deleted, form, parts, file, raw, empty = server.requests
    assert (json_post[1], json.loads(json_post[3])) == ("/base/json?q=%C3%A4+b", {"a": [1, None]})
    assert (deleted[:2], json.loads(deleted[3])) == (("DELETE", "/base/json?x=1"), ["y"])
    assert (form[2]["content-type"], form[3]) == ("application/x-www-form-urlencoded", b"a=1&b=%C3%A4")
    assert parts[2]["content-type"].startswith("multipart/form-data; boundary=")
    assert b'form-data; name="name"\r\n\r\nGr\xc3\xb6\xc3\x9fe\r\n' in parts[3]
    assert b"filename" not in parts[3]
    assert b'name="file"; filename="people.csv"\r\nContent-Type: text/csv\r\n\r\nx\n1\n\r\n' in file[3]
    assert (raw[1], raw[2]["content-type"], raw[2]["content-length"], raw[3]) == (
        "/elsewhere?sig=secret",
        "text/csv",
        "3",
        b"raw",
    )
    assert "authorization" not in raw[2]
    assert (empty[1], empty[3]) == ("/base/nothing", b"")


def test_a_token_is_fetched_once_kept_and_fetched_again_when_it_is_about_to_end(
    server: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("guestlist.runtime.clock.monotonic", lambda: now[0])
    for number in (1, 2, 3):
        server.tokens.append((200, json.dumps({"access_token": f"t{number}", "expires_in": 3600}).encode()))
    carrier = HttpCarrier(Signing(endpoint=f"{server.url}/base"))
    for moment in (1000.0, 1001.0, 1000.0 + 3539, 1000.0 + 3541):
        now[0] = moment
        carrier.send(Call("http", "GET", "/x"))
    carrier.refresh()
    carrier.send(Call("http", "GET", "/x"))
    carrier.send(Call("http", "GET", "/open", signed=False))
    carrier.close()
    used = [headers.get("authorization") for _, path, headers, _ in server.requests if path != "/base/token"]
    assert used == ["Bearer t1"] * 3 + ["Bearer t2", "Bearer t3", None]
    assert all("authorization" not in headers for _, path, headers, _ in server.requests if path == "/base/token")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"error": "invalid_grant"}', AuthError),
        (401, b'{"error": "invalid_client"}', AuthError),
        (503, b"", TransientError),
        (200, b"<html>", TransientError),
        (429, b"{}", TransientError),
    ],
)
def test_a_token_that_is_not_given(server: Seen, status: int, body: bytes, kind: type[Exception]) -> None:
    server.tokens.append((status, body))
    carrier = HttpCarrier(Signing(endpoint=f"{server.url}/base"))
    with pytest.raises(kind):
        carrier.send(Call("http", "GET", "/x"))
    carrier.close()


def test_the_platforms_own_address_is_used_without_an_endpoint() -> None:
    carrier = HttpCarrier(Settings())
    with pytest.raises(TransientError, match="cannot be reached"):
        carrier.send(Call("http", "GET", "http://127.0.0.1:9/x"))
    carrier.close()


def test_odd_characters_in_a_credential_are_a_fault_of_the_connection(server: Seen) -> None:
    class Odd(Settings):
        def headers(self, token: str) -> dict[str, str]:
            return {"authorization": "Bearer ключ"}

    carrier = HttpCarrier(Odd(endpoint=server.url))
    with pytest.raises(ConfigError, match="odd characters") as caught:
        carrier.send(Call("http", "GET", "/x"))
    assert "ключ" not in str(caught.value)
    carrier.close()


def test_a_signed_address_never_shows_its_secret() -> None:
    call = Call("http", "PUT", "https://bucket.example/file.csv?X-Amz-Signature=secret", Content(b"x", "text/csv"), rows=3)
    assert "secret" not in f"{call!r} {call!s}"
    assert str(call) == "PUT https://bucket.example/file.csv, 3 rows"
