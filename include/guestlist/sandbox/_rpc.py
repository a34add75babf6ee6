"""The gRPC gate, the twin of `_http`: TLS, the fault script, the log, and statuses with trailing metadata."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc

from guestlist.sandbox._faults import Action
from guestlist.sandbox.core import Platform, Request, World

LARGEST_MESSAGE = 64 * 1024 * 1024
_STATUS = {
    "OK": 200,
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "FAILED_PRECONDITION": 400,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
_BY_HTTP = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
}
_BY_HTTP |= {500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}
Trailers = Sequence[tuple[str, str | bytes]]


class RpcRefused(Exception):
    """The platform refuses the call. ``status`` is the name of a gRPC status code."""

    def __init__(self, status: str, details: str, trailers: Trailers = ()) -> None:
        super().__init__(details)
        self.status = status
        self.details = details
        self.trailers = trailers


class OnlyValidated(Exception):
    """The call asked for validation only: ``reply`` is its answer, and what was done is taken back."""

    def __init__(self, reply: Any) -> None:
        super().__init__()
        self.reply = reply


_CUT = RpcRefused("UNAVAILABLE", "Socket closed")


@dataclass(slots=True)
class RpcRequest(Request):
    """A call. ``message`` is the protobuf message; ``path`` is the method's path, ``headers`` the metadata."""

    message: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Rpc:
    """One method of a platform: its path, its messages' protobuf classes, and the function that answers it.

    ``alone`` names, for a call, what no two calls may work on at a time; the second one is refused by ``clash``.
    """

    path: str
    request: Any
    response: Any
    function: Callable[[RpcRequest], Any]
    operation: str
    stream: bool = False
    trailers: Callable[[], Trailers] = tuple
    alone: Callable[[Any], str | None] = lambda _: None
    clash: Callable[[], RpcRefused] = lambda: RpcRefused("ABORTED", "concurrent call")


class RpcServer:
    """Serves the gRPC methods of every platform."""

    def __init__(self, world: World, key: bytes, chain: bytes) -> None:
        self._world = world
        self._busy: set[str] = set()
        self._busy_lock = threading.Lock()
        self._pause = threading.Event()
        self._credentials = grpc.ssl_server_credentials([(key, chain)])
        self._server = grpc.server(
            ThreadPoolExecutor(8, "sandbox-grpc"),
            options=[
                ("grpc.so_reuseport", 0),  # or two sandboxes would share a port, each taking some of the calls
                ("grpc.max_receive_message_length", LARGEST_MESSAGE),
                ("grpc.max_send_message_length", LARGEST_MESSAGE),
            ],
        )

    def start(self, address: str, port: int) -> int:
        """Start; gives the port."""
        for platform in self._world.platforms.values():
            for rpc in platform.rpcs():
                self._add(platform, rpc)
        bound = int(self._server.add_secure_port(f"{address}:{port}", self._credentials))
        self._server.start()
        return bound

    def stop(self) -> None:
        """Stop and wait for it."""
        self._server.stop(grace=0.5).wait()

    def _add(self, platform: Platform, rpc: Rpc) -> None:
        def answer(message: Any, context: Any) -> Any:
            return self._serve(platform, rpc, message, context)

        def answers(message: Any, context: Any) -> Iterator[Any]:
            yield self._serve(platform, rpc, message, context)

        make = grpc.unary_stream_rpc_method_handler if rpc.stream else grpc.unary_unary_rpc_method_handler
        handler = make(
            answers if rpc.stream else answer,
            request_deserializer=rpc.request.FromString,
            response_serializer=lambda reply: reply if isinstance(reply, bytes) else reply.SerializeToString(),
        )
        service, method = rpc.path.strip("/").split("/")
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))

    def _serve(self, platform: Platform, rpc: Rpc, message: Any, context: Any) -> Any:
        request = RpcRequest("POST", rpc.path, headers=_metadata(context), operation=rpc.operation, message=message)
        request.action = action = self._world.faults.take(platform.name, "POST", rpc.path)
        reply = self._act(platform, rpc, request)
        if action.delay and action.when == "after":
            self._pause.wait(action.delay)
        if action.silent:
            _client_gone(context)
        if action.drop == "after" or action.silent:
            reply = _CUT
        if isinstance(reply, RpcRefused):
            _abort(context, reply)
        context.set_trailing_metadata(tuple(rpc.trailers()))
        return _malformed(action, rpc, reply, context)

    def _act(self, platform: Platform, rpc: Rpc, request: RpcRequest) -> Any:
        """Have the platform act, unless the fault comes first; the reply, or the refusal, as it shall be sent."""
        action = request.action
        with self._world.store:
            platform.suffer(request)
            self._world.settle()
        reply: Any = _CUT
        early = action.replies and action.when == "before"
        if action.delay and action.when == "before" and (early or action.drop == "before"):
            self._pause.wait(action.delay)
        if action.drop != "before":
            reply = _scripted(platform, action) if early else self._alone(rpc, request)
            if action.replies:
                reply = _scripted(platform, action)
        status = _STATUS.get(reply.status, 500) if isinstance(reply, RpcRefused) else 200
        answered = action.drop is None and not action.silent
        with self._world.store:
            self._world.requests.record(platform.name, self._world.clock.now(), request, status if answered else 0)
        return reply

    def _alone(self, rpc: Rpc, request: RpcRequest) -> Any:
        """Call the function, unless another call is at work on the same thing."""
        thing = rpc.alone(request.message)
        if thing is None:
            return self._call(rpc, request)
        with self._busy_lock:
            if thing in self._busy:
                return rpc.clash()
            self._busy.add(thing)
        try:
            return self._call(rpc, request)
        finally:
            with self._busy_lock:
                self._busy.discard(thing)

    def _call(self, rpc: Rpc, request: RpcRequest) -> Any:
        if request.action.delay and request.action.when == "before":
            self._pause.wait(request.action.delay)  # the call is under way: another one on the same thing clashes
        try:
            with self._world.store:
                return rpc.function(request)
        except RpcRefused as refused:
            return refused
        except OnlyValidated as validated:
            return validated.reply


def _client_gone(context: Any) -> None:
    """Wait until the client has given up."""
    gone = threading.Event()
    if context.add_callback(gone.set):
        gone.wait()


def _metadata(context: Any) -> Mapping[str, str]:
    return {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}


def _scripted(platform: Platform, action: Action) -> RpcRefused:
    if action.error is None:
        return RpcRefused(_BY_HTTP.get(action.status or 500, "UNKNOWN"), str(action.body or "scripted fault"))
    named = platform.error_named(action.error, action).body
    if not isinstance(named, RpcRefused):
        raise TypeError(f"{platform.name} has gRPC methods: its error_named must give an RpcRefused as the answer's body")
    return named


def _malformed(action: Action, rpc: Rpc, reply: Any, context: Any) -> Any:
    match action.malformed:
        case None:
            return reply
        case "empty":
            return rpc.response()
        case "html":
            return _abort(context, RpcRefused("UNAVAILABLE", "Received http2 header with status: 502"))
        case "truncated":
            return reply.SerializeToString()[:-1] or b"\x0a"
        case _:
            return b"\x0a\x03\xff\xfe\xfd"


def _abort(context: Any, refused: RpcRefused) -> NoReturn:
    context.set_trailing_metadata(tuple(refused.trailers))
    context.abort(getattr(grpc.StatusCode, refused.status), refused.details)
    raise AssertionError("abort does not return")
