"""Google Ads API: offline user data jobs, for accounts that may still upload through it (those that did before April 2026).

Contract: https://developers.google.com/google-ads/api/docs/remarketing/audience-segments/customer-match/get-started
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guestlist.destinations._google import (
    AUDIENCE_MANAGER,
    HELP,
    GoogleOptions,
    GoogleSettings,
    Row,
    address_of,
    list_state,
    marked_lists,
)
from guestlist.destinations._google_ads_errors import error_code, partial_failures, verdict
from guestlist.destinations._reading import (
    count,
    inside,
    listed,
    text,
)
from guestlist.destinations.base import audience_finding, created, halving
from guestlist.model.audiences import AudienceRef, AudienceSpec, AudienceState, Finding, Marked
from guestlist.model.conversation import Call, Conversation, Json, Repeat, Reply, Verdict
from guestlist.model.delivery import Batch, JobOutcome, Receipt, Session, Settlement
from guestlist.model.errors import ConfigError, OutcomeUnknown, ProtocolError, RejectedError, TransientError
from guestlist.model.vocabulary import Operation

_KIND = {"contact": "CONTACT_INFO", "mobile_ad_id": "MOBILE_ADVERTISING_ID", "user_id": "CRM_ID"}
_LIST_FIELDS = (
    "user_list.resource_name, user_list.id, user_list.name, user_list.integration_code, user_list.read_only, "
    "user_list.crm_based_user_list.upload_key_type"
)


class GoogleAdsJobs:
    """The conversations of one Google Ads account over offline user data jobs: create, add operations, run, poll."""

    def __init__(self, settings: GoogleSettings, options: GoogleOptions) -> None:
        """Record the account and the kind of list."""
        self.settings = settings
        self.options = options

    def ensure(self, spec: AudienceSpec) -> Conversation[AudienceRef]:
        """By our reference, else by name, else create it."""
        if (found := (yield from self._find(spec))) is None:
            create = self._call("MutateUserLists", self._create_list(spec), repeat=Repeat.LOOKUP)
            found = yield from created(create, _made, lambda: self._find(spec))
        return self._reference(found, spec)

    def _reference(self, list_id: str, spec: AudienceSpec) -> AudienceRef:
        return AudienceRef(id=list_id, name=spec.name, url=AUDIENCE_MANAGER)

    def check(self, spec: AudienceSpec) -> Conversation[Sequence[Finding]]:
        """The list can be looked for; whether the terms are accepted Google tells only to an upload."""
        found = yield from self._find(spec)
        return (Finding(f"account {self.settings.customer_id} can be used"), audience_finding(spec, there=found is not None))

    def _find(self, spec: AudienceSpec) -> Conversation[str | None]:
        for field, value in (("integration_code", spec.reference), ("name", spec.name)):
            rows = yield from self._search(f"SELECT {_LIST_FIELDS} FROM user_list WHERE user_list.{field} = '{_quoted(value)}'")
            for row in rows:
                found = inside(row, "userList")
                kind = inside(found, "crmBasedUserList").get("uploadKeyType")
                if kind != _KIND[self.options.upload] or found.get("readOnly"):
                    raise ConfigError(
                        f"the list {spec.name!r} is there and takes {kind or 'no uploads'}; this segment uploads "
                        f"{_KIND[self.options.upload]}. Choose another audience name or another `upload`",
                        help_url=HELP,
                    )
                return text(found, "id")
        return None

    def _create_list(self, spec: AudienceSpec) -> Json:
        crm: dict[str, Json] = {"uploadKeyType": _KIND[self.options.upload], "dataSourceType": "FIRST_PARTY"}
        if self.options.upload == "mobile_ad_id":
            crm["appId"] = self.options.app_id
        created = {
            "name": spec.name,
            "description": spec.description or f"Kept by Guestlist: {spec.reference}",
            "integrationCode": spec.reference,
            "membershipStatus": "OPEN",
            "membershipLifeSpan": str(self.options.membership_days),
            "crmBasedUserList": crm,
        }
        return {"customerId": self.settings.customer_id, "operations": [{"create": created}]}

    def describe(self, audience: AudienceRef) -> Conversation[AudienceState]:
        """Size and match rate as the list itself has them; both lag by a day or two."""
        rows = yield from self._search(
            "SELECT user_list.id, user_list.size_for_search, user_list.match_rate_percentage, user_list.membership_status, "
            f"user_list.read_only FROM user_list WHERE user_list.id = {int(audience.id)}"
        )
        if not rows:
            return AudienceState(there=False)
        found = inside(rows[0], "userList")
        return list_state(found, found.get("sizeForSearch"), count(found, "matchRatePercentage"))

    def marked(self) -> Conversation[Sequence[Marked]]:
        """By our reference in the integration code."""
        ours = "user_list.integration_code LIKE 'guestlist:%'"
        rows = yield from self._search(f"SELECT {_LIST_FIELDS} FROM user_list WHERE {ours}")
        return marked_lists([inside(row, "userList") for row in rows], "name")

    def open(self, session: Session) -> Conversation[Mapping[str, Json]]:
        """A job for this session. Its external id is the session's, so a job made by an attempt that died is found again."""
        metadata: dict[str, Json] = {"userList": f"customers/{self.settings.customer_id}/userLists/{session.audience.id}"}
        consent = {"adUserData": session.consent.ad_user_data, "adPersonalization": session.consent.ad_personalization}
        granted = {name: "GRANTED" for name, value in consent.items() if value}
        if granted and session.operation is not Operation.REMOVE:
            metadata["consent"] = granted
        job = {
            "type": "CUSTOMER_MATCH_USER_LIST",
            "externalId": str(session.id),
            "customerMatchUserListMetadata": metadata,
        }
        body = {"customerId": self.settings.customer_id, "job": job}
        try:
            reply = yield self._call("CreateOfflineUserDataJob", body, repeat=Repeat.LOOKUP)
            return {"job": text(reply.body, "resourceName")}
        except OutcomeUnknown as unknown:
            if (resource := (yield from self._job_of(session))) is None:
                raise TransientError("the job could not be created; it will be tried again") from unknown
        except RejectedError as error:
            taken = error_code(error) == "EXTERNAL_UPDATE_ID_ALREADY_EXISTS"
            if not taken or (resource := (yield from self._job_of(session))) is None:
                raise
        return {"job": resource}

    def _job_of(self, session: Session) -> Conversation[str | None]:
        rows = yield from self._search(
            "SELECT offline_user_data_job.resource_name, offline_user_data_job.external_id FROM offline_user_data_job "
            f"WHERE offline_user_data_job.external_id = {session.id}"
        )
        return text(inside(rows[0], "offlineUserDataJob"), "resourceName") if rows else None

    def send(self, session: Session, handle: Mapping[str, Json], batch: Batch) -> Conversation[Receipt]:
        """Operations with partial failure: Google names the rows that it refuses and takes the others."""
        return (yield from halving(lambda rows: self._send(session, handle, rows), batch.rows))

    def _send(self, session: Session, handle: Mapping[str, Json], rows: Any) -> Conversation[Receipt]:
        verb = "remove" if session.operation is Operation.REMOVE else "create"
        operations = [{verb: {"userIdentifiers": _identifiers(row)}} for row in rows.iter_rows(named=True)]
        body = {"resourceName": handle["job"], "operations": operations, "enablePartialFailure": True}
        reply = yield self._call("AddOfflineUserDataJobOperations", body, rows=len(operations))
        rejected = {row: why for row, why in partial_failures(reply.body).items() if row < len(operations)}
        return Receipt(len(operations) - len(rejected), rejected, reply.request_id)

    def close(self, handle: Mapping[str, Json]) -> Conversation[Mapping[str, Json]]:
        """Run the job; that it runs already is as good. `settle` tells of one that cannot be run any more."""
        yield from self._run(handle)
        return handle

    def _run(self, handle: Mapping[str, Json]) -> Conversation[bool]:
        """Whether the job runs now; Google forgets jobs that nobody runs within five days."""
        try:
            yield self._call("RunOfflineUserDataJob", {"resourceName": handle["job"]})
        except RejectedError as error:
            if error_code(error) not in ("JOB_ALREADY_STARTED", "RESOURCE_NOT_FOUND"):
                raise
            return error_code(error) == "JOB_ALREADY_STARTED"
        return True

    def settle(self, session: Session, handle: Mapping[str, Json], jobs: Sequence[str]) -> Conversation[Settlement]:
        """Ask for the job's status. SUCCESS may hide operations that were refused: those were counted when they were added."""
        rows = yield from self._search(
            "SELECT offline_user_data_job.resource_name, offline_user_data_job.status, offline_user_data_job.failure_reason, "
            "offline_user_data_job.operation_metadata.match_rate_range FROM offline_user_data_job "
            f"WHERE offline_user_data_job.resource_name = '{_quoted(handle['job'])}'"
        )
        if not rows:
            return Settlement(done=True, handle=handle, jobs={"": JobOutcome(failed=True)})
        job = inside(rows[0], "offlineUserDataJob")
        rate = _match_rate(inside(job, "operationMetadata").get("matchRateRange"))
        status = job.get("status")
        if began := status == "PENDING":
            began = yield from self._run(handle)
            status = status if began else "FAILED"  # it was not run within five days, and cannot be any more
        if status == "FAILED":
            return Settlement(done=True, handle=handle, jobs={"": JobOutcome(failed=True, match_rate=rate)}, match_rate=rate)
        return Settlement(done=status == "SUCCESS", handle=handle, match_rate=rate, began=began)

    def _search(self, query: str) -> Conversation[list[dict[str, Json]]]:
        rows: list[dict[str, Json]] = []
        token = ""
        while True:
            body = {"customerId": self.settings.customer_id, "query": query}
            reply = yield self._call("Search", body | ({"pageToken": token} if token else {}))
            rows += listed(reply.body, "results")
            if not reply.body.get("nextPageToken"):
                return rows
            token = text(reply.body, "nextPageToken")

    def _call(self, method: str, body: Json, *, repeat: Repeat = Repeat.SAFE, rows: int = 0) -> Call:
        return Call("google_ads", method, f"customers/{self.settings.customer_id}", body, repeat=repeat, rows=rows)

    def judge(self, call: Call, reply: Reply) -> Verdict:
        """By gRPC status and error code; see `_google_ads_errors`."""
        return verdict(reply)


def _made(reply: Reply) -> str:
    for created_list in listed(reply.body, "results"):
        return text(created_list, "resourceName").rsplit("/", 1)[-1]
    raise ProtocolError("Google created a list and did not name it", help_url=HELP)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _match_rate(name: Json) -> str | None:
    if not isinstance(name, str) or "RANGE" not in name:
        return None
    text = name.removeprefix("MATCH_RANGE_")
    return f"< {text.removeprefix('LESS_THAN_')} %" if "LESS_THAN" in text else f"{text.replace('_TO_', '-')} %"


def _identifiers(row: Row) -> list[Json]:
    """One object an identifier: two in one object would silently keep only the last."""
    if mobile := row.get("mobile_ad_id"):
        return [{"mobileId": value} for value in mobile]
    if user_id := row.get("external_id"):
        return [{"thirdPartyUserId": user_id}]
    identifiers: list[Json] = [{"hashedEmail": value} for value in row.get("email") or ()]
    identifiers += [{"hashedPhoneNumber": value} for value in row.get("phone") or ()]
    if address := address_of(row):
        names = ("hashedFirstName", "hashedLastName", "countryCode", "postalCode")
        identifiers.append({"addressInfo": dict(zip(names, address, strict=True))})
    return identifiers
