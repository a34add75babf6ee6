"""Klaviyo: a list, or a property of profiles, kept by bulk profile imports and by removal of profile ids; in plain text.

Contract: https://developers.klaviyo.com/en/reference/bulk_import_profiles
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import pydantic
from pydantic import BaseModel, SecretStr, model_validator

from guestlist.destinations import _klaviyo_errors as errors
from guestlist.destinations._klaviyo_jobs import merged, none_under_way, outcome
from guestlist.destinations._klaviyo_reads import lists, pages, pieces, profile_ids
from guestlist.destinations._klaviyo_rows import IDENTIFIERS, PROFILE_BYTES, PROFILE_FIELDS, REQUEST_BYTES, Profile, profiles_of
from guestlist.destinations._reading import count, inside, text
from guestlist.destinations.base import Destination, Options, Settings, audience_finding, created, halving
from guestlist.model.audiences import AudienceRef, AudienceSpec, AudienceState, Finding
from guestlist.model.capabilities import Capabilities, Limits, MatchKey, Polling, Rate, Sizes
from guestlist.model.conversation import Call, Conversation, Json, Repeat, Reply, Verdict
from guestlist.model.delivery import Batch, JobOutcome, Receipt, Session, Settlement
from guestlist.model.errors import BatchRefused, ConfigError
from guestlist.model.vocabulary import Mode, Operation

if TYPE_CHECKING:
    import polars as pl

_IDS_PER_CALL = 1000
_MOST_RESENDS = 8
_LISTS, _PROFILES = "/api/lists", "/api/profiles"
_RATES = (
    *(Rate(10, 1, errors.IMPORTS), Rate(150, 60, errors.IMPORTS)),
    *(Rate(10, 1, _LISTS), Rate(150, 60, _LISTS)),  # what reads lists may come faster, and is rare
    *(Rate(75, 1, _PROFILES), Rate(750, 60, _PROFILES)),
)


class KlaviyoSettings(Settings):
    """A private API key with the scopes lists:read, lists:write, profiles:read and profiles:write."""

    home: ClassVar[str] = "https://a.klaviyo.com"
    api_key: SecretStr
    revision: str = pydantic.Field("2026-10-15", pattern=r"^\d{4}-\d{2}-\d{2}(\.\w+)?$")

    def headers(self, token: str) -> Mapping[str, str]:
        """Key, revision and media type, with every call."""
        return {
            "authorization": f"Klaviyo-API-Key {self.api_key.get_secret_value()}",
            "revision": self.revision,
            "accept": "application/vnd.api+json",
            "content-type": "application/vnd.api+json",
        }


class KlaviyoOptions(Options):
    """How membership shows in Klaviyo, and what of a person is sent.

    One identifier goes out: a second one would be written onto the profile that the first one finds, or conflict with another.
    """

    membership: Literal["list", "property"] = "list"
    identify_by: Literal["email", "phone", "external_id"] = "email"
    profile_fields: Literal["keep", "write"] = "keep"
    opt_in_process: Literal["single_opt_in", "double_opt_in"] | None = None

    @model_validator(mode="after")
    def _opt_in_is_of_lists(self) -> Self:
        if self.opt_in_process and self.membership == "property":
            raise ValueError("opt_in_process is a property of lists: leave it out with membership: property")
        return self


class Klaviyo(Destination):
    """Imports are jobs that finish later; profiles are taken off a list at once."""

    Settings: ClassVar[type[Settings]] = KlaviyoSettings
    Options: ClassVar[type[BaseModel]] = KlaviyoOptions
    settings: KlaviyoSettings
    options: KlaviyoOptions

    @classmethod
    def capabilities_for(cls, options: KlaviyoOptions) -> Capabilities:
        """One identifier; names and places only where they are asked for, because they change the profile."""
        return Capabilities(
            platform="klaviyo",
            title="Klaviyo",
            modes=(Mode.MIRROR, Mode.APPEND, Mode.REMOVE),
            keys=(IDENTIFIERS[options.identify_by], *(PROFILE_FIELDS if options.profile_fields == "write" else ())),
            limits=Limits(
                rows_per_batch=10_000,
                bytes_per_batch=4_500_000,
                one_value_per_field=True,
                rates=_RATES,
            ),
            docs="https://developers.klaviyo.com/en/reference/bulk_import_profiles",
            polling=Polling(first=2.0, factor=1.5, longest=60.0, give_up=24 * 3600.0),
            # a person's old and new address may be one profile, which the later one of two jobs decides about
            may_reorder=options.membership == "property",
            plain_text=True,
            sizes=Sizes(lag_hours=24, matched=False) if options.membership == "list" else None,
        )

    @property
    def _key(self) -> MatchKey:
        return IDENTIFIERS[self.options.identify_by]

    def ensure(self, spec: AudienceSpec) -> Conversation[AudienceRef]:
        """The list of that name, else a new one; a property is there once a profile has it."""
        if self.options.membership == "property":
            return AudienceRef(_property(spec.name), spec.name, "https://www.klaviyo.com/lists")
        if (found := (yield from self._find(spec))) is None:
            attributes = {"name": spec.name} | (
                {"opt_in_process": self.options.opt_in_process} if self.options.opt_in_process else {}
            )
            create = self._call("POST", _LISTS, {"data": {"type": "list", "attributes": attributes}}, repeat=Repeat.LOOKUP)
            found = yield from created(create, lambda reply: text(inside(reply.body, "data"), "id"), lambda: self._find(spec))
        return AudienceRef(found, spec.name, f"https://www.klaviyo.com/list/{found}")

    def _find(self, spec: AudienceSpec) -> Conversation[str | None]:
        """By the id that is known, else by its exact name; names are not unique at Klaviyo."""
        known = spec.known
        if known and known.name == spec.name and (yield from lists("id", known.id)):
            return known.id
        named = yield from lists("name", spec.name)
        found = [item for item in named if inside(item, "attributes").get("name") == spec.name]
        if len(found) > 1:
            raise ConfigError(f"Klaviyo has {len(found)} lists of this name: rename all but one of them", help_url=errors.HELP)
        return text(found[0], "id") if found else None

    def check(self, spec: AudienceSpec) -> Conversation[Sequence[Finding]]:
        """Whether the key reads lists and profiles; what it may write shows only when something is written."""
        yield from pages(_PROFILES, {"filter": 'equals(id,"nobody")', "fields[profile]": "created"})
        readable = Finding("the private API key reads profiles")
        if self.options.membership == "property":
            return (readable, Finding(f"membership is the profile property {_property(spec.name)!r}"))
        found = yield from self._find(spec)
        return (readable, Finding("the private API key reads lists"), audience_finding(spec, there=found is not None))

    def open(self, session: Session) -> Conversation[Mapping[str, Json]]:
        """Removals act at once and imports later: an import whose answer was lost must not bring back who is to be removed."""
        if session.operation is Operation.REMOVE:
            yield from none_under_way()
        return {}

    def describe(self, audience: AudienceRef) -> Conversation[AudienceState]:
        """The number of profiles on a list; nobody counts those with a property."""
        if self.options.membership == "property":
            return AudienceState()
        query = {"additional-fields[list]": "profile_count"}
        try:
            reply = yield Call("http", "GET", f"{_LISTS}/{audience.id}", query=query)
        except errors.NotThere:
            return AudienceState(there=False)
        attributes = inside(inside(reply.body, "data"), "attributes")
        profiles = count(attributes, "profile_count")
        return AudienceState((profiles, profiles) if "profile_count" in attributes else None)

    def send(self, session: Session, handle: Mapping[str, Json], batch: Batch) -> Conversation[Receipt]:
        """An import, or the removal of those profiles that Klaviyo has; nobody is made a profile in order to be removed."""
        if session.operation is Operation.REMOVE:
            return (yield from halving(lambda rows: self._remove(session, rows), batch.rows))
        return (yield from halving(lambda rows: self._add(session, rows), batch.rows))

    def _add(self, session: Session, rows: pl.DataFrame) -> Conversation[Receipt]:
        """One job. Profiles that Klaviyo points at are set aside, and the others sent again."""
        wires = {key.field.value: key.wire for key in self.capabilities.keys if key.field in session.fields}
        properties = {session.audience.name: True} if self.options.membership == "property" else {}
        left = profiles_of(rows, wires, self._key.field.value, properties)
        rejected: dict[int, str] = {}
        for _ in range(_MOST_RESENDS):
            rejected |= {row: errors.TOO_LARGE for profile in left if profile.size > PROFILE_BYTES for row in profile.rows}
            left = [profile for profile in left if profile.size <= PROFILE_BYTES]
            if not left:
                return Receipt(0, rejected)
            try:
                reply = yield from self._import(session, left)
            except BatchRefused as refusal:
                named = {place: why for place, why in refusal.rows.items() if place < len(left)}
                if not named:
                    raise
                rejected |= {row: why for place, why in named.items() for row in left[place].rows}
                left = [profile for place, profile in enumerate(left) if place not in named]
                continue
            job = text(inside(reply.body, "data"), "id")
            return Receipt(rows.height - len(rejected), rejected, reply.request_id, job)
        raise BatchRefused("Klaviyo keeps pointing at new rows of a batch", code="invalid")

    def _import(self, session: Session, profiles: Sequence[Profile]) -> Conversation[Reply]:
        """An upsert, so it may be repeated: the second job finds everything done."""
        if sum(profile.size for profile in profiles) > REQUEST_BYTES:
            raise BatchRefused("the request would be too large for Klaviyo", code=errors.TOO_LARGE)
        data: dict[str, Json] = {
            "type": "profile-bulk-import-job",
            "attributes": {"profiles": {"data": [profile.body for profile in profiles]}},
        }
        if self.options.membership == "list":
            data["relationships"] = {"lists": {"data": [{"type": "list", "id": session.audience.id}]}}
        rows = sum(len(profile.rows) for profile in profiles)
        return (yield self._call("POST", errors.IMPORTS, {"data": data}, rows=rows))

    def _remove(self, session: Session, rows: pl.DataFrame) -> Conversation[Receipt]:
        """Whom Klaviyo does not know is absent already; the unsubscribe jobs, which change consent, are never used."""
        values = rows.get_column(self._key.field.value).drop_nulls().unique(maintain_order=True).to_list()
        found = yield from profile_ids(self._key.wire, values)
        jobs = []
        if self.options.membership == "property":
            for ids in pieces(found, 10_000):
                leaving = [Profile.leaving(known, session.audience.name) for known in ids]
                reply = yield from self._import(session, leaving)
                jobs.append(text(inside(reply.body, "data"), "id"))
        else:
            for ids in pieces(found, _IDS_PER_CALL):
                yield from self._take_off(session.audience, ids)
        return Receipt(rows.height, job=" ".join(jobs) or None)

    def _take_off(self, audience: AudienceRef, ids: Sequence[str]) -> Conversation[None]:
        """Where Klaviyo misses one of them, halves are sent, down to the one that is gone already."""
        body = {"data": [{"type": "profile", "id": known} for known in ids]}
        try:
            yield self._call("DELETE", f"{_LISTS}/{audience.id}/relationships/profiles", body, rows=len(ids))
        except errors.NotThere:
            if not (yield from lists("id", audience.id)):
                raise
            for half in pieces(ids, (len(ids) + 1) // 2) if len(ids) > 1 else ():
                yield from self._take_off(audience, half)

    def settles_later(self, session: Session) -> bool:
        """Taking profiles off a list is done at once."""
        return session.operation is not Operation.REMOVE or self.options.membership == "property"

    def settle(self, session: Session, handle: Mapping[str, Json], jobs: Sequence[str]) -> Conversation[Settlement]:
        """Ask for each job that is open; a batch that was sent in halves has several."""
        outcomes: dict[str, JobOutcome] = {}
        for job in jobs:
            parts: list[JobOutcome | None] = []
            for name in job.split():
                parts.append((yield from outcome(name, self._key.wire)))
            if None not in parts:
                outcomes[job] = merged([part for part in parts if part])
        return Settlement(len(outcomes) == len(jobs), handle, outcomes)

    def judge(self, call: Call, reply: Reply) -> Verdict:
        """By status, code and pointer; see `_klaviyo_errors`."""
        return errors.verdict(call, reply)

    def _call(self, method: str, path: str, body: Json, *, repeat: Repeat = Repeat.SAFE, rows: int = 0) -> Call:
        return Call("http", method, path, body, repeat=repeat, rows=rows)


def _property(name: str) -> str:
    if name.startswith("$"):
        raise ConfigError("properties whose names begin with $ are Klaviyo's own: give the audience another name")
    return name


DESTINATION = Klaviyo
