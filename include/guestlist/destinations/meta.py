"""Meta customer-file Custom Audiences: create, users add and remove, usersreplace with its session.

Contract: https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import pydantic
from pydantic import AfterValidator, BaseModel, BeforeValidator, SecretStr

from guestlist.destinations import _meta_errors as errors
from guestlist.destinations._meta_rows import KEYS, PROFILE, invalid_rows, rows_of, schema_of
from guestlist.destinations._meta_state import BROKEN, FIELDS, SIZES, state_of
from guestlist.destinations._reading import count, inside, listed, text, word
from guestlist.destinations.base import Destination, Options, Settings, audience_finding, created, halving, mark_in
from guestlist.model.audiences import AudienceRef, AudienceSpec, AudienceState, Finding, Marked
from guestlist.model.capabilities import Capabilities, Limits, Polling
from guestlist.model.conversation import Call, Conversation, Json, Repeat, Reply, Verdict
from guestlist.model.delivery import Batch, JobOutcome, Receipt, Session, Settlement
from guestlist.model.errors import ConfigError, OutcomeUnknown, RejectedError, TransientError
from guestlist.model.vocabulary import Mode, Operation

if TYPE_CHECKING:
    import polars as pl

_PAGE = 200
_LARGEST_ID = 2**63 - 1
_SPREAD = 0x9E3779B97F4A7C15
"""2**64 over the golden ratio: its multiples lie far apart from each other."""
_USABLE_ACCOUNT = (1, 8, 9)
"""Active, or with a payment that is due: audiences can still be kept."""


def _account_id(value: str) -> str:
    digits = value.removeprefix("act_")
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("an ad account id is a number, with or without act_ before it")
    return digits


class MetaSettings(Settings):
    """An ad account and a system user's token for it. ``app_secret`` signs every call; ``ca_file`` vouches for ``endpoint``."""

    ad_account_id: Annotated[str, BeforeValidator(str), AfterValidator(_account_id)]
    access_token: SecretStr
    app_id: str | None = None
    app_secret: SecretStr | None = None
    api_version: str = pydantic.Field("v26.0", pattern=r"^v\d+\.\d+$")


class MetaOptions(Options):
    """``customer_file_source`` is descriptive; ``retention_days`` lets Meta forget people who are not renewed."""

    customer_file_source: Literal["USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED"] = (
        "USER_PROVIDED_ONLY"
    )
    retention_days: int | None = pydantic.Field(None, ge=1, le=180)


class Meta(Destination):
    """Uploads act at once and are counted by session; only a replace settles later."""

    Settings: ClassVar[type[Settings]] = MetaSettings
    Options: ClassVar[type[BaseModel]] = MetaOptions
    settings: MetaSettings
    options: MetaOptions

    @classmethod
    def capabilities_for(cls, options: MetaOptions) -> Capabilities:
        """Ten thousand rows a request, one value a field."""
        return Capabilities(
            platform="meta",
            title="Meta",
            modes=(Mode.MIRROR, Mode.APPEND, Mode.REMOVE, Mode.REPLACE),
            keys=KEYS,
            composites=(PROFILE,),
            limits=Limits(
                rows_per_batch=10_000,
                one_value_per_field=True,
                minimum_members=100,
                membership_days=options.retention_days,
            ),
            docs="https://developers.facebook.com/docs/marketing-api/reference/custom-audience/users",
            polling=Polling(first=10.0, factor=2.0, longest=900.0, give_up=24 * 3600.0),
            takes_value=True,
            sizes=SIZES,
        )

    def ensure(self, spec: AudienceSpec) -> Conversation[AudienceRef]:
        """By our reference in the description, else by name, else create it."""
        if (found := (yield from self._find(spec))) is None:
            create = self._call("POST", self._account("customaudiences"), self._create(spec), repeat=Repeat.LOOKUP)
            found = yield from created(create, lambda reply: text(reply.body, "id"), lambda: self._find(spec))
        account = self.settings.ad_account_id
        url = f"https://business.facebook.com/adsmanager/audiences?act={account}&selected_audience_ids={found}"
        return AudienceRef(id=found, name=spec.name, url=url)

    def check(self, spec: AudienceSpec) -> Conversation[Sequence[Finding]]:
        """The ad account, its terms, and the audience."""
        reply = yield self._call("GET", f"act_{self.settings.ad_account_id}", {"fields": "account_status,tos_accepted"})
        accepted = inside(reply.body, "tos_accepted")
        terms = ["custom_audience_tos"] + ["value_based_custom_audience_tos"] * spec.value_based
        page = f"https://business.facebook.com/ads/manage/customaudiences/tos/?act={self.settings.ad_account_id}"
        findings = [
            Finding(f"terms {name} are {'' if accepted.get(name) else 'not '}accepted", bool(accepted.get(name)), page)
            for name in terms
        ]
        active = count(reply.body, "account_status") in _USABLE_ACCOUNT
        findings.append(
            Finding(f"the ad account is {'' if active else 'not '}active", active, "look into its page in Meta Business")
        )
        found = yield from self._find(spec)
        return (*findings, audience_finding(spec, there=found is not None))

    def _find(self, spec: AudienceSpec) -> Conversation[str | None]:
        there = yield from self._audiences()
        referred = (item for item in there if spec.reference in str(item.get("description", "")))
        named = (item for item in there if item.get("name") == spec.name)
        found = next(referred, None) or next(named, None)
        return text(found, "id") if found else None

    def marked(self) -> Conversation[Sequence[Marked]]:
        """By our reference in the description."""
        there = yield from self._audiences()
        marks = ((item, mark_in(item.get("description"))) for item in there)
        return [Marked(text(item, "id"), word(item.get("name")), mark) for item, mark in marks if mark]

    def _audiences(self) -> Conversation[list[dict[str, Json]]]:
        """All of the account, with name and description."""
        found: list[dict[str, Json]] = []
        after = ""
        while True:
            query = {"fields": "id,name,description", "limit": _PAGE} | ({"after": after} if after else {})
            reply = yield self._call("GET", self._account("customaudiences"), query)
            found += listed(reply.body, "data", required=True)
            paging = inside(reply.body, "paging")
            after = text(inside(paging, "cursors"), "after") if paging.get("next") else ""
            if not after:
                return found

    def _create(self, spec: AudienceSpec) -> Json:
        return {
            "name": spec.name,
            "description": f"{spec.description} [{spec.reference}]".strip(),
            "subtype": "CUSTOM",
            "customer_file_source": self.options.customer_file_source,
            **({"is_value_based": True} if spec.value_based else {}),
            **({"retention_days": self.options.retention_days} if self.options.retention_days else {}),
        }

    def describe(self, audience: AudienceRef) -> Conversation[AudienceState]:
        """Bounds of the size, and what is wrong."""
        try:
            reply = yield self._call("GET", audience.id, {"fields": FIELDS})
        except ConfigError as error:
            if error.code != errors.NOT_THERE:
                raise
            return AudienceState(there=False)
        return state_of(reply.body)

    def open(self, session: Session) -> Conversation[Mapping[str, Json]]:
        """A replace must find the audience at rest; adds and removes start with their first batch."""
        if session.operation is Operation.REPLACE:
            yield from self._at_rest(session.audience, failing={470, 471, 500, 414})
        return {}

    def _at_rest(self, audience: AudienceRef, failing: set[int]) -> Conversation[int]:
        reply = yield self._call("GET", audience.id, {"fields": "operation_status"})
        code = count(inside(reply.body, "operation_status"), "code")
        if code == 414 and code in failing:
            raise TransientError(BROKEN[code], code=str(code), retry_after=60.0)
        if code in failing:
            raise RejectedError(BROKEN[code], code=str(code), help_url=errors.HELP)
        return code

    def send(self, session: Session, handle: Mapping[str, Json], batch: Batch) -> Conversation[Receipt]:
        """One request; rows that Meta shows as invalid are set aside."""
        try:
            if session.operation is Operation.REPLACE:  # a replace is one session: its batches cannot be cut again
                return (yield from self._send(session, batch.sequence, batch.rows))
            return (yield from halving(lambda rows: self._send(session, batch.sequence, rows), batch.rows))
        except RejectedError as error:
            if error.code not in errors.SESSION_OVER:
                raise
        return (yield from self._send_late(session, batch))

    def _send_late(self, session: Session, batch: Batch) -> Conversation[Receipt]:
        """Send what comes after a session's 90 minutes in one of its own; after a replace, once it is at rest, as an addition.

        https://developers.facebook.com/docs/marketing-api/reference/custom-audience/usersreplace
        """
        operation = session.operation
        if operation is Operation.REPLACE:
            yield from self._at_rest(session.audience, failing={470, 471, 500, 414})
            operation = Operation.ADD
        late = replace(session, id=_late_id(session.id, batch.sequence), operation=operation, total_batches=1)
        late = replace(late, total_users=batch.rows.height)
        if (seen := (yield from self._seen(late))) and count(seen, "num_received") >= batch.rows.height:
            return Receipt(batch.rows.height, job=str(late.id))  # an attempt that died had sent it
        receipt = yield from halving(lambda rows: self._send(late, 1, rows), batch.rows)
        return replace(receipt, job=str(late.id))

    def _send(self, session: Session, sequence: int, rows: pl.DataFrame) -> Conversation[Receipt]:
        data = rows_of(rows, session)
        edge = "usersreplace" if session.operation is Operation.REPLACE else "users"
        body = {
            "payload": {"schema": schema_of(session), "is_raw": True, "data": data},
            "session": {
                "session_id": session.id,
                "batch_seq": sequence,
                "last_batch_flag": sequence == session.total_batches,
                "estimated_num_total": session.total_users,
            },
        }
        if session.operation is Operation.REMOVE:
            body["method"] = "DELETE"  # as a form field: the payload does not fit into an address
        path = f"{session.audience.id}/{edge}"
        reply: Reply | None
        if session.operation is Operation.REPLACE and sequence == 1:
            reply = yield from self._begin_replace(session, path, body, rows.height)
        else:
            reply = yield self._call("POST", path, body, rows=rows.height)
        if reply is None:
            return Receipt(rows.height)
        rejected = dict.fromkeys(invalid_rows(reply.body, data), "invalid_entry")
        return Receipt(rows.height - len(rejected), rejected, reply.request_id)

    def _begin_replace(self, session: Session, path: str, body: Json, rows: int) -> Conversation[Reply | None]:
        """The first batch begins a replace, and begins it anew when it comes again: None if Meta has it already."""
        if (yield from self._seen(session)) is not None:
            return None  # an attempt that died had sent it
        try:
            return (yield self._call("POST", path, body, repeat=Repeat.LOOKUP, rows=rows))
        except OutcomeUnknown as unknown:
            if (yield from self._seen(session)) is None:
                raise TransientError("the replace could not be begun; it will be tried again") from unknown
            return None

    def settle(self, session: Session, handle: Mapping[str, Json], jobs: Sequence[str]) -> Conversation[Settlement]:
        """Compare what Meta says it received in this session with what was sent; a replace also has to come to rest."""
        code = yield from self._at_rest(session.audience, failing={470, 471, 500})
        if session.operation is Operation.REPLACE and code == 414:
            return Settlement(done=False, handle=handle)
        if session.operation is Operation.REPLACE and code == 415:
            return Settlement(done=True, handle=handle, jobs={"": JobOutcome(failed=True)})
        received = invalid = 0
        for number in (session.id, *map(int, jobs)):  # its own session, and those of batches that came late
            seen = (yield from self._seen(replace(session, id=number))) or {}
            received += count(seen, "num_received")
            invalid += count(seen, "num_invalid_entries")
        if received < session.total_users:
            return Settlement(done=False, handle=handle)
        invalid = max(invalid - session.refused, 0)
        outcome = JobOutcome(rejected={"invalid_entry": invalid} if invalid else {})
        return Settlement(done=True, handle=handle, jobs={"": outcome})

    def _seen(self, session: Session) -> Conversation[dict[str, Json] | None]:
        """What Meta has received in this session; None while it does not know of it."""
        reply = yield self._call("GET", f"{session.audience.id}/sessions", {"session_id": session.id})
        found = listed(reply.body, "data", required=True)
        return next((item for item in found if str(item.get("session_id")) == str(session.id)), None)

    def judge(self, call: Call, reply: Reply) -> Verdict:
        """By code and subcode; see `_meta_errors`."""
        return errors.verdict(reply)

    def _account(self, edge: str) -> str:
        return f"act_{self.settings.ad_account_id}/{edge}"

    def _call(self, method: str, path: str, body: Json, *, repeat: Repeat = Repeat.SAFE, rows: int = 0) -> Call:
        return Call("meta", method, path, body, repeat=repeat, rows=rows)


def _late_id(session: int, sequence: int) -> int:
    """The id of a late batch's own session: the same for the same batch, so that it is found again; positive, 64 bits."""
    return (session + sequence * _SPREAD) % _LARGEST_ID + 1


DESTINATION = Meta
