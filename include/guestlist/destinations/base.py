"""What every platform's file provides: settings, options, capabilities, and its conversations with the platform."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from guestlist.model.audiences import AudienceRef, AudienceSpec, AudienceState, Finding, Marked
from guestlist.model.capabilities import Capabilities
from guestlist.model.conversation import Call, Conversation, Json, Reply, Token, Verdict
from guestlist.model.delivery import Batch, Receipt, Session, Settlement
from guestlist.model.errors import BatchRefused, ConfigError, OutcomeUnknown, TransientError

if TYPE_CHECKING:
    import polars as pl

    from guestlist.model.connection import Connection

T = TypeVar("T")


class Settings(BaseModel):
    """What a connection holds, for one platform. Unknown keys are refused; secrets are `SecretStr` and never shown.

    ``endpoint`` points the platform at any server, for which ``ca_file`` vouches. The polling settings override the platform's
    own schedule, in seconds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: ClassVar[str] = ""
    """The platform's own address, for the carrier ``http``."""
    endpoint: str | None = None
    ca_file: str | None = None
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    poll_first_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    poll_longest_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None

    @classmethod
    def of(cls, connection: Connection) -> Self:
        """Read a connection's ``extra``; fields left empty in a form are none. Every problem is told, no value is repeated."""
        try:
            return cls.model_validate({key: value for key, value in connection.extra.items() if value not in (None, "")})
        except ValidationError as error:
            problems = "; ".join(f"{_dotted(item['loc'])}: {_told(item['type'], item['msg'])}" for item in error.errors())
            known = ", ".join(cls.model_fields)
            raise ConfigError(f"connection {connection.id!r} cannot be used: {problems}. Its extra takes: {known}") from None

    # what the carrier ``http`` asks; the vendors' SDKs sign calls by themselves

    def headers(self, token: str) -> Mapping[str, str]:
        """What goes with every call that is signed; ``token`` is that of `sign_in`, empty where there is none."""
        return {}

    def sign_in(self) -> Conversation[Token] | None:
        """How to get an access token; None where the connection holds all that is needed.

        Raises (in the conversation):
            AuthError: the platform does not accept the credential.
        """
        return None


def _dotted(location: Sequence[int | str]) -> str:
    return ".".join(map(str, location)) or "extra"


def _told(kind: str, message: str) -> str:
    return {"missing": "is missing", "extra_forbidden": "nobody knows this key"}.get(
        kind, message.removeprefix("Value error, ")
    )


class Options(BaseModel):
    """A platform's own keys in a segment's destination."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def without_choices(options: type[BaseModel], **chosen: Any) -> BaseModel:
    """A platform's options with only its defaults and ``chosen``: enough to tell what it can do, not to send anything."""
    required = {name: None for name, field in options.model_fields.items() if field.is_required()}
    return options.model_construct(**{**required, **chosen})


class Destination(ABC):
    """One audience's platform. Every method is a conversation: it yields calls, is sent replies, and does no IO."""

    Settings: ClassVar[type[Settings]]
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, settings: Any, options: Any) -> None:
        """Record the settings; nothing is sent or checked here."""
        self.settings = settings
        self.options = options
        self.capabilities = self.capabilities_for(options)

    @classmethod
    @abstractmethod
    def capabilities_for(cls, options: Any) -> Capabilities:
        """What the platform can do with these options."""

    @abstractmethod
    def ensure(self, spec: AudienceSpec) -> Conversation[AudienceRef]:
        """Find the audience on the platform, or create it; doing it twice gives the same one."""

    @abstractmethod
    def describe(self, audience: AudienceRef) -> Conversation[AudienceState]:
        """Ask the platform for the size, match rate and status of an audience."""

    @abstractmethod
    def check(self, spec: AudienceSpec) -> Conversation[Sequence[Finding]]:
        """Look, without changing anything, whether a run could deliver: permission, terms, and the audience itself.

        What the platform refuses outright may be raised as the error that `judge` makes of it.
        """

    def marked(self) -> Conversation[Sequence[Marked] | None]:
        """The account's audiences that bear Guestlist's mark, whichever installation made them; None if none can bear one."""
        return None
        yield

    @abstractmethod
    def judge(self, call: Call, reply: Reply) -> Verdict:
        """What a reply means, decided on status and codes only."""

    def open(self, session: Session) -> Conversation[Mapping[str, Json]]:
        """Begin a session; the handle that it returns is kept and given to the other methods. May be called again."""
        return {}
        yield  # the base has nothing to ask; this makes it a conversation

    @abstractmethod
    def send(self, session: Session, handle: Mapping[str, Json], batch: Batch) -> Conversation[Receipt]:
        """Deliver one batch."""

    def close(self, session: Session, handle: Mapping[str, Json], jobs: Sequence[str]) -> Conversation[Mapping[str, Json]]:
        """Say that all batches have been sent; ``jobs`` are those of their receipts, in order. May be called again."""
        return handle
        yield

    def settles_later(self, session: Session) -> bool:
        """Whether the platform finishes this session later than it answers, so that a first wait is in place."""
        return self.capabilities.polling is not None

    def settle(self, session: Session, handle: Mapping[str, Json], jobs: Sequence[str]) -> Conversation[Settlement]:
        """Ask once whether the platform has finished. ``jobs`` are those of the receipts that are still open."""
        return Settlement(done=True, handle=handle)
        yield


def audience_finding(spec: AudienceSpec, *, there: bool) -> Finding:
    """What every platform says of the audience in a check."""
    return Finding(f"audience {spec.name!r} is there" if there else f"audience {spec.name!r} will be made by the first run")


def created(call: Call, read: Callable[[Reply], T], find: Callable[[], Conversation[T | None]]) -> Conversation[T]:
    """Create something, once: where nobody knows whether the call acted, look for what it would have made.

    Raises:
        TransientError: it is not there, so it may be created again.
    """
    try:
        reply = yield call
    except OutcomeUnknown as unknown:
        if (found := (yield from find())) is None:
            raise TransientError("the audience could not be created; it will be tried again") from unknown
        return found
    return read(reply)


_MARK = re.compile(r"\[(guestlist:[^\[\]]+)\]")


def mark_in(description: Json) -> str | None:
    """Our reference in a description; None where somebody else wrote it."""
    found = _MARK.search(description) if isinstance(description, str) else None
    return found[1] if found else None


Send = Callable[["pl.DataFrame"], Conversation[Receipt]]


def halving(send: Send, rows: pl.DataFrame, *, most_refusals: int = 64) -> Conversation[Receipt]:
    """Send rows; where the platform refuses the whole without naming a row, send halves, down to the row.

    After ``most_refusals`` refusals the rest is set aside as rejected: a batch that is bad throughout must not cost a
    request a row.
    """
    accepted, refusals = 0, 0
    rejected: dict[int, str] = {}
    request_id: str | None = None
    job: str | None = None
    pending = [(0, rows.height)]
    while pending:
        start, length = pending.pop()
        try:
            receipt = yield from send(rows.slice(start, length))
        except BatchRefused as refusal:
            refusals += 1
            if length == 1 or refusals > most_refusals:
                reason = refusal.code or "refused"
                rejected |= dict.fromkeys(range(start, start + length), reason)
            else:
                half = length // 2
                pending += [(start + half, length - half), (start, half)]
            continue
        accepted += receipt.accepted
        rejected |= {start + index: reason for index, reason in receipt.rejected.items()}
        request_id, job = receipt.request_id, _joined(job, receipt.job)
    return Receipt(accepted, rejected, request_id, job)


def _joined(first: str | None, second: str | None) -> str | None:
    return " ".join(job for job in (first, second) if job) or None
