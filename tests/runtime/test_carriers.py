"""What carriers make of a bad network and of answers that are not as they should be, from a server that misbehaves."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
import requests
from google.auth.exceptions import RefreshError, TransportError
from google.oauth2 import service_account

from guestlist.destinations._google import GoogleSettings
from guestlist.destinations.base import Settings
from guestlist.destinations.meta import MetaSettings
from guestlist.model.conversation import Call, Reply
from guestlist.model.errors import AuthError, ConfigError, GuestlistError, OutcomeUnknown, TransientError
from guestlist.runtime.carriers import NAMES, Carriers
from guestlist.runtime.carriers._answers import LastAnswer, network_errors, reply_of
from guestlist.runtime.carriers._google_credentials import auth_error, google_credentials
from guestlist.runtime.carriers.http import HttpCarrier

SECRET = "hunter2-secret-token"


def http(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(body) if length is None else length}",
        "Connection: close",
        *headers,
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body


ANSWERS: dict[str, bytes | None] = {
    "object": http(b'{"a": [1, null]}', "200 OK", "X-Request-Id: r-1", "X-Shard: B"),
    "list": http(b"[1]"),
    "scalar": http(b'"text"'),
    "html": http(b"<html>sorry</html>"),
    "empty": http(b""),
    "broken": http(b'{"a": '),
    "latin": http(b'{"a": "\xff"}'),
    "refused": http(b'{"error": {"code": 190}}', "400 Bad Request", "X-Fb-Trace-Id: t-1"),
    "down": http(b"<html>", "503 Service Unavailable", "Retry-After: 7"),
    "drop": None,
    "cut": http(b'{"a": 1', length=100),
    "garbage": b"\x00\x01\x02",
    "slow": b"slow",
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server that answers as the last part of the path says."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=answer, args=(client,), daemon=True).start()

    def answer(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request:
                request += client.recv(65536)
            path = request.split(b" ")[1].decode().split("?")[0].rsplit("/", 1)[-1]
            reply = ANSWERS.get(path, http(json.dumps({"request": request.decode("latin-1")}).encode()))
            if reply == b"slow":
                done.wait(5)
            elif reply is not None:
                client.sendall(reply)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    done.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


@pytest.fixture(scope="module")
def nobody() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def by_httpx(url: str) -> HttpCarrier:
    return HttpCarrier(Settings(endpoint=url, timeout_seconds=0.3))


def by_meta(url: str) -> Carriers:
    settings = MetaSettings(
        ad_account_id="1", access_token=SECRET, app_id="1", app_secret=SECRET, endpoint=url, timeout_seconds=0.3
    )
    return Carriers(settings)["meta"]


Make = Callable[[str], HttpCarrier]
carriers = pytest.mark.parametrize("make", [by_httpx, by_meta])


def call(path: str, carrier: Make) -> Call:
    prefix = "/" if carrier is by_httpx else ""
    return Call("x", "GET", f"{prefix}{path}", None if carrier is by_httpx else {"fields": SECRET})


@contextlib.contextmanager
def closing(carrier: HttpCarrier) -> Iterator[HttpCarrier]:
    try:
        yield carrier
    finally:
        carrier.close()


@carriers
@pytest.mark.parametrize(
    ("path", "status", "body", "malformed"),
    [
        ("object", 200, {"a": [1, None]}, False),
        ("list", 200, [1], False),
        ("html", 200, None, True),
        ("broken", 200, None, True),
        ("latin", 200, None, True),
        ("refused", 400, {"error": {"code": 190}}, False),
        ("down", 503, None, True),
    ],
)
def test_any_answer_is_a_reply(make: Make, server: str, path: str, status: int, body: object, malformed: bool) -> None:
    with closing(make(server)) as carrier:
        reply = carrier.send(call(path, make))
    assert (reply.status, reply.body, reply.malformed) == (status, body, malformed)


@carriers
def test_headers_have_small_letters_and_the_requests_name_is_found(make: Make, server: str) -> None:
    with closing(make(server)) as carrier:
        reply = carrier.send(call("object", make))
        assert (reply.headers["x-shard"], reply.request_id) == ("B", "r-1")
        assert carrier.send(call("down", make)).headers["retry-after"] == "7"


@carriers
@pytest.mark.parametrize("path", ["drop", "cut", "garbage", "slow"])
def test_what_broke_off_may_have_acted(make: Make, server: str, path: str) -> None:
    with closing(make(server)) as carrier, pytest.raises(OutcomeUnknown) as caught:
        carrier.send(call(path, make))
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__, "the cause quotes the address, which holds the token"


@carriers
def test_what_was_never_connected_did_not_act(make: Make, nobody: str) -> None:
    with closing(make(nobody)) as carrier, pytest.raises(TransientError) as caught:
        carrier.send(call("object", make))
    assert not isinstance(caught.value, OutcomeUnknown)
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


@carriers
def test_after_trouble_the_next_call_is_as_good_as_new(make: Make, server: str) -> None:
    with closing(make(server)) as carrier:
        for path in ("drop", "object", "html", "list"):
            try:
                last = carrier.send(call(path, make))
            except OutcomeUnknown:
                last = None
            assert (last is None) == (path == "drop")
    assert last.body == [1], "no answer is taken for another one's"


def test_a_plain_request_carries_everything(server: str) -> None:
    with closing(by_httpx(f"{server}/v1")) as carrier:
        reply = carrier.send(Call("http", "PUT", "/users", {"a": 1}, {"page": 2}, {"x-own": "yes"}))
    request = reply.body["request"]
    assert request.startswith("PUT /v1/users?page=2 HTTP/1.1\r\n")
    assert "x-own: yes" in request.lower()
    assert "content-type: application/json" in request.lower()


# -- the pieces


def test_an_answer_is_kept_only_for_its_own_call(server: str) -> None:
    with requests.Session() as session:
        last = LastAnswer(session)
        with pytest.raises(OutcomeUnknown):
            last.reply()
        session.get(f"{server}/object", timeout=5)
        assert last.reply().body == {"a": [1, None]}
        last.forget()
        with pytest.raises(OutcomeUnknown):
            last.reply()


def test_a_single_value_is_no_answer_that_a_platform_gives() -> None:
    answer = requests.Response()
    answer.status_code, answer._content = 200, b"5"
    assert reply_of(answer) == Reply(200, None, {}, None, malformed=True)


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (requests.exceptions.ConnectTimeout(SECRET), TransientError),
        (requests.exceptions.ReadTimeout(SECRET), OutcomeUnknown),
        (requests.exceptions.ConnectionError(SECRET), OutcomeUnknown),
        (requests.exceptions.SSLError(SECRET), OutcomeUnknown),
        (requests.exceptions.ChunkedEncodingError(SECRET), OutcomeUnknown),
        (requests.exceptions.TooManyRedirects(SECRET), OutcomeUnknown),
        (requests.exceptions.InvalidURL(SECRET), OutcomeUnknown),
    ],
)
def test_network_errors_are_ours_and_quote_nothing(raised: Exception, kind: type[GuestlistError]) -> None:
    with pytest.raises(TransientError) as caught, network_errors("Meta"):
        raise raised
    assert type(caught.value) is kind
    assert "Meta" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_carriers_are_made_when_first_asked_for_and_closed_together() -> None:
    found = Carriers(Settings(endpoint="http://127.0.0.1:9", timeout_seconds=1))
    assert list(found) == list(NAMES)
    assert len(found) == len(NAMES)
    assert "http" in found
    assert "pigeon" not in found
    assert found["http"] is found["http"]
    with pytest.raises(KeyError):
        found["pigeon"]
    found.close()
    assert found["http"]._client.is_closed


def google(**more: str) -> GoogleSettings:
    oauth = {"client_id": "c", "client_secret": SECRET, "refresh_token": SECRET} if "service_account_file" not in more else {}
    return GoogleSettings(customer_id="123-456-7890", **oauth, **more)


def test_a_google_credential_is_made_without_asking_anybody() -> None:
    made = google_credentials(google(token_uri="http://127.0.0.1:9/token"), "scope")
    assert (made.refresh_token, made.client_id, made.token_uri, made.scopes) == (
        SECRET,
        "c",
        "http://127.0.0.1:9/token",
        ["scope"],
    )
    assert made.token is None


def test_a_service_accounts_file_that_is_none_is_told(tmp_path: object) -> None:
    for text in ("{}", "no json", None):
        path = tmp_path / "key.json"
        if text is not None:
            path.write_text(text, encoding="utf-8")
        else:
            path.unlink()
        with pytest.raises(ConfigError, match="service_account_file"):
            google_credentials(google(service_account_file=str(path)), "scope")
    assert service_account.Credentials


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (TransportError(SECRET), TransientError),
        (RefreshError(SECRET, retryable=True), TransientError),
        (RefreshError(SECRET), AuthError),
    ],
)
def test_what_google_auth_raises_is_told_without_its_text(raised: Exception, kind: type[GuestlistError]) -> None:
    found = auth_error(raised)
    assert type(found) is kind
    assert SECRET not in str(found)
