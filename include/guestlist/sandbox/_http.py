"""The HTTP gate: reads a request, lets the fault script and then the platform have it, logs it, and sends the answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request as Incoming
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from guestlist.sandbox._faults import NOTHING, Action
from guestlist.sandbox.core import Answer, Json, Platform, Request, Upload, World

_HTML = "<!DOCTYPE html><html><title>error</title><body><h1>Sorry, something went wrong.</h1></body></html>"
_TYPES = {str: "text/html; charset=utf-8", bytes: "application/octet-stream"}


class Gate:
    """The ASGI application. The first part of a path names the platform, or ``admin``."""

    def __init__(self, world: World, admin: Platform) -> None:
        self._world = world
        self._admin = admin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        request = await _read(scope, receive)
        door = request.path.split("/")[1]
        platform = self._admin if door == "admin" else self._world.platforms.get(door)
        if platform is None:
            await self._send(Answer(404, {"error": f"no platform is called {door!r}"}), scope, receive, send)
            return
        if not _fits(platform, scope):
            await run_in_threadpool(self._log, platform, request, 414)
            await self._send(Answer(414, _HTML), scope, receive, send)
            return
        await self._serve(platform, request, scope, receive, send)

    def administer(self, request: Request) -> Answer:
        """Have the admin API act on a request that has not come over HTTP."""
        return self._act(self._admin, request, NOTHING)

    async def _serve(self, platform: Platform, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        action = self._world.faults.take(platform.name, request.method, request.path)
        request.action = action
        if action.delay and action.when == "before":
            await asyncio.sleep(action.delay)
        if action.drop == "before":
            await run_in_threadpool(self._log, platform, request, 0)
            await _cut(scope, receive)
            return
        answer = await run_in_threadpool(self._act, platform, request, action)
        if action.delay and action.when == "after":
            await asyncio.sleep(action.delay)
        if action.drop == "after":
            await _cut(scope, receive)
            return
        if action.silent:
            await _client_gone(receive)
            return
        await self._send(answer, scope, receive, send)

    def _act(self, platform: Platform, request: Request, action: Action) -> Answer:
        """Have the platform act, unless the fault comes first; the answer as it shall be sent."""
        with self._world.store:
            platform.suffer(request)
            self._world.settle()
        if action.replies and action.when == "before":
            answer = _scripted(platform, action)
        else:
            answer = platform.answer(request)
            if action.replies:
                answer = _scripted(platform, action)
        if action.malformed:
            answer = Answer(answer.status, *_malformed(action.malformed, answer))
        self._log(platform, request, 0 if action.drop == "after" or action.silent else answer.status)
        return answer

    def _log(self, platform: Platform, request: Request, status: int) -> None:
        if platform is not self._admin:
            with self._world.store:
                self._world.requests.record(platform.name, self._world.clock.now(), request, status)

    async def _send(self, answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {"content-type": "application/json", **answer.headers, "date": self._date()}
        body: bytes | str
        if isinstance(answer.body, str | bytes):
            body = answer.body
            headers["content-type"] = answer.headers.get("content-type", _TYPES[type(answer.body)])
        else:
            body = b"" if answer.body is None else json.dumps(answer.body, separators=(",", ":")).encode()
        await Response(body, answer.status, headers)(scope, receive, send)

    def _date(self) -> str:
        """Platforms' own time, which replaces go by."""
        return formatdate(self._world.clock.now(), usegmt=True)


def _scripted(platform: Platform, action: Action) -> Answer:
    if action.error is not None:
        answer = platform.error_named(action.error, action)
        return Answer(action.status or answer.status, answer.body, answer.headers | action.headers)
    return Answer(action.status or 200, action.body, dict(action.headers))


def _malformed(how: str, answer: Answer) -> tuple[Json, dict[str, str]]:
    text = json.dumps(answer.body).encode()
    bodies = {
        "html": _HTML,
        "empty": b"",
        "truncated": text[: len(text) // 2],
        "wrong_type": json.dumps(_wrong(answer.body)).encode(),
    }
    kind = "text/html" if how == "html" else "application/json"
    return bodies[how], answer.headers | {"content-type": kind}


def _wrong(body: Json) -> Json:
    """The same names with values of other types: lists where there were none, text in place of the others."""
    if isinstance(body, dict):
        return {name: "unexpected" if isinstance(value, dict | list) else [value] for name, value in body.items()}
    return {"unexpected": True}


def _fits(platform: Platform, scope: Scope) -> bool:
    length = len(scope["path"]) + len(scope["query_string"])
    return platform.longest_url is None or length <= platform.longest_url


async def _read(scope: Scope, receive: Receive) -> Request:
    incoming = Incoming(scope, receive)
    body = await incoming.body()
    return Request(
        method=incoming.method,
        path=scope["path"],
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers={name.lower(): value for name, value in incoming.headers.items()},
        body=body,
        form=await _form(incoming, body),
    )


async def _form(incoming: Incoming, body: bytes) -> Mapping[str, str | Upload]:
    kind = incoming.headers.get("content-type", "")
    if kind.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    if not kind.startswith("multipart/form-data"):
        return {}
    async with incoming.form(max_part_size=len(body)) as form:
        return {name: await _upload(value) if isinstance(value, UploadFile) else value for name, value in form.items()}


async def _upload(part: UploadFile) -> Upload:
    return Upload(part.filename or "", await part.read(), part.content_type or "")


async def _cut(scope: Scope, receive: Receive) -> None:
    """Close the connection without an answer."""
    scope["state"]["connection"].transport.abort()
    await _client_gone(receive)


async def _client_gone(receive: Receive) -> None:
    """Wait until the client has given up."""
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()


def connection_factory(**arguments: Any) -> Any:
    """Uvicorn's HTTP/1.1 protocol, with itself in the scope's state, so that `_cut` finds the connection."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    state = dict(arguments.pop("app_state", {}))
    state["connection"] = protocol = H11Protocol(app_state=state, **arguments)
    return protocol
