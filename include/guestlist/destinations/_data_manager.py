"""Google's Data Manager API: the door for every account since April 2026; uploads are taken at once and settle later.

Contract: https://developers.google.com/data-manager/api/devguides/audiences/send-audience-members
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from guestlist.destinations._data_manager_errors import verdict
from guestlist.destinations._data_manager_forms import match_rate_of, members_of, merged
from guestlist.destinations._google import (
    AUDIENCE_MANAGER,
    GoogleOptions,
    GoogleSettings,
    list_state,
    marked_lists,
)
from guestlist.destinations._reading import (
    count,
    inside,
    listed,
    table,
    text,
    word,
)
from guestlist.destinations.base import audience_finding, created, halving
from guestlist.model.audiences import AudienceRef, AudienceSpec, AudienceState, Finding, Marked
from guestlist.model.conversation import Call, Conversation, Json, Repeat, Reply, Verdict
from guestlist.model.delivery import Batch, JobOutcome, Receipt, Session, Settlement
from guestlist.model.errors import (
    BatchRefused,
    ConfigError,
    ProtocolError,
    RejectedError,
)
from guestlist.model.vocabulary import Operation

if TYPE_CHECKING:
    import polars as pl

_HELP = "https://developers.google.com/data-manager/api/devguides/concepts/understand-errors"
_MOST_RESENDS = 20
_FORGOTTEN = frozenset({"INVALID_REQUEST_ID", "REQUEST_TOO_OLD"})
_UPLOAD_TYPE = {"contact": "CONTACT_ID", "mobile_ad_id": "MOBILE_ID", "user_id": "USER_ID"}


_PAGE = 1000


class DataManager:
    """The conversations of one Google Ads account over the Data Manager API."""

    def __init__(self, settings: GoogleSettings, options: GoogleOptions) -> None:
        """Record the account and the kind of list."""
        self.settings = settings
        self.options = options
        self.account = f"accountTypes/GOOGLE_ADS/accounts/{settings.customer_id}"

    def ensure(self, spec: AudienceSpec) -> Conversation[AudienceRef]:
        """By our reference, else by name, else create it."""
        if (found := (yield from self._find(spec))) is None:
            create = self._call("CreateUserList", self.account, self._user_list(spec), repeat=Repeat.LOOKUP)
            found = yield from created(create, lambda reply: text(reply.body, "id"), lambda: self._find(spec))
        return AudienceRef(id=found, name=spec.name, url=AUDIENCE_MANAGER)

    def check(self, spec: AudienceSpec) -> Conversation[Sequence[Finding]]:
        """The list can be looked for; whether the terms are accepted Google tells only to an upload."""
        found = yield from self._find(spec)
        return (Finding(f"account {self.settings.customer_id} can be used"), audience_finding(spec, there=found is not None))

    def _find(self, spec: AudienceSpec) -> Conversation[str | None]:
        for field, value in (("integration_code", spec.reference), ("display_name", spec.name)):
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            query = {"filter": f'{field} = "{quoted}"'}
            reply = yield self._call("ListUserLists", self.account, query)
            for found in listed(reply.body, "userLists"):
                self._check_kind(found, spec)
                return text(found, "id")
        return None

    def _check_kind(self, found: Mapping[str, Json], spec: AudienceSpec) -> None:
        wanted = _UPLOAD_TYPE[self.options.upload]
        kinds = inside(found, "ingestedUserListInfo").get("uploadKeyTypes")
        kinds = kinds if isinstance(kinds, list) else []
        if wanted not in kinds or found.get("readOnly"):
            held = ", ".join(map(str, kinds)) or "nothing that can be uploaded"
            raise ConfigError(
                f"the list {spec.name!r} is there and holds {held}{', read only' * bool(found.get('readOnly'))}; this segment "
                f"uploads {wanted}. Choose another audience name or another `upload`",
                help_url=_HELP,
            )

    def _user_list(self, spec: AudienceSpec) -> dict[str, Json]:
        info: dict[str, Json] = {"uploadKeyTypes": [_UPLOAD_TYPE[self.options.upload]]}
        if self.options.upload == "contact":
            info["contactIdInfo"] = {"dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY"}
        elif self.options.upload == "mobile_ad_id":
            info["mobileIdInfo"] = {
                "dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY",
                "keySpace": self.options.key_space,
                "appId": self.options.app_id,
            }
        return {
            "displayName": spec.name,
            "description": spec.description or f"Kept by Guestlist: {spec.reference}",
            "integrationCode": spec.reference,
            "membershipStatus": "OPEN",
            "membershipDuration": f"{self.options.membership_days * 86400}s",
            "ingestedUserListInfo": info,
        }

    def describe(self, audience: AudienceRef) -> Conversation[AudienceState]:
        """Sizes and match rate as the list itself has them; looked for, since Google refuses to show what is not there."""
        reply = yield self._call("ListUserLists", self.account, {"filter": f'id = "{audience.id}"'})
        if not (found := listed(reply.body, "userLists")):
            return AudienceState(there=False)
        size = inside(found[0], "sizeInfo").get("searchNetworkMembersCount")
        contact = inside(inside(found[0], "ingestedUserListInfo"), "contactIdInfo")
        return list_state(found[0], size, count(contact, "matchRatePercentage"))

    def marked(self) -> Conversation[Sequence[Marked]]:
        """By our reference in the integration code."""
        found: list[Marked] = []
        token = ""
        while True:
            page = {"pageSize": _PAGE} | ({"pageToken": token} if token else {})
            reply = yield self._call("ListUserLists", self.account, page)
            found += marked_lists(listed(reply.body, "userLists"), "displayName")
            if not (token := word(table(reply.body).get("nextPageToken"))):
                return found

    def open(self, session: Session) -> Conversation[Mapping[str, Json]]:
        """A replace sweeps whoever was last added before this moment, by Google's own clock."""
        if session.operation is not Operation.REPLACE:
            return {}
        reply = yield self._call("ListUserLists", self.account, {"pageSize": 1})
        try:
            moment = parsedate_to_datetime(reply.headers.get("date", ""))
        except ValueError:
            silent = "Google did not say its time, without which nothing can be swept safely"
            raise ProtocolError(silent, help_url=_HELP) from None
        return {"as_of": f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}

    def send(self, session: Session, handle: Mapping[str, Json], batch: Batch) -> Conversation[Receipt]:
        """One ingest or remove request; rows that Google names are set aside and the rest is sent again."""
        return (yield from halving(lambda rows: self._send(session, rows), batch.rows))

    def _send(self, session: Session, rows: pl.DataFrame) -> Conversation[Receipt]:
        remaining = list(range(rows.height))
        rejected: dict[int, str] = {}
        for _ in range(_MOST_RESENDS):
            try:
                reply = yield self._members_call(session, rows[remaining] if rejected else rows)
            except BatchRefused as refusal:
                named = {remaining[place]: why for place, why in refusal.rows.items() if place < len(remaining)}
                if not named:
                    raise
                rejected |= named
                remaining = [row for row in remaining if row not in named]
                if not remaining:
                    return Receipt(0, rejected, refusal.request_id)
                continue
            job = text(reply.body, "requestId")
            return Receipt(len(remaining), rejected, reply.request_id or job, job)
        raise BatchRefused("Google keeps naming new rows of a batch as invalid", code="INVALID_AUDIENCE_MEMBER")

    def _members_call(self, session: Session, rows: pl.DataFrame) -> Call:
        body: dict[str, Json] = {
            "destinations": self._destinations(session.audience),
            "audienceMembers": members_of(rows),
            "encoding": "HEX",
        }
        if session.operation is Operation.REMOVE:
            return self._call("RemoveAudienceMembers", "audienceMembers:remove", body, rows=rows.height)
        body["termsOfService"] = {"customerMatchTermsOfServiceStatus": "ACCEPTED"}
        consent = {"adUserData": session.consent.ad_user_data, "adPersonalization": session.consent.ad_personalization}
        if granted := {name: "CONSENT_GRANTED" for name, value in consent.items() if value}:
            body["consent"] = granted
        return self._call("IngestAudienceMembers", "audienceMembers:ingest", body, rows=rows.height)

    def _destinations(self, audience: AudienceRef) -> list[Json]:
        destination: dict[str, Json] = {
            "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": self.settings.customer_id},
            "productDestinationId": audience.id,
        }
        if self.settings.login_customer_id:
            destination["loginAccount"] = {"accountType": "GOOGLE_ADS", "accountId": self.settings.login_customer_id}
        return [destination]

    def settle(self, session: Session, handle: Mapping[str, Json], jobs: Sequence[str]) -> Conversation[Settlement]:
        """Ask for each open request; a replace sweeps once all have succeeded, and waits for the sweep."""
        outcomes: dict[str, JobOutcome] = {}
        rate: str | None = handle.get("match_rate")
        for job in jobs:
            parts = []
            for request_id in job.split():
                parts.append((yield from self._outcome(request_id)))
            if all(part is not None for part in parts):
                outcomes[job] = merged([part for part in parts if part is not None])
                rate = outcomes[job].match_rate or rate
        handle = {**handle, "match_rate": rate}
        troubled = handle.get("troubled") or any(outcome.failed or outcome.rejected for outcome in outcomes.values())
        if session.operation is not Operation.REPLACE or len(outcomes) < len(jobs):
            return Settlement(len(outcomes) == len(jobs), {**handle, "troubled": bool(troubled)}, outcomes, rate)
        if troubled:  # nobody is swept, or people who are still wanted would go: the audience holds old and new people
            return Settlement(done=True, handle=handle, jobs={**outcomes, "": JobOutcome(failed=True)}, match_rate=rate)
        return (yield from self._sweep(session, handle, outcomes))

    def _sweep(
        self, session: Session, handle: Mapping[str, Json], outcomes: Mapping[str, JobOutcome]
    ) -> Conversation[Settlement]:
        sweep = handle.get("sweep")
        if sweep is None:
            body = {"destinations": self._destinations(session.audience), "removeAsOfTime": handle["as_of"]}
            reply = yield self._call("RemoveAllAudienceMembers", "audienceMembers:removeAll", body)
            return Settlement(
                done=False,
                handle={**handle, "sweep": text(reply.body, "requestId")},
                jobs=outcomes,
                match_rate=handle.get("match_rate"),
                began=True,
            )
        outcome = yield from self._outcome(sweep)
        if outcome is not None and outcome.failed:
            outcomes = {**outcomes, "": outcome}
        return Settlement(outcome is not None, handle, outcomes, handle.get("match_rate"))

    def _outcome(self, request_id: str) -> Conversation[JobOutcome | None]:
        try:
            reply = yield self._call("RetrieveRequestStatus", "requestStatus:retrieve", {"requestId": request_id})
        except RejectedError as error:
            if error.code not in _FORGOTTEN:
                raise
            return JobOutcome(failed=True)  # nobody can tell any more: it is sent again
        statuses = listed(reply.body, "requestStatusPerDestination")
        if not statuses:
            return None
        status = statuses[0]
        state = status.get("requestStatus", "REQUEST_STATUS_UNKNOWN")
        if state in ("PROCESSING", "REQUEST_STATUS_UNKNOWN"):
            return None
        counts = {
            str(item.get("reason", "UNKNOWN")).removeprefix("PROCESSING_ERROR_REASON_"): count(item, "recordCount")
            for item in listed(inside(status, "errorInfo"), "errorCounts")
        }
        return JobOutcome(rejected=counts, failed=state in ("FAILED", "FAILURE"), match_rate=match_rate_of(status))

    def _call(self, method: str, path: str, body: Json = None, *, repeat: Repeat = Repeat.SAFE, rows: int = 0) -> Call:
        return Call("data_manager", method, path, body or {}, repeat=repeat, rows=rows)

    def judge(self, call: Call, reply: Reply) -> Verdict:
        """By status and reason; see `_data_manager_errors`."""
        return verdict(reply)
