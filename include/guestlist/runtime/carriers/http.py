"""Plain REST platforms over httpx: bodies of every kind, the connection's credential, and access tokens that expire."""

from __future__ import annotations

import json
import ssl
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeVar

import httpx
import msgspec

from guestlist.destinations.base import Settings
from guestlist.model.conversation import Call, Content, Conversation, Form, Reply, Token
from guestlist.model.errors import ConfigError, OutcomeUnknown, TransientError
from guestlist.runtime import clock
from guestlist.runtime.carriers import _sign_in
from guestlist.runtime.carriers._bodies import PACKINGS, bounded_body
from guestlist.runtime.carriers._vendors import alone, keep_quiet

_EARLY = 60.0
"""Seconds before its end from which a token is not used any more."""
T = TypeVar("T")


class HttpCarrier:
    """Sends calls to paths below the connection's endpoint, or to whole addresses."""

    def __init__(self, settings: Settings) -> None:
        """Remember endpoint and time-out. httpx logs whole addresses at INFO, httpcore the headers of answers at DEBUG."""
        keep_quiet("httpx", "httpcore")
        self._settings = settings
        self._client = httpx.Client(
            base_url=settings.endpoint or settings.home,
            timeout=settings.timeout_seconds,
            verify=_trust(settings.ca_file),
            headers={"accept-encoding": PACKINGS},
        )
        self._token: Token | None = None
        self._token_ends = 0.0

    def send(self, call: Call) -> Reply:
        """One request; an answer of any status is a reply.

        Raises:
            AuthError: no access token is to be had for the connection's credential.
        """
        if call.signed:
            call = replace(call, headers={**self._settings.headers(self._access()), **call.headers})
        return self._send(call)

    def _send(self, call: Call) -> Reply:
        with alone():
            answer, content = self._request(call)
        try:
            body, malformed = json.loads(content or b""), False
        except (ValueError, RecursionError):
            body, malformed = None, content != b"" or _owes_json(call, answer.status_code)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status_code, body, headers, headers.get("x-request-id"), malformed)

    def _request(self, call: Call) -> tuple[httpx.Response, bytes | None]:
        """The answer and its body, None where that is no body that can be read."""
        headers = dict(call.headers)
        if isinstance(call.body, Content):
            headers["content-type"] = call.body.type
        elif call.body is not None and not isinstance(call.body, Form):
            headers["content-type"] = "application/json"
        try:
            with self._client.stream(
                call.method, call.path, params=dict(call.query) or None, headers=headers, **_encoded(call.body)
            ) as answer:
                packing = answer.headers.get("content-encoding", "").strip().lower()
                return answer, bounded_body(answer.iter_raw(), packing, self._settings.timeout_seconds)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise TransientError("the platform cannot be reached") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError):
            raise ConfigError("the connection's endpoint or credential cannot be sent: look for odd characters in it") from None
        except httpx.HTTPError as error:
            raise OutcomeUnknown(f"the request broke off: {type(error).__name__}") from None

    def _access(self) -> str:
        """The access token, a fresh one when the last one is about to end; empty where the platform has none."""
        if self._token is None or clock.monotonic() >= self._token_ends:
            signing_in = self._settings.sign_in()
            if signing_in is None:
                return ""
            self._token = self._run(signing_in)
            seconds = self._token.seconds
            self._token_ends = clock.monotonic() + (max(seconds - _EARLY, seconds / 2) if seconds else float("inf"))
        return self._token.value

    def _run(self, signing_in: Conversation[T]) -> T:
        """Hold a conversation about the credential itself. What is no answer to it is trouble that passes."""
        try:
            call = next(signing_in)
            while True:
                reply = self._send(call)
                if error := _sign_in.trouble(reply.status, reply.headers, malformed=reply.malformed):
                    raise error
                call = signing_in.send(reply)
        except StopIteration as end:
            result: T = end.value
            return result

    def refresh(self) -> None:
        """Forget the access token: the next call gets a fresh one."""
        self._token = None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _owes_json(call: Call, status: int) -> bool:
    """Whether a success must have a body: 204 says that there is nothing to say, and storages take files without a word."""
    return 200 <= status < 300 and status != 204 and not isinstance(call.body, Content)


@lru_cache
def _trust(ca_file: str | None) -> ssl.SSLContext:
    """Whose certificates count; reading the usual ones takes longer than a request."""
    return ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context()


def _encoded(body: Any) -> dict[str, Any]:
    """A body as httpx's own arguments."""
    match body:
        case None:
            return {}
        case Content():
            return {"content": body.data}
        case Form() if not (body.multipart or body.files):
            return {"data": dict(body.fields)}
        case Form():
            parts: list[tuple[str, Any]] = [(name, (None, value)) for name, value in body.fields.items()]
            parts += [(name, (file.filename, file.content.data, file.content.type)) for name, file in body.files.items()]
            return {"files": parts}
        case _:
            return {"content": msgspec.json.encode(body)}


CARRIER = HttpCarrier
