"""PitchTarget's Audience API: a text file of one kind of user makes a Facebook audience, or adds to it.

No page of its host has answered for years; the contract is that of 2014:
https://github.com/pitchtarget/pitchtarget.github.io
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from guestlist.destinations._files import build_name, built
from guestlist.destinations._pitchtarget import HELP, PitchTargetOptions, PitchTargetSettings
from guestlist.destinations._reading import each, inside, listed, sound, table, text
from guestlist.destinations._statuses import status_error
from guestlist.destinations.base import Destination, Settings, audience_finding, created
from guestlist.model.audiences import AudienceRef, AudienceSpec, AudienceState, Finding, Marked
from guestlist.model.capabilities import Capabilities, Limits, MatchKey, Polling
from guestlist.model.conversation import Call, Content, Conversation, Form, Json, Repeat, Reply, Upload, Verdict
from guestlist.model.delivery import Batch, JobOutcome, Receipt, Session, Settlement
from guestlist.model.errors import ConfigError, RejectedError
from guestlist.model.vocabulary import Field, Mode, Operation

KEYS: Mapping[str, MatchKey] = {
    key.wire: key
    for key in (
        MatchKey(Field.EMAIL, "email.lower.v1", "email_hash"),
        MatchKey(Field.PHONE, "phone.e164_digits.v1", "phone_hash"),
        MatchKey(Field.EXTERNAL_ID, "external_id.v1", "custom_audience_third_party_id", plain=True),
        MatchKey(Field.MOBILE_AD_ID, "mobile_ad_id.lower.v1", "mobile_advertiser_id", plain=True),
    )
}
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PAGE = 10
_GONE = "HTTP 404"


class PitchTarget(Destination):
    """An audience cannot be made without a file, and nobody leaves it: a snapshot builds a new one and deletes the old one."""

    Settings: ClassVar[type[Settings]] = PitchTargetSettings
    Options: ClassVar[type[BaseModel]] = PitchTargetOptions
    settings: PitchTargetSettings
    options: PitchTargetOptions

    @classmethod
    def capabilities_for(cls, options: PitchTargetOptions) -> Capabilities:
        """One key, that of the user type; a whole file a request."""
        return Capabilities(
            platform="pitchtarget",
            title="PitchTarget",
            modes=(Mode.SNAPSHOT, Mode.APPEND),
            keys=(KEYS[options.user_type],),
            limits=Limits(rows_per_batch=10_000_000, one_batch=True, one_value_per_field=True, minimum_members=100),
            docs=HELP,
            polling=Polling(first=30.0, factor=2.0, longest=900.0, give_up=24 * 3600.0),
        )

    def ensure(self, spec: AudienceSpec) -> Conversation[AudienceRef]:
        """The one that is known, if it is still there; to append to, else the one of that name. Nothing is made here."""
        found = yield from self._find(spec)
        if spec.mode is Mode.APPEND and found is not None and found.get("user_type") != self.options.user_type:
            raise ConfigError(
                f"the audience {spec.name!r} holds another user_type than {self.options.user_type}, and would take nobody:"
                " choose another audience, or its user_type",
                help_url=HELP,
            )
        return self._reference(text(found, "id") if found else "", spec.name)

    def _find(self, spec: AudienceSpec) -> Conversation[dict[str, Json] | None]:
        if spec.mode is Mode.SNAPSHOT and not (spec.known and spec.known.id):
            return None
        there = yield from self._audiences()
        if spec.known and (known := there.get(spec.known.id)):
            return known
        return _named(there, spec.name) if spec.mode is Mode.APPEND else None

    def _reference(self, number: str, name: str) -> AudienceRef:
        address = f"https://business.facebook.com/adsmanager/audiences?act={self.settings.fb_ad_account_id}"
        return AudienceRef(number, name, address)

    def _audiences(self) -> Conversation[dict[str, dict[str, Json]]]:
        """Every audience of the account by its id, the oldest first; pages end with one that is not full."""
        found: dict[str, dict[str, Json]] = {}
        page = 1
        while True:
            query = {"fb_ad_account_id": self.settings.fb_ad_account_id, "page": page}
            reply = yield Call("http", "GET", "custom_audiences", query=query)
            sound(reply.body, {"meta": dict})
            items = {text(item, "id"): item for item in listed(reply.body, "custom_audiences", required=True)}
            if len(items) < _PAGE or items.keys() <= found.keys():
                return found | items
            found |= items
            page += 1

    def marked(self) -> Conversation[Sequence[Marked]]:
        """What sessions have built and nobody has deleted."""
        return built([*(yield from self._audiences()).values()])

    def describe(self, audience: AudienceRef) -> Conversation[AudienceState]:
        """Whether Facebook has it; PitchTarget tells no sizes."""
        there = yield from self._audiences()
        if audience.id not in there:
            return AudienceState(there=False)
        return AudienceState(status="at Facebook" if _made(there[audience.id]) else "not yet at Facebook")

    def check(self, spec: AudienceSpec) -> Conversation[Sequence[Finding]]:
        """The credential, the ad account, the audience. Facebook's terms show with the first file only."""
        reply = yield Call("http", "GET", "fb_ad_accounts")
        accounts = reply.body if isinstance(reply.body, list) else table(reply.body).get("fb_ad_accounts")
        mine = any(str(account.get("fb_id")) == self.settings.fb_ad_account_id for account in each(accounts))
        account = f"ad account {self.settings.fb_ad_account_id} is among PitchTarget's"
        found = yield from self._find(spec)
        return [
            Finding("PitchTarget accepts the credential"),
            Finding(account, mine, "" if mine else "connect the ad account in PitchTarget, or mend fb_ad_account_id"),
            Finding("whether Facebook's Custom Audience terms are accepted, the first file tells"),
            audience_finding(spec, there=found is not None),
        ]

    def send(self, session: Session, handle: Mapping[str, Json], batch: Batch) -> Conversation[Receipt]:
        """One file: added to the audience, or making it. Lines of another kind, which would match nobody, are set aside."""
        [name] = session.fields
        lines = batch.rows.get_column(name.value).to_list()
        rejected = dict(self._unfit(lines))
        users = [line for index, line in enumerate(lines) if index not in rejected]
        if not users:
            return Receipt(0, rejected)
        content = Content("".join(f"{user}\n" for user in users).encode(), "text/plain")
        form = {"fb_ad_account_id": self.settings.fb_ad_account_id, "user_type": self.options.user_type}
        files = {"file": Upload("users.txt", content)}
        if session.operation is Operation.ADD and session.audience.id:
            path = yield from self._path(session.audience.id)
            reply = yield Call("http", "PUT", path, Form(form, files), rows=len(users))
            made = _made(inside(reply.body, "fb_custom_audience"))
            return Receipt(len(users), rejected, reply.request_id, job=None if made else session.audience.id)
        optional = {"opt_out_link": self.options.opt_out_link, "subtype": self.settings.subtype}
        form |= {
            "name": build_name(session) if session.operation is Operation.REPLACE else session.audience.name,
            **{key: value for key, value in optional.items() if value is not None},
        }
        number = yield from self._create(form["name"], Form(form, files), len(users))
        return Receipt(len(users), rejected, job=number)

    def _unfit(self, lines: Sequence[str | None]) -> Iterator[tuple[int, str]]:
        for index, line in enumerate(lines):
            value = line or ""
            if self.options.user_type.endswith("_hash") and not _SHA256.fullmatch(value):
                yield index, "not_sha256"
            elif self.options.user_type == "mobile_advertiser_id" and _SHA256.fullmatch(value.lower()):
                yield index, "is_hashed"
            elif len(value.splitlines()) != 1:
                yield index, "not_one_line"

    def _create(self, name: str, form: Form, rows: int) -> Conversation[str]:
        """The new audience's id; that of an attempt that died, where it came through."""
        if (there := (yield from self._numbered(name))) is not None:
            return there
        create = Call("http", "POST", "custom_audiences", form, repeat=Repeat.LOOKUP, rows=rows)
        return (yield from created(create, _number_of, lambda: self._numbered(name)))

    def _numbered(self, name: str) -> Conversation[str | None]:
        found = _named((yield from self._audiences()), name)
        return text(found, "id") if found else None

    def settles_later(self, session: Session) -> bool:
        """Facebook makes a new audience later; what is added to one that is there is there."""
        return session.operation is Operation.REPLACE or not session.audience.id

    def settle(self, session: Session, handle: Mapping[str, Json], jobs: Sequence[str]) -> Conversation[Settlement]:
        """A new audience is done when it has Facebook's id; then the one before is deleted."""
        if not jobs:
            return Settlement(done=True)
        there = yield from self._audiences()
        [number] = jobs
        if number not in there:
            return Settlement(done=True, jobs={"": JobOutcome(failed=True)})
        if not _made(there[number]):
            return Settlement(done=False)
        old = session.audience.id
        if old != number and old in there:
            yield from self._delete(there[old])
        return Settlement(done=True, audience=self._reference(number, session.audience.name))

    def _delete(self, item: Mapping[str, Json]) -> Conversation[None]:
        try:
            yield Call("http", "DELETE", f"custom_audiences/{text(item, self.settings.id_in_path)}")
        except RejectedError as refused:
            if refused.code != _GONE:
                raise

    def _path(self, number: str) -> Conversation[str]:
        if self.settings.id_in_path == "id":
            return f"custom_audiences/{number}"
        there = yield from self._audiences()
        return f"custom_audiences/{text(there.get(number), 'fb_id')}"

    def judge(self, call: Call, reply: Reply) -> Verdict:
        """By status; a token that is not accepted is asked for anew, once."""
        error = status_error(reply, "PitchTarget", help_url=HELP)
        if isinstance(error, RejectedError) and reply.status != 404:
            told = "PitchTarget refuses the request: are Facebook's Custom Audience terms accepted for the ad account?"
            error = RejectedError(told, code=error.code, request_id=error.request_id, help_url=HELP)
        return Verdict(error, refresh=reply.status == 401 and self.settings.access_token is None)


def _named(there: Mapping[str, Mapping[str, Json]], name: str) -> Any:
    return next((item for item in there.values() if item.get("name") == name), None)


def _number_of(reply: Reply) -> str:
    return text(inside(reply.body, "fb_custom_audience"), "id")


def _made(item: Mapping[str, Json]) -> bool:
    return item.get("fb_id") is not None and bool(text(item, "fb_id"))


DESTINATION = PitchTarget
