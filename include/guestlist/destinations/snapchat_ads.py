"""Snapchat Ads customer lists: segments, and their users added and removed by one kind of identifier a request.

Contract: https://developers.snap.com/api/marketing-api/Ads-API/customer-lists
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

import pydantic
from pydantic import BaseModel, SecretStr

from guestlist.destinations import _snapchat_errors as errors
from guestlist.destinations._reading import count, inside, listed, table, text, whole, word
from guestlist.destinations.base import (
    Destination,
    Options,
    Settings,
    audience_finding,
    created,
    halving,
    mark_in,
)
from guestlist.model.audiences import AudienceRef, AudienceSpec, AudienceState, Finding, Marked
from guestlist.model.capabilities import Capabilities, Limits, MatchKey, Polling, Rate, Sizes
from guestlist.model.conversation import Call, Conversation, Form, Json, Repeat, Reply, Token, Verdict
from guestlist.model.delivery import Batch, Receipt, Session, Settlement
from guestlist.model.errors import AuthError, ConfigError, ProtocolError
from guestlist.model.vocabulary import Field, Mode, Operation

if TYPE_CHECKING:
    import polars as pl

KEYS = (
    MatchKey(Field.EMAIL, "email.lower.v1", "EMAIL_SHA256"),
    MatchKey(Field.PHONE, "phone.snapchat.v1", "PHONE_SHA256"),
    MatchKey(Field.MOBILE_AD_ID, "mobile_ad_id.hashed.v1", "MOBILE_AD_ID_SHA256"),
)
_FOR_EVER = 9999
_LONGEST_NAME = 375
_PAGE = 1000
_SIGN_IN = "https://accounts.snapchat.com/login/oauth2/access_token"
_OAUTH_HELP = "https://developers.snap.com/api/marketing-api/Ads-API/authentication"
_OAUTH_ERRORS = ("invalid_grant", "invalid_client")
_renewed: dict[str, str] = {}
"""Refresh tokens of connections -> those that Snapchat gave in their place, for the rest of the process."""


class SnapchatSettings(Settings):
    """An ad account, an OAuth app, and the refresh token of a user with a role on the account."""

    home: ClassVar[str] = "https://adsapi.snapchat.com/v1"
    ad_account_id: str = pydantic.Field(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr
    token_endpoint: str = _SIGN_IN

    def headers(self, token: str) -> Mapping[str, str]:
        """The access token."""
        return {"authorization": f"Bearer {token}"}

    def sign_in(self) -> Conversation[Token]:
        """A refresh token in, an access token out; a refresh token that comes with it is used from then on."""
        configured = self.refresh_token.get_secret_value()
        form = {
            "grant_type": "refresh_token",
            "refresh_token": _renewed.get(configured, configured),
            "client_id": self.client_id,
            "client_secret": self.client_secret.get_secret_value(),
        }
        reply = yield Call("http", "POST", self.token_endpoint, Form(form), signed=False)
        if reply.status >= 400:
            stated = word(table(reply.body).get("error"))
            code = stated if stated in _OAUTH_ERRORS else f"HTTP {reply.status}"
            message = "Snapchat does not accept the refresh token or the OAuth app: sign in anew"
            raise AuthError(message, code=code, request_id=reply.request_id, help_url=_OAUTH_HELP)
        token = Token(text(reply.body, "access_token"), float(whole(reply.body.get("expires_in"))) or None)
        if renewed := word(reply.body.get("refresh_token")):
            _renewed[configured] = renewed
        return token


class SnapchatOptions(Options):
    """``upload`` chooses what people are known by, ``retention_in_days`` how long each of them stays (9999: for ever).

    With ``upload: all`` each batch goes out once for each kind of identifier. ``rows_per_request`` goes up to 100,000.
    """

    upload: Literal["email", "phone", "mobile_ad_id", "all"] = "email"
    retention_in_days: int = pydantic.Field(_FOR_EVER, ge=1, le=_FOR_EVER)
    rows_per_request: int = pydantic.Field(25_000, ge=1, le=100_000)


class SnapchatAds(Destination):
    """Uploads are taken at once and processed later; nothing but the segment's own state tells that they were."""

    Settings: ClassVar[type[Settings]] = SnapchatSettings
    Options: ClassVar[type[BaseModel]] = SnapchatOptions
    settings: SnapchatSettings
    options: SnapchatOptions

    @classmethod
    def capabilities_for(cls, options: SnapchatOptions) -> Capabilities:
        """One kind of identifier a request, one identifier a row."""
        days = options.retention_in_days
        return Capabilities(
            platform="snapchat_ads",
            title="Snapchat Ads",
            modes=(Mode.MIRROR, Mode.APPEND, Mode.REMOVE),
            keys=tuple(key for key in KEYS if options.upload in (key.field, "all")),
            limits=Limits(
                rows_per_batch=options.rows_per_request,
                one_value_per_field=True,
                rates=(Rate(10, 1),),
                minimum_members=1000,
                membership_days=None if days == _FOR_EVER else days,
            ),
            docs="https://developers.snap.com/api/marketing-api/Ads-API/customer-lists",
            polling=Polling(first=120.0, factor=2.0, longest=3600.0, give_up=48 * 3600.0),
            may_reorder=True,
            sizes=Sizes(lag_hours=48),
        )

    def ensure(self, spec: AudienceSpec) -> Conversation[AudienceRef]:
        """By our reference in the description, else by name, else create it."""
        if len(spec.name) > _LONGEST_NAME:
            raise ConfigError(f"Snapchat takes names of up to {_LONGEST_NAME} characters: shorten `audience`")
        if (found := (yield from self._find(spec))) is None:
            create = self._call("POST", self._segments, self._create(spec), repeat=Repeat.LOOKUP)
            found = yield from created(create, lambda reply: text(_segment(reply), "id"), lambda: self._find(spec))
        url = f"https://ads.snapchat.com/{self.settings.ad_account_id}/audiences"
        return AudienceRef(id=found, name=spec.name, url=url)

    def _find(self, spec: AudienceSpec) -> Conversation[str | None]:
        there = yield from self._all_segments()
        referred = (one for one in there if mark_in(one.get("description")) == spec.reference)
        named = (one for one in there if one.get("name") == spec.name and one.get("source_type") == "FIRST_PARTY")
        found = next(referred, None) or next(named, None)
        return text(found, "id") if found else None

    def marked(self) -> Conversation[Sequence[Marked]]:
        """By our reference in the description."""
        there = yield from self._all_segments()
        marks = ((one, mark_in(one.get("description"))) for one in there)
        return [Marked(text(one, "id"), word(one.get("name")), mark) for one, mark in marks if mark]

    def _all_segments(self) -> Conversation[list[dict[str, Json]]]:
        found: list[dict[str, Json]] = []
        path, query = self._segments, {"limit": _PAGE}
        while True:
            reply = yield Call("http", "GET", path, query=query)
            found += (inside(item, "segment") for item in listed(reply.body, "segments", required=True))
            paging = inside(reply.body, "paging")
            if not paging.get("next_link"):
                return found
            path, query = self._own(text(paging, "next_link")), {}

    def _own(self, link: str) -> str:
        """A link that Snapchat gave, which takes the access token with it: only ever to Snapchat's own address."""
        if not any(link.startswith(f"{home}/") for home in (self.settings.endpoint, self.settings.home) if home):
            raise ProtocolError("the platform's answer leads to an address that is not its own")
        return link

    def _create(self, spec: AudienceSpec) -> Json:
        segment = {
            "ad_account_id": self.settings.ad_account_id,
            "name": spec.name,
            "description": f"{spec.description} [{spec.reference}]".strip(),
            "source_type": "FIRST_PARTY",
            "retention_in_days": self.options.retention_in_days,
        }
        return {"segments": [segment]}

    def check(self, spec: AudienceSpec) -> Conversation[Sequence[Finding]]:
        """The credential, the ad account, and the segment; terms are not told by the API."""
        found = yield from self._find(spec)
        return (Finding("the ad account's segments can be read"), audience_finding(spec, there=found is not None))

    def describe(self, audience: AudienceRef) -> Conversation[AudienceState]:
        """About how many users Snapchat matched, and the three states of a segment."""
        try:
            segment = _segment((yield self._call("GET", f"segments/{audience.id}")))
        except ConfigError:
            return AudienceState(there=False)
        users = count(segment, "approximate_number_users")
        states = [word(segment.get(name)) for name in ("status", "upload_status", "targetable_status")]
        dead = states[0].upper() not in ("", "PENDING", "ACTIVE")
        return AudienceState(
            bounds=(users, users) if "approximate_number_users" in segment else None,
            status=", ".join(filter(None, states)) or None,
            trouble="Snapchat does not keep the segment active any more: look at its page" if dead else None,
        )

    def send(self, session: Session, handle: Mapping[str, Json], batch: Batch) -> Conversation[Receipt]:
        """One request for each kind of identifier; a row is accepted when all that it holds was."""
        rejected: dict[int, str] = {}
        request_id: str | None = None
        numbered = batch.rows.with_row_index("row")
        for key in self.capabilities.keys:
            rows = numbered.select("row", key.field.value).drop_nulls() if key.field in session.fields else numbered.clear()
            if rows.is_empty():
                continue
            receipt = yield from halving(partial(self._send, session, key), rows)
            rejected |= {rows.item(index, "row"): reason for index, reason in receipt.rejected.items()}
            request_id = receipt.request_id or request_id
        return Receipt(batch.rows.height - len(rejected), rejected, request_id)

    def _send(self, session: Session, key: MatchKey, rows: pl.DataFrame) -> Conversation[Receipt]:
        identifiers = rows.get_column(key.field.value).unique(maintain_order=True).to_list()
        users = {"id": session.audience.id, "schema": [key.wire], "data": [[value] for value in identifiers]}
        method = "DELETE" if session.operation is Operation.REMOVE else "POST"
        call = self._call(method, f"segments/{session.audience.id}/users", {"users": [users]}, rows=rows.height)
        reply = yield call
        taken = listed(reply.body, "users", required=True)
        if not taken or not all(errors.succeeded(element.get("sub_request_status")) for element in taken):
            raise ProtocolError("the platform's answer does not say what became of the users")
        return Receipt(rows.height, request_id=reply.request_id)

    def settle(self, session: Session, handle: Mapping[str, Json], jobs: Sequence[str]) -> Conversation[Settlement]:
        """Done when the upload is complete and it is known whether the segment can be targeted; too small is no failure."""
        segment = _segment((yield self._call("GET", f"segments/{session.audience.id}")))
        upload = word(segment.get("upload_status")).upper()
        targetable = word(segment.get("targetable_status")).upper()
        never_filled = session.operation is Operation.REMOVE and upload == "NO_UPLOAD"
        processed = upload == "COMPLETE" and targetable in ("READY", "TOO_FEW_USERS")
        return Settlement(done=processed or never_filled, handle=handle)

    def judge(self, call: Call, reply: Reply) -> Verdict:
        """By status and sub-request status; see `_snapchat_errors`."""
        return errors.verdict(call, reply)

    @property
    def _segments(self) -> str:
        return f"adaccounts/{self.settings.ad_account_id}/segments"

    def _call(self, method: str, path: str, body: Json = None, *, repeat: Repeat = Repeat.SAFE, rows: int = 0) -> Call:
        return Call("http", method, path, body, repeat=repeat, rows=rows)


def _segment(reply: Reply) -> dict[str, Json]:
    """The only segment of an answer."""
    found = listed(reply.body, "segments", required=True)
    if len(found) != 1:
        raise ProtocolError("the platform's answer has not the one segment that it is about")
    return inside(found[0], "segment")


DESTINATION = SnapchatAds
