"""EdgeTag's Audience API: one request hands people to every provider of the customer's own EdgeTag deployment.

It adds and never removes. Contract: https://docs.edgetag.io (Audience API)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import pydantic
from msgspec import Raw
from pydantic import AfterValidator, BaseModel, SecretStr, StringConstraints

from guestlist.destinations._json import around, array_of, object_of, value_of
from guestlist.destinations._reading import table
from guestlist.destinations._statuses import status_error
from guestlist.destinations.base import Destination, Options, Settings
from guestlist.model.audiences import AudienceRef, AudienceSpec, AudienceState, Finding
from guestlist.model.capabilities import Capabilities, Limits, MatchKey
from guestlist.model.conversation import Call, Conversation, Form, Json, Reply, Verdict
from guestlist.model.delivery import Batch, Envelope, Receipt, Session
from guestlist.model.errors import AuthError, ConfigError, GuestlistError, ProtocolError, RejectedError
from guestlist.model.vocabulary import Field, Mode

if TYPE_CHECKING:
    import polars as pl

HELP = "https://docs.edgetag.io"
KEYS = (
    MatchKey(Field.EMAIL, "email.plain.v1", "email", plain=True),
    MatchKey(Field.PHONE, "phone.plain_plus.v1", "phone", plain=True),
    MatchKey(Field.EXTERNAL_ID, "external_id.v1", "edgeTagId", plain=True),
    MatchKey(Field.FIRST_NAME, "text.plain.v1", "firstName", plain=True, identifies=False),
    MatchKey(Field.LAST_NAME, "text.plain.v1", "lastName", plain=True, identifies=False),
    MatchKey(Field.COUNTRY, "country.alpha2.v1", "country", plain=True, identifies=False),
    MatchKey(Field.POSTAL_CODE, "text.plain.v1", "postalCode", plain=True, identifies=False),
)
_WIRE = {key.field: key.wire for key in KEYS}
_PREFIX = "blotout_"
_PROVIDERS = "providers"
"""The code of a request that EdgeTag took and one of its providers did not."""
_TRIES = 3
_PAUSE = 5.0


def _sendable(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not (text.isascii() and text.isprintable() and text.strip()):
        raise ValueError("a header holds printable ASCII characters")
    return value


Header = Annotated[SecretStr, AfterValidator(_sendable)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$")]


class EdgeTagSettings(Settings):
    """The customer's own EdgeTag domain, ``endpoint``; and headers, where something in front of it asks for a credential."""

    endpoint: str = pydantic.Field(pattern=r"^[^?#\s]+$")
    timeout_seconds: float = 600.0
    authorization: Header | None = None
    extra_headers: dict[HeaderName, Header] = pydantic.Field(default_factory=dict)

    def headers(self, token: str) -> Mapping[str, str]:
        """EdgeTag itself asks for nothing."""
        given = {"authorization": self.authorization} if self.authorization else {}
        return {name: value.get_secret_value() for name, value in {**given, **self.extra_headers}.items()}


class EdgeTagOptions(Options):
    """``sync`` waits for the providers and hears of their failures; ``purchase_field`` is what a member's value goes out as."""

    type: Literal["custom", "primary"] = "custom"
    disable_prefix: bool = True
    sync: bool = True
    purchase_field: Literal["profit", "total7Days"] = "profit"
    users_per_batch: int = pydantic.Field(10_000, ge=1, le=10_000)


class EdgeTag(Destination):
    """One POST a batch; what is added twice is there once, as far as the providers keep to that."""

    Settings: ClassVar[type[Settings]] = EdgeTagSettings
    Options: ClassVar[type[BaseModel]] = EdgeTagOptions
    settings: EdgeTagSettings
    options: EdgeTagOptions

    @classmethod
    def capabilities_for(cls, options: EdgeTagOptions) -> Capabilities:
        """Additions only; plain text, because each provider normalises and hashes for itself."""
        return Capabilities(
            platform="edgetag",
            title="EdgeTag",
            modes=(Mode.APPEND,),
            keys=KEYS,
            limits=Limits(rows_per_batch=options.users_per_batch, one_value_per_field=True),
            docs=HELP,
            takes_value=True,
            plain_text=True,
        )

    def ensure(self, spec: AudienceSpec) -> Conversation[AudienceRef]:
        """An audience is its name at the providers; the first batch makes it. There is nothing to ask."""
        shown = spec.name if self.options.disable_prefix else _PREFIX + spec.name
        return AudienceRef(shown, spec.name, self.settings.endpoint)
        yield

    def describe(self, audience: AudienceRef) -> Conversation[AudienceState]:
        """EdgeTag tells nothing of its audiences: sizes stand at the providers."""
        return AudienceState()
        yield

    def check(self, spec: AudienceSpec) -> Conversation[Sequence[Finding]]:
        """A request without a form, which adds nobody: the Audience API refuses it with status 400."""
        try:
            yield Call("http", "POST", "audience")
        except RejectedError as refused:
            answered = refused.code == "HTTP 400"
        else:
            answered = False
        mend = "endpoint must be your EdgeTag domain, with the Audience API at /audience"
        return [
            Finding("the Audience API answers at the connection's endpoint", answered, "" if answered else mend),
            Finding(f"whether providers are set up and have {spec.name!r}, EdgeTag cannot be asked: the first run tells"),
        ]

    def send(self, session: Session, handle: Mapping[str, Json], batch: Batch) -> Conversation[Receipt]:
        """One POST, again twice while a provider fails: those that worked have the people already, and adding is repeatable."""
        call = self._upload(session, batch)
        for left in reversed(range(_TRIES)):
            try:
                reply = yield call
            except RejectedError as refused:
                if refused.code != _PROVIDERS or not left:
                    raise
            else:
                return Receipt(batch.rows.height, request_id=reply.request_id)
        raise AssertionError("the last try has returned or raised")

    def _upload(self, session: Session, batch: Batch) -> Call:
        header = Envelope(session.id, batch.sequence, session.total_batches, session.total_users, session.pull_date)
        parts = {
            "name": session.audience.name,
            "type": self.options.type,
            "batch": json.dumps(header.as_json()),
            "users": bytes(self._users(batch.rows, session)).decode(),
        }
        query = {"disablePrefix": self.options.disable_prefix, "sync": self.options.sync}
        return Call("http", "POST", "audience", Form(parts, multipart=True), query, rows=batch.rows.height)

    def _users(self, rows: pl.DataFrame, session: Session) -> Raw:
        """The keys that each person has; an absent one is left out."""
        import polars as pl

        members = [around(f'"{_WIRE[name]}":', value_of(pl.col(name)), "") for name in session.fields]
        there = [pl.col(name).is_not_null() for name in session.fields]
        if session.currency:
            purchase = {"currency": pl.lit(session.currency), self.options.purchase_field: pl.col("value")}
            members.append(around('"purchase":', object_of(**purchase), ""))
            there.append(pl.col("value").is_not_null())
        present = [pl.when(known).then(member) for known, member in zip(there, members, strict=True)]
        return array_of(rows, around("{", pl.concat_str(present, separator=",", ignore_nulls=True), "}"))

    def judge(self, call: Call, reply: Reply) -> Verdict:
        """By status; with ``sync`` a JSON error on a well-formed request is a provider's."""
        if 200 <= reply.status < 300 and not reply.malformed:
            done = table(reply.body).get("success") is True
            return Verdict(None if done else ProtocolError("EdgeTag's answer does not say `success`", help_url=HELP))
        if self.options.sync and reply.status == 400 and table(reply.body).get("success") is False:
            told = "one or more of EdgeTag's providers failed: look into its tags; the next run sends these people again"
            error = RejectedError(told, code=_PROVIDERS, request_id=reply.request_id, help_url=HELP)
            return Verdict(error, pause=_PAUSE)
        return Verdict(_error(reply) or status_error(reply, "EdgeTag", help_url=HELP))


def _error(reply: Reply) -> GuestlistError | None:
    """What stands between Guestlist and the deployment has causes of its own."""
    facts: dict[str, Any] = {"code": f"HTTP {reply.status}", "request_id": reply.request_id, "help_url": HELP}
    match reply.status:
        case 401 | 403:
            return AuthError("what stands before EdgeTag refuses: see authorization and extra_headers", **facts)
        case 404 | 405:
            return ConfigError("the endpoint has no Audience API: it must be your EdgeTag domain", **facts)
        case 413:
            return RejectedError("the batch is too large for this deployment: lower users_per_batch", **facts)
    return None


DESTINATION = EdgeTag
