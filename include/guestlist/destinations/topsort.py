"""Topsort offsite audiences: a job for each file of hashes, put to a signed address, then synced to the wanted ad platforms.

It builds audiences and cannot change or delete them. Contract: https://docs.topsort.com (Create Offsite Audiences Job)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import pydantic
from pydantic import BaseModel, BeforeValidator, SecretStr

from guestlist.destinations import _files as files
from guestlist.destinations._reading import each, listed, sound, table, text, whole
from guestlist.destinations._statuses import status_error
from guestlist.destinations.base import Destination, Options, Settings, audience_finding
from guestlist.model.audiences import AudienceRef, AudienceSpec, AudienceState, Finding, Marked
from guestlist.model.capabilities import Capabilities, Limits, MatchKey, Polling, Sizes
from guestlist.model.conversation import Call, Conversation, Json, Repeat, Reply, Verdict
from guestlist.model.delivery import Batch, Receipt, Session, Settlement
from guestlist.model.errors import OutcomeUnknown, RejectedError
from guestlist.model.vocabulary import Field, Mode

HELP = "https://docs.topsort.com"
_JOBS = "public/v1/offsite-ads/audiences/user-list"
_AUDIENCES = "public/v1/offsite-ads/audiences"
_PAGE = "https://app.topsort.com"
_LONGEST_NAME = 64
_DESCRIPTION = "Kept by Guestlist; a newer build of the same name takes its place"
_WIRE = {
    Field.EMAIL: "hashed_email",
    Field.PHONE: "hashed_phone",
    Field.FIRST_NAME: "hashed_first_name",
    Field.LAST_NAME: "hashed_last_name",
    Field.MOBILE_AD_ID: "hashed_mobile_device_id",
}
_WORDS = frozenset({"body", "query", "name", "description", "dsp", "vendor_id", "next_page"})
"""Words of a refusal that are Topsort's own and never a value of ours."""

Dsp = Literal["google_ads", "meta", "tiktok_ads", "snapchat_ads"]


def _as_list(value: Json) -> Json:
    return [value] if isinstance(value, str) else value


class TopsortSettings(Settings):
    """An API key of the kind that Topsort calls TSC; its TSE keys are for auctions and events."""

    home: ClassVar[str] = "https://api.topsort.com"
    api_key: SecretStr

    def headers(self, token: str) -> Mapping[str, str]:
        """The key goes with every call but the upload."""
        return {"authorization": f"Bearer {self.api_key.get_secret_value()}"}


class TopsortOptions(Options):
    """``dsp`` are the ad platforms to sync to; ``vendor_id`` keeps the audience to one vendor of the marketplace."""

    dsp: Annotated[tuple[Dsp, ...], BeforeValidator(_as_list)] = pydantic.Field(min_length=1)
    vendor_id: str | None = pydantic.Field(None, min_length=1)
    phone_format: Literal["e164_plus", "e164_digits"] = "e164_plus"


class Topsort(Destination):
    """Each upload is a new audience; the one before stays at Topsort."""

    Settings: ClassVar[type[Settings]] = TopsortSettings
    Options: ClassVar[type[BaseModel]] = TopsortOptions
    settings: TopsortSettings
    options: TopsortOptions

    @classmethod
    def capabilities_for(cls, options: TopsortOptions) -> Capabilities:
        """One file a build; as many rows as surely fit into the 5 GB that its storage takes at once."""
        return Capabilities(
            platform="topsort",
            title="Topsort",
            modes=(Mode.SNAPSHOT,),
            keys=_keys(options),
            limits=Limits(rows_per_batch=15_000_000, one_batch=True, one_value_per_field=True, minimum_members=1000),
            docs=HELP,
            polling=Polling(first=60.0, longest=1800.0, give_up=24 * 3600.0),
            sizes=Sizes(shown_from=1, lag_hours=48),
            keeps_former=True,
        )

    def ensure(self, spec: AudienceSpec) -> Conversation[AudienceRef]:
        """The one that the last run built, if it is still there; the next build makes a new one in any case."""
        known = spec.known.id if spec.known else ""
        found = (yield from self._find("id", known)) if known else None
        return AudienceRef(known if found else "", spec.name, _PAGE)

    def describe(self, audience: AudienceRef) -> Conversation[AudienceState]:
        """Topsort's estimate of the size, and the ad platforms that have the audience."""
        found = (yield from self._find("id", audience.id)) if audience.id else None
        if found is None:
            return AudienceState(there=False)
        bounds, guess = table(found.get("estimatedSizeRange")), whole(found.get("estimatedSize"))
        low, high = whole(bounds.get("lowerBound")), whole(bounds.get("upperBound"))
        missing = ", ".join(sorted(set(self.options.dsp) - _synced(found)))
        return AudienceState(
            bounds=(low, high) if high else (guess, guess) if guess else None,
            status=f"synced to {', '.join(sorted(_synced(found))) or 'no ad platform yet'}",
            trouble=f"{missing} does not have it (any more): look at its link in Topsort" if missing else None,
        )

    def check(self, spec: AudienceSpec) -> Conversation[Sequence[Finding]]:
        """The key reads the audiences; whether it may build one, and which ad platforms are linked, cannot be asked."""
        found = yield from self._find("id", spec.known.id if spec.known else "")
        wanted = ", ".join(self.options.dsp or ["ad platforms"])  # none are known where a connection is checked by itself
        return [
            Finding("the API key reads the offsite audiences"),
            Finding(f"whether {wanted} are linked in Topsort, it cannot be asked: the first run tells"),
            audience_finding(spec, there=found is not None),
        ]

    def send(self, session: Session, handle: Mapping[str, Json], batch: Batch) -> Conversation[Receipt]:
        """A job and its file; a second job where the address expired before the file was through."""
        name = files.build_name(session, _LONGEST_NAME)
        if (yield from self._find("name", name)) is not None:
            return Receipt(batch.rows.height)  # an attempt that died had sent it
        filled = [field for field in session.fields if batch.rows[field.value].null_count() < batch.rows.height]
        data = files.csv_of(batch.rows, {field.value: _WIRE[field] for field in filled})
        for last_try in (False, True):
            created = yield from self._job(name)
            job, address = text(created.body, "jobId"), files.signed_address(created.body, "url", self.settings)
            try:
                yield files.put(address, data, {}, rows=batch.rows.height)
            except RejectedError as refused:
                if refused.code != files.EXPIRED or last_try:
                    raise
            else:
                return Receipt(batch.rows.height, request_id=created.request_id, job=job)
        raise AssertionError("the last try has returned or raised")

    def _job(self, name: str) -> Conversation[Reply]:
        """Begin a job. One to which no file is put builds nothing, so a lost answer may be asked for again: once."""
        body = {"name": name, "description": _DESCRIPTION, "dsp": list(dict.fromkeys(self.options.dsp))}
        call = Call("http", "POST", _JOBS, body, self._vendor(), repeat=Repeat.LOOKUP)
        try:
            return (yield call)
        except OutcomeUnknown:
            return (yield call)

    def settle(self, session: Session, handle: Mapping[str, Json], jobs: Sequence[str]) -> Conversation[Settlement]:
        """Done when the audience is listed and every wanted ad platform has it: Topsort does not tell of failures."""
        found = yield from self._find("name", files.build_name(session, _LONGEST_NAME))
        if found is None or not set(self.options.dsp) <= _synced(found):
            return Settlement(done=False, handle=handle)
        audience = AudienceRef(text(found, "id"), session.audience.name, _PAGE)
        return Settlement(done=True, handle=handle, audience=audience)

    def _find(self, key: str, value: str) -> Conversation[dict[str, Json] | None]:
        """The audience with that id or name; of several that of most ad platforms, None where there is none."""
        there = yield from self._audiences()
        found = [item for item in there if str(item.get(key)) == value]
        return max(found, key=lambda item: len(_synced(item)), default=None)

    def marked(self) -> Conversation[Sequence[Marked]]:
        """What sessions have built: it stays at Topsort when the next one is built."""
        return files.built((yield from self._audiences()))

    def _audiences(self) -> Conversation[list[dict[str, Json]]]:
        found: list[dict[str, Json]] = []
        after = ""
        while True:
            query = self._vendor() | ({"next_page": after} if after else {})
            reply = yield Call("http", "GET", _AUDIENCES, query=query)
            sound(reply.body, {"dsp": list})
            found += listed(reply.body, "audiences", required=True)
            after = text(reply.body, "nextPage") if table(reply.body).get("hasMore") else ""
            if not after:
                return found

    def _vendor(self) -> dict[str, Json]:
        return {"vendor_id": self.options.vendor_id} if self.options.vendor_id else {}

    def judge(self, call: Call, reply: Reply) -> Verdict:
        """By status; of a refusal only the name of the field is told."""
        if not call.signed:
            return Verdict(files.storage_error(reply))
        return Verdict(status_error(reply, "Topsort", code=_field(reply) if reply.status == 422 else "", help_url=HELP))


def _keys(options: TopsortOptions) -> tuple[MatchKey, ...]:
    phone = "phone.e164_digits.v1" if options.phone_format == "e164_digits" else "phone.e164_plus.v1"
    return (
        MatchKey(Field.EMAIL, "email.lower.v1", _WIRE[Field.EMAIL]),
        MatchKey(Field.PHONE, phone, _WIRE[Field.PHONE]),
        MatchKey(Field.FIRST_NAME, "name.lower.v1", _WIRE[Field.FIRST_NAME], identifies=False),
        MatchKey(Field.LAST_NAME, "name.lower.v1", _WIRE[Field.LAST_NAME], identifies=False),
        MatchKey(Field.MOBILE_AD_ID, "mobile_ad_id.hashed.v1", _WIRE[Field.MOBILE_AD_ID]),
    )


def _synced(audience: Mapping[str, Json]) -> set[str]:
    platforms = audience.get("syncedDsps")
    return {name for name in platforms if isinstance(name, str)} if isinstance(platforms, list) else set()


def _field(reply: Reply) -> str:
    """Which field a refusal is about, such as ``body.dsp``."""
    for problem in each(table(reply.body).get("detail")):
        place = problem.get("loc")
        if isinstance(place, list):
            return ".".join(word for word in place if isinstance(word, str) and word in _WORDS)
    return ""


DESTINATION = Topsort
