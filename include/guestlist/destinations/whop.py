"""Whop audiences: a CSV in plain text uploaded as a file, then an audience built from it, or people added to one.

Nobody can be removed from an audience, so a segment that loses people is built anew. Contract: https://docs.whop.com/api-reference
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

import pydantic
from pydantic import SecretStr

from guestlist.destinations import _files as files
from guestlist.destinations._reading import inside, listed, table, text, word
from guestlist.destinations._statuses import status_error
from guestlist.destinations._whop_files import pause_of, uploaded
from guestlist.destinations._whop_status import built, failed, match_rate, rows_in, under_way
from guestlist.destinations.base import Destination, Settings, audience_finding
from guestlist.model.audiences import AudienceRef, AudienceSpec, AudienceState, Finding, Marked
from guestlist.model.capabilities import Capabilities, Limits, MatchKey, Polling, Sizes
from guestlist.model.conversation import Call, Conversation, Json, Repeat, Reply, Verdict
from guestlist.model.delivery import Batch, JobOutcome, Receipt, Session, Settlement
from guestlist.model.errors import OutcomeUnknown, RejectedError, TransientError
from guestlist.model.vocabulary import Field, Mode, Operation

HELP = "https://docs.whop.com/api-reference/audiences/audience"
KEYS = (
    MatchKey(Field.EMAIL, "email.plain.v1", "email", plain=True),
    MatchKey(Field.PHONE, "phone.plain_plus.v1", "phone", plain=True),
    MatchKey(Field.FIRST_NAME, "text.plain.v1", "first_name", plain=True, identifies=False),
    MatchKey(Field.LAST_NAME, "text.plain.v1", "last_name", plain=True, identifies=False),
    MatchKey(Field.COUNTRY, "country.alpha2.v1", "country", plain=True, identifies=False),
)
_WIRE = {key.field: key.wire for key in KEYS}
_VALUE = "value"
_PAGE = 100
_BUSY = 60.0
"""Seconds to wait for an audience that takes no people because it is being built."""
_CODE = re.compile(r"[a-z_]{1,40}")


class WhopSettings(Settings):
    """An account, and a key for it with the scope ``audience:update``."""

    home: ClassVar[str] = "https://api.whop.com/api/v1"
    account_id: str = pydantic.Field(pattern=r"^biz_\w+$")
    api_key: SecretStr
    api_version_date: str = pydantic.Field("2026-10-15-1", pattern=r"^\d{4}-\d{2}-\d{2}(-\d+)?$")
    multipart_above_megabytes: int = pydantic.Field(100, ge=6, le=5000)

    def headers(self, token: str) -> Mapping[str, str]:
        """Key and version go with every call but the upload."""
        return {"authorization": f"Bearer {self.api_key.get_secret_value()}", "api-version-date": self.api_version_date}


class Whop(Destination):
    """A snapshot is a new audience that takes the old one's place; appending adds people to the one that is there."""

    Settings: ClassVar[type[Settings]] = WhopSettings
    settings: WhopSettings

    @classmethod
    def capabilities_for(cls, options: Any) -> Capabilities:  # noqa: ARG003 - Whop has none
        """One file a build; Whop names no limit of rows, so the limit is ours."""
        return Capabilities(
            platform="whop",
            title="Whop",
            modes=(Mode.SNAPSHOT, Mode.APPEND),
            keys=KEYS,
            limits=Limits(rows_per_batch=10_000_000, one_batch=True, one_value_per_field=True, minimum_members=100),
            docs=HELP,
            polling=Polling(first=10.0, longest=60.0, give_up=24 * 3600.0),
            takes_value=True,
            plain_text=True,
            sizes=Sizes(lag_hours=24, matched=False),
        )

    def ensure(self, spec: AudienceSpec) -> Conversation[AudienceRef]:
        """The one that the last run built or filled, if it is still there; else the first file builds one."""
        known = spec.known.id if spec.known else ""
        found = (yield from self._audience(known)) if known else None
        return self._reference(known if found else "", spec.name)

    def describe(self, audience: AudienceRef) -> Conversation[AudienceState]:
        """The rows that Whop has passed on to the ad platforms, and the match rate that these estimate."""
        found = (yield from self._audience(audience.id)) if audience.id else None
        if found is None:
            return AudienceState(there=False)
        rows = rows_in(found, "matched_rows")
        trouble = "Whop has failed to build it: run the segment again" if failed(found) else None
        return AudienceState((rows, rows), match_rate(found), text(found, "status"), trouble)

    def check(self, spec: AudienceSpec) -> Conversation[Sequence[Finding]]:
        """The key reads the account's audiences; whether it may build one, only building one tells."""
        known = spec.known.id if spec.known else ""
        found = yield from (self._audiences(audience_id=known) if known else self._audiences())
        return [
            Finding(f"the API key reads the audiences of {self.settings.account_id}"),
            Finding("whether the key has the scope audience:update cannot be asked: the first run tells"),
            audience_finding(spec, there=any(item.get("id") == known for item in found)),
        ]

    def send(self, session: Session, handle: Mapping[str, Json], batch: Batch) -> Conversation[Receipt]:
        """Upload the file; then build the audience from it, or have its people added to the one that is there."""
        if session.operation is Operation.ADD and session.audience.id:
            job, request_id = yield from self._add(session, batch)
        else:
            job, request_id = yield from self._build(session, batch)
        return Receipt(batch.rows.height, request_id=request_id, job=job)

    def _add(self, session: Session, batch: Batch) -> Conversation[tuple[str, str | None]]:
        """People who are there already stay as they are, so the same may be added again."""
        audience = session.audience.id
        found = yield from self._audience(audience)
        if found is not None and under_way(found):
            raise TransientError("the audience is still being built; it takes people afterwards", retry_after=_BUSY)
        file = yield from self._uploaded(session, batch)
        try:
            reply = yield Call("http", "POST", f"audiences/{audience}/add_people", {"file_id": file}, repeat=Repeat.LOOKUP)
        except OutcomeUnknown as unknown:
            found = yield from self._audience(audience)
            ours = not (unknown.code or "").startswith("HTTP 409") and found is not None and under_way(found)
            if not ours:
                raise TransientError("the people could not be added; it will be tried again", retry_after=_BUSY) from unknown
            return audience, None
        return audience, reply.request_id

    def _build(self, session: Session, batch: Batch) -> Conversation[tuple[str, str | None]]:
        """The file builds one audience, whose name has the session's mark: an attempt that died may have built it."""
        name = files.build_name(session)
        audiences = yield from self._audiences()
        if (found := _named(audiences, name)) is not None:
            return text(found, "id"), None
        yield from self._clear_failed(session, audiences)
        file = yield from self._uploaded(session, batch)
        body = {
            "account_id": self.settings.account_id,
            "name": name,
            "column_mapping": {wire: column for column, wire in _columns(session).items()},
            "file_id": file,
        }
        key = {"idempotency-key": f"guestlist-{session.id}-{file}"}
        try:
            reply = yield Call("http", "POST", "audiences", body, headers=key, repeat=Repeat.LOOKUP)
            return text(reply.body, "id"), reply.request_id
        except OutcomeUnknown as unknown:
            if (found := _named((yield from self._audiences()), name)) is None:
                raise TransientError("the audience could not be built; it will be tried again") from unknown
            return text(found, "id"), None

    def _uploaded(self, session: Session, batch: Batch) -> Conversation[str]:
        data = files.csv_of(batch.rows, {column: column for column in _columns(session)})
        parts_above = self.settings.multipart_above_megabytes * 1_000_000
        return (yield from uploaded(self.settings, data, batch.rows.height, parts_above=parts_above))

    def _clear_failed(self, session: Session, audiences: Sequence[Mapping[str, Json]]) -> Conversation[None]:
        """A build that failed stays, with Whop's explanation, until the next one begins; a delivery does not hang on it."""
        ours = re.compile(re.escape(session.audience.name) + r" \[\d+\]")
        for item in audiences:
            if failed(item) and ours.fullmatch(word(item.get("name"))):
                with suppress(RejectedError):
                    yield self._delete(text(item, "id"))

    def settle(self, session: Session, handle: Mapping[str, Json], jobs: Sequence[str]) -> Conversation[Settlement]:
        """A build that is through takes the old one's place, which is deleted; one that failed leaves it."""
        [job] = jobs
        found = yield from self._audience(job)
        if found is not None and under_way(found):
            return Settlement(done=False, handle={"progress_percent": rows_in(found, "progress_percent")})
        outcome = JobOutcome(failed=True) if found is None else built(found, session.total_users)
        if outcome.failed:
            return Settlement(done=True, handle=handle, jobs={job: outcome})
        if session.audience.id not in ("", job):
            yield from self._retire(session.audience.id)
        return Settlement(
            done=True,
            handle=handle,
            jobs={job: outcome},
            match_rate=outcome.match_rate,
            audience=self._reference(job, session.audience.name),
        )

    def _retire(self, audience: str) -> Conversation[None]:
        try:
            yield self._delete(audience)
        except RejectedError as refused:
            if not (refused.code or "").startswith("HTTP 404"):  # gone already is as good
                raise

    def _delete(self, audience: str) -> Call:
        return Call("http", "DELETE", f"audiences/{audience}")

    def _audience(self, audience: str) -> Conversation[dict[str, Json] | None]:
        """One audience, None where it is not there: there is no other way to ask for one than by a filter."""
        found = yield from self._audiences(audience_id=audience)
        return next((item for item in found if item.get("id") == audience), None)

    def marked(self) -> Conversation[Sequence[Marked]]:
        """What sessions have built and nobody has deleted."""
        return files.built((yield from self._audiences()))

    def _audiences(self, **narrowed: str) -> Conversation[list[dict[str, Json]]]:
        found: list[dict[str, Json]] = []
        after = ""
        while True:
            query = {"account_id": self.settings.account_id, "first": _PAGE, **narrowed} | ({"after": after} if after else {})
            reply = yield Call("http", "GET", "audiences", query=query)
            found += listed(reply.body, "data", required=True)
            page = inside(reply.body, "page_info")
            after = text(page, "end_cursor") if page.get("has_next_page") else ""
            if not after:
                return found

    def _reference(self, audience: str, name: str) -> AudienceRef:
        return AudienceRef(audience, name, f"https://whop.com/dashboard/{self.settings.account_id}")

    def judge(self, call: Call, reply: Reply) -> Verdict:
        """By status. A file that is not ready yet is asked for again only after a pause."""
        if not call.signed:
            return Verdict(files.storage_error(reply))
        told = word(table(table(reply.body).get("error")).get("type"))
        code = told if _CODE.fullmatch(told) else ""
        if reply.status == 409:
            busy = "Whop is still busy with this audience"
            return Verdict(TransientError(busy, code=f"HTTP 409 {code}".rstrip(), help_url=HELP, retry_after=_BUSY))
        return Verdict(status_error(reply, "Whop", code=code, help_url=HELP), pause=pause_of(call, reply))


def _columns(session: Session) -> dict[str, str]:
    """The columns of the file, which are its headers, too, and what Whop calls them."""
    named = {name.value: _WIRE[name] for name in session.fields}
    return named | ({_VALUE: "ltv"} if session.currency else {})


def _named(audiences: Sequence[dict[str, Json]], name: str) -> dict[str, Json] | None:
    return next((item for item in audiences if item.get("name") == name), None)


DESTINATION = Whop
