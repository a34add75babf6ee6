"""What every emulated platform is made of: requests, answers, endpoints, settings, quotas, later work, and the request log.

A platform is one file here: a class derived from `Platform` with `endpoint` methods, named ``PLATFORM`` at its end. It reads
`Request`s, gives `Answer`s, raises `Refused`, and keeps what it holds in ``self.book``, ``self.records`` and ``self.staging``.
What raises `Refused` has left no trace.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from guestlist.sandbox._books import Audience, Book
from guestlist.sandbox._faults import NOTHING, Action, FaultScript
from guestlist.sandbox._state import Job, Jobs, Quotas, RequestLog, Settings
from guestlist.sandbox._store import CLEARED_BY_RESET, Clock, Json, Records, Staging, Store, iso, moment_of
from guestlist.sandbox._tokens import Tokens

if TYPE_CHECKING:
    from guestlist.sandbox._rpc import Rpc

__all__ = [
    "SHA256_HEX",
    "UUID_TEXT",
    "Action",
    "Answer",
    "Audience",
    "Book",
    "Clock",
    "Endpoint",
    "Job",
    "Json",
    "Platform",
    "Records",
    "Refused",
    "Request",
    "Settings",
    "Staging",
    "Upload",
    "World",
    "digest",
    "endpoint",
    "iso",
    "moment_of",
]

SHA256_HEX = re.compile(r"[0-9a-f]{64}")
UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Upload(NamedTuple):
    """A file in a multipart form, and the media type that its part names."""

    filename: str
    content: bytes
    type: str = ""


@dataclass(slots=True)
class Request:
    """One HTTP request. ``path`` is the whole path, ``params`` what the endpoint's template took out of it.

    The platform notes in ``operation`` and ``rows`` what the request is, for the log. Header names are in lower case.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    form: Mapping[str, str | Upload] = field(default_factory=dict, repr=False)
    action: Action = NOTHING
    params: Mapping[str, str] = field(default_factory=dict)
    operation: str = "other"
    rows: int = 0

    def json(self) -> Json:
        """The body; `ValueError` if it is not JSON."""
        return json.loads(self.body)

    @property
    def bearer(self) -> str | None:
        """The access token of the Authorization header."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() in ("bearer", "oauth") and token else None


@dataclass(slots=True)
class Answer:
    """What is sent back. ``body`` goes out as JSON, unless it is text or bytes."""

    status: int = 200
    body: Json = None
    headers: dict[str, str] = field(default_factory=dict)


class Refused(Exception):
    """The platform refuses the request; raised anywhere below an endpoint."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer.status))
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method of a platform that answers requests."""

    method: str
    pattern: re.Pattern[str]
    operation: str
    function: Callable[[Any, Request], Any]


def endpoint(method: str, template: str, operation: str) -> Callable[[Callable[[Any, Request], Any]], Endpoint]:
    """Make a method answer ``method template``, such as ``POST /v1/lists/{list}``; ``operation`` is its name in the log.

    The template stands below the platform's root. The method gives an `Answer`, or a JSON value to be sent with status 200.
    """
    parts = re.split(r"\{(\w+)\}", template)
    text = "".join(f"(?P<{part}>[^/]+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    return lambda function: Endpoint(method, re.compile(text), operation, function)


def digest(value: str) -> str:
    """How books keep what came in plain text: a sandbox leaves nobody's email on a disk."""
    return hashlib.sha256(value.encode()).hexdigest()


class World:
    """All that the platforms share."""

    def __init__(self, state_dir: Path, settle_seconds: float | None = None) -> None:
        self.state_dir = state_dir
        self.settle_seconds = settle_seconds
        self.store = Store(state_dir / "sandbox.sqlite")
        self.clock = Clock(self.store)
        self.jobs = Jobs(self.store)
        self.requests = RequestLog(self.store)
        self.quotas = Quotas(self.clock)
        self.faults = FaultScript()
        self.tokens = Tokens(Records(self.store, "oauth"), self.clock)
        self.platforms: dict[str, Platform] = {}
        self.addresses: dict[str, str] = {}

    def settle(self) -> None:
        """Do all work whose time has come."""
        for door, job in self.jobs.take_due(self.clock.now()):
            self.platforms[door].apply(job)

    def reset(self) -> None:
        """Forget everything but the access tokens that were given out, whose holders go on."""
        with self.store:
            kept = self.tokens.export()
            for table in CLEARED_BY_RESET:
                self.store.run(f"DELETE FROM {table}")
            self.tokens.restore(kept)
        self.clock.reset()
        self.quotas.clear()
        self.faults.clear()
        for platform in self.platforms.values():
            platform.settings.forget()


class Platform:
    """One door to one platform. Derive from it, add `endpoint` methods, and override what the platform does its own way."""

    name: ClassVar[str]
    """The first part of its paths, and its name in the admin API."""
    book_name: ClassVar[str]
    """Whose audiences it keeps; doors to the same audiences share a book."""
    connection: ClassVar[Mapping[str, Json]] = {}
    """The ``extra`` of a connection to it; the sandbox's addresses stand in it as ``{http}``, ``{grpc}``, ``{ca_file}``."""
    defaults: ClassVar[Mapping[str, Json]] = {}
    """Its settings. ``settle_seconds`` is how long its later work takes."""
    hurried: ClassVar[frozenset[str]] = frozenset({"settle_seconds"})
    """The settings that a sandbox which is told how long later work takes sets to that."""
    longest_url: ClassVar[int | None] = None
    """Bytes of path and query above which it answers 414."""
    _endpoints: ClassVar[Sequence[Endpoint]] = ()

    def __init_subclass__(cls) -> None:
        """Collect the endpoints, the inherited ones last."""
        own = [value for value in vars(cls).values() if isinstance(value, Endpoint)]
        cls._endpoints = (*own, *(found for base in cls.__bases__ for found in getattr(base, "_endpoints", ())))

    def __init__(self, world: World) -> None:
        self.world = world
        self.clock = world.clock
        self.book = Book(world.store, world.clock, self.book_name)
        self.records = Records(world.store, self.name)
        self.staging = Staging(world.store, self.name)
        defaults = dict(self.defaults)
        if world.settle_seconds is not None:
            defaults |= dict.fromkeys(self.hurried & defaults.keys(), world.settle_seconds)
        self.settings = Settings(world.store, self.name, defaults)

    def answer(self, request: Request) -> Answer:
        """Answer one request, in a transaction that a refusal takes back."""
        found = self._find(request)
        try:
            if found is None:
                return self.finish(request, self.unknown_path(request))
            request.operation = found.operation
            with self.world.store:
                self.admit(request)
                result = found.function(self, request)
            return self.finish(request, result if isinstance(result, Answer) else Answer(body=result))
        except Refused as refused:
            return self.finish(request, refused.answer)

    def _find(self, request: Request) -> Endpoint | None:
        below = self.path_of(request)
        method = self.method_of(request)
        for candidate in self._endpoints:
            if candidate.method == method and (match := candidate.pattern.fullmatch(below)):
                request.params = match.groupdict()
                return candidate
        return None

    def later(self, owner: str, seconds: float | None = None) -> None:
        """Have `apply` called for ``owner`` when the settle time, or so many seconds, have passed."""
        wait = self.settings["settle_seconds"] if seconds is None else seconds
        self.world.jobs.schedule(self.name, owner, self.clock.now() + wait)

    def suffer(self, request: Request) -> None:
        """What befalls the platform just before a request, by the fault script."""
        if request.action.expire_token:
            self.world.tokens.expire(request.bearer)
        for audience in self.book.all() if request.action.delete_audiences else ():
            self.book.delete(audience)

    # what a platform overrides

    def path_of(self, request: Request) -> str:
        """The path below the platform's root, as templates have it."""
        return request.path.removeprefix(f"/{self.name}")

    def method_of(self, request: Request) -> str:
        """The verb that counts, where a platform lets a parameter stand in for it."""
        return request.method

    def admit(self, request: Request) -> None:
        """Check the credential and the quotas, before each endpoint; raises `Refused`."""

    def apply(self, job: Job) -> None:
        """Do work that was put off with `later`."""

    def finish(self, request: Request, answer: Answer) -> Answer:
        """Add what every answer of the platform carries, such as headers on quotas."""
        return answer

    def unknown_path(self, request: Request) -> Answer:
        """The answer where no endpoint matches."""
        return Answer(404, {"error": {"message": "no such path in the sandbox", "status": 404}})

    def error_named(self, code: str, action: Action) -> Answer:
        """The answer of the fault ``{"error": code}``, in the platform's own form."""
        raise ValueError(f"{self.name} has no error called {code}")

    def rpcs(self) -> Sequence[Rpc]:
        """Its gRPC methods, where it has any."""
        return ()
