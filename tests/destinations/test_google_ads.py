"""Google Ads through both of its doors: the exact forms on the wire, the error tables, jobs, sweeps and recoveries."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from contract.rig import Door, Wish, World, digest, expected_keys, people
from destinations.talk import Script, answered, ask, identifiers

from guestlist.destinations import destination_class
from guestlist.destinations.base import Destination
from guestlist.model.conversation import Call, Repeat, Reply, Verdict
from guestlist.model.delivery import AudienceRef, AudienceSpec, Batch, Consent, Field, Operation, Receipt, Session
from guestlist.model.errors import (
    AuthError,
    BatchRefused,
    ConfigError,
    GuestlistError,
    OutcomeUnknown,
    ProtocolError,
    RateLimitedError,
    RejectedError,
    TransientError,
)

_EXTRA = {
    "customer_id": "1234567890",
    "client_id": "sandbox-client",
    "client_secret": "sandbox-secret",
    "refresh_token": "sandbox-refresh",
    "token_uri": "{http}/oauth/token",
    "endpoint": "{http}/data_manager",
    "grpc_endpoint": "{grpc}",
    "ca_file": "{ca}",
}
DOORS = (
    Door(
        id="google_ads-data_manager",
        platform="google_ads",
        door="data_manager",
        book="google",
        paths={
            "create": r"/userLists$",
            "find": r"/userLists$",
            "add": r"audienceMembers:ingest$",
            "remove": r"audienceMembers:remove$",
            "replace": r"audienceMembers:ingest$",
            "ask": r"requestStatus:retrieve$",
        },
        busy=({"error": "RATE_LIMIT_EXCEEDED", "headers": {"retry-after": "7"}}, 7),
        down={"error": "UNAVAILABLE"},
        denied={"error": "UNAUTHENTICATED"},
        stale={"expire_token": True},
        late_failure={"fail_job": True, "reason": "INTERNAL_ERROR"},
        partial_failure={"fail_job": "partial", "count": 2, "reason": "INTERNAL_ERROR"},
        extra=_EXTRA,
        secrets=("client_secret", "refresh_token"),
        create_method="POST",
        phone_prefix="+",
        address="address",
    ),
    Door(
        id="google_ads-google_ads",
        platform="google_ads",
        door="google_ads",
        book="google",
        options={"api": "google_ads"},
        paths={
            "create": r"/MutateUserLists$",
            "find": r"/Search$",
            "add": r"/AddOfflineUserDataJobOperations$",
            "remove": r"/AddOfflineUserDataJobOperations$",
            "run": r"/RunOfflineUserDataJob$",
            "ask": r"/Search$",
        },
        busy=({"error": "quota_error.RESOURCE_TEMPORARILY_EXHAUSTED"}, 30),
        down={"error": "UNAVAILABLE"},
        denied={"error": "authentication_error.OAUTH_TOKEN_REVOKED"},
        stale={"expire_token": True},
        late_failure={"fail_job": True},
        partial_failure={"fail_job": "partial", "count": 2},
        fails_at="run",
        extra=_EXTRA,
        secrets=("client_secret", "refresh_token"),
        handle={"job": "customers/1234567890/offlineUserDataJobs/1"},
        phone_prefix="+",
        address="address",
    ),
)

DATA_MANAGER, JOBS = DOORS
AUDIENCE = AudienceRef("7001", "VIPs", "https://ads.google.com/aw/audiences/management")
SPEC = AudienceSpec("VIPs", "people", "guestlist:vips:google", (Field.EMAIL,))
EMAIL, EMAIL2, PHONE, FIRST, LAST = (
    digest(word) for word in ("a@example.com", "b@example.com", "+4915112345678", "zoe", "doe")
)
ADDRESS = {"first_name": FIRST, "last_name": LAST, "country": "DE", "postal_code": "80331"}
CONTACT_FIELDS = (Field.EMAIL, Field.PHONE, Field.FIRST_NAME, Field.LAST_NAME, Field.COUNTRY, Field.POSTAL_CODE)
GRANTED = Consent(ad_user_data=True, ad_personalization=True)
OPERATING = {"accountType": "GOOGLE_ADS", "accountId": "1234567890"}
HANDLE = {"job": "customers/1234567890/offlineUserDataJobs/1"}
BOTH = pytest.mark.parametrize("api", ["data_manager", "google_ads"])


def google(api: str = "data_manager", login: str | None = None, **options: Any) -> Destination:
    cls = destination_class("google_ads")
    extra = {"customer_id": "123-456-7890", "client_id": "i", "client_secret": "s", "refresh_token": "r"}
    return cls(cls.Settings(**extra, login_customer_id=login), cls.Options(api=api, **options))


def session(operation: Operation = Operation.ADD, **changes: Any) -> Session:
    given = {"total_batches": 1, "total_users": 2, "fields": CONTACT_FIELDS, "consent": GRANTED, **changes}
    return Session(4242, operation, AUDIENCE, pull_date="2026-03-01", **given)


def batch(*people_: dict[str, Any]) -> Batch:
    rows = [{field.value: row.get(field.value) for field in CONTACT_FIELDS} for row in people_]
    lists = {"email": pl.List(pl.String), "phone": pl.List(pl.String)}
    schema = {field.value: lists.get(field.value, pl.String) for field in CONTACT_FIELDS}
    return Batch("b", 1, pl.DataFrame(rows, schema=schema))


WHOLE = batch({"email": [EMAIL, EMAIL2], "phone": [PHONE], **ADDRESS}, {"email": [EMAIL], "first_name": FIRST})


# the Data Manager's forms


def test_an_ingest_has_destination_members_consent_encoding_and_terms() -> None:
    call = ask(google().send(session(), {}, WHOLE))
    assert (call.carrier, call.method, call.path, call.rows) == (
        "data_manager", "IngestAudienceMembers", "audienceMembers:ingest", 2,
    )  # fmt: skip
    address = {"givenName": FIRST, "familyName": LAST, "regionCode": "DE", "postalCode": "80331"}
    first = [{"emailAddress": EMAIL}, {"emailAddress": EMAIL2}, {"phoneNumber": PHONE}, {"address": address}]
    assert call.body == {
        "destinations": [{"operatingAccount": OPERATING, "productDestinationId": "7001"}],
        "audienceMembers": [
            {"compositeData": {"userData": {"userIdentifiers": first}}},
            {"compositeData": {"userData": {"userIdentifiers": [{"emailAddress": EMAIL}]}}},
        ],
        "encoding": "HEX",
        "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
        "consent": {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"},
    }


def test_a_removal_has_neither_terms_nor_consent() -> None:
    call = ask(google().send(session(Operation.REMOVE), {}, WHOLE))
    assert (call.method, call.path) == ("RemoveAudienceMembers", "audienceMembers:remove")
    assert sorted(call.body) == ["audienceMembers", "destinations", "encoding"]


@pytest.mark.parametrize(
    ("consent", "told"),
    [
        (Consent(), None),
        (Consent(ad_user_data=True), {"adUserData": "CONSENT_GRANTED"}),
        (Consent(ad_personalization=True), {"adPersonalization": "CONSENT_GRANTED"}),
    ],
)
def test_only_the_consent_that_was_given_is_told(consent: Consent, told: dict[str, str] | None) -> None:
    assert ask(google().send(session(consent=consent), {}, WHOLE)).body.get("consent") == told
    assert ask(google("google_ads").open(session(consent=consent))).body["job"]["customerMatchUserListMetadata"].get(
        "consent"
    ) == (dict.fromkeys(told, "GRANTED") if told else None)


def test_the_manager_is_in_the_body_of_an_upload() -> None:
    [destination] = ask(google(login="1112223333").send(session(), {}, WHOLE)).body["destinations"]
    assert destination["loginAccount"] == {"accountType": "GOOGLE_ADS", "accountId": "1112223333"}
    assert destination["productDestinationId"] == "7001"  # a number, never a resource name


@BOTH
def test_one_identifier_in_one_object_and_all_of_a_person_in_one_member(api: str) -> None:
    body = ask(google(api).send(session(), HANDLE, WHOLE)).body
    assert [len(member) for member in identifiers(body)] == [4, 1]
    assert all(len(identifier) == 1 for member in identifiers(body) for identifier in member)


@BOTH
@pytest.mark.parametrize("missing", sorted(ADDRESS))
def test_an_address_that_is_not_whole_is_left_out(api: str, missing: str) -> None:
    partly = {**ADDRESS, missing: None}
    [member] = identifiers(ask(google(api).send(session(), HANDLE, batch({"email": [EMAIL], **partly}))).body)
    assert [next(iter(identifier)) for identifier in member] == [
        {"data_manager": "emailAddress", "google_ads": "hashedEmail"}[api]
    ]


@pytest.mark.parametrize(
    ("upload", "row", "manager", "job"),
    [
        (
            "mobile_ad_id", {"mobile_ad_id": ["AEBE52E7-03EE-455A-B3C4-E57283966239", "x"]},
            {"mobileData": {"mobileIds": ["AEBE52E7-03EE-455A-B3C4-E57283966239", "x"]}},
            [{"mobileId": "AEBE52E7-03EE-455A-B3C4-E57283966239"}, {"mobileId": "x"}],
        ),
        ("user_id", {"external_id": "AbC-1"}, {"userIdData": {"userId": "AbC-1"}}, [{"thirdPartyUserId": "AbC-1"}]),
    ],
)  # fmt: skip
def test_lists_of_other_kinds_take_plain_ids(upload: str, row: Any, manager: Any, job: Any) -> None:
    options = {"upload": upload, **({"app_id": "1", "key_space": "IOS"} if upload == "mobile_ad_id" else {})}
    one = Batch("b", 1, pl.DataFrame([row]))
    assert ask(google(**options).send(session(), {}, one)).body["audienceMembers"] == [manager]
    [operation] = ask(google("google_ads", **options).send(session(), HANDLE, one)).body["operations"]
    assert operation == {"create": {"userIdentifiers": job}}


def test_a_list_is_made_with_duration_reference_and_kind() -> None:
    script = Script(google(membership_days=540).ensure(SPEC), answered({}), answered({}))
    queries = [call.body["filter"] for call in script.calls[:2]]
    assert queries == ['integration_code = "guestlist:vips:google"', 'display_name = "VIPs"']
    create = script.calls[2]
    assert (create.method, create.path, create.repeat) == (
        "CreateUserList", "accountTypes/GOOGLE_ADS/accounts/1234567890", Repeat.LOOKUP,
    )  # fmt: skip
    assert create.body == {
        "displayName": "VIPs",
        "description": "people",
        "integrationCode": "guestlist:vips:google",
        "membershipStatus": "OPEN",
        "membershipDuration": "46656000s",
        "ingestedUserListInfo": {
            "uploadKeyTypes": ["CONTACT_ID"],
            "contactIdInfo": {"dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY"},
        },
    }


def test_a_list_of_devices_names_app_and_key_space() -> None:
    device = {"upload": "mobile_ad_id", "app_id": "com.example", "key_space": "ANDROID"}
    info = Script(google(**device).ensure(SPEC), answered({}), answered({})).calls[2].body["ingestedUserListInfo"]
    assert info["mobileIdInfo"] == {
        "dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY",
        "keySpace": "ANDROID",
        "appId": "com.example",
    }
    made = Script(google("google_ads", **device).ensure(SPEC), answered({}), answered({})).calls[2].body
    assert made["operations"][0]["create"]["crmBasedUserList"]["appId"] == "com.example"


@BOTH
def test_a_description_is_never_empty(api: str) -> None:
    spec = AudienceSpec("VIPs", "", "ref", (Field.EMAIL,))
    body = Script(google(api).ensure(spec), answered({}), answered({})).calls[2].body
    made = body["operations"][0]["create"] if api == "google_ads" else body
    assert made["description"] == "Kept by Guestlist: ref"


@BOTH
def test_a_list_of_another_kind_is_not_written_to(api: str) -> None:
    found: dict[str, Any] = {"id": "7", "displayName": "VIPs", "ingestedUserListInfo": {"uploadKeyTypes": ["MOBILE_ID"]}}
    body: dict[str, Any] = {"userLists": [found]}
    if api == "google_ads":
        listed = {"id": "7", "name": "VIPs", "crmBasedUserList": {"uploadKeyType": "MOBILE_ADVERTISING_ID"}}
        body = {"results": [{"userList": listed}]}
    assert isinstance(Script(google(api).ensure(SPEC), answered(body)).error, ConfigError)


@BOTH
def test_names_are_quoted_in_queries(api: str) -> None:
    spec = AudienceSpec("a\\b\"c'd", "", "ref", (Field.EMAIL,))
    call = Script(google(api).ensure(spec), answered({})).calls[1]
    wanted = {"data_manager": 'display_name = "a\\\\b\\"c\'d"', "google_ads": "user_list.name = 'a\\\\b\"c\\'d'"}[api]
    assert str(call.body.get("filter") or call.body["query"]).endswith(wanted)


# jobs of the Google Ads API


def test_a_job_is_named_after_its_session() -> None:
    call = ask(google("google_ads").open(session()))
    assert (call.method, call.repeat) == ("CreateOfflineUserDataJob", Repeat.LOOKUP)
    assert call.body == {
        "customerId": "1234567890",
        "job": {
            "type": "CUSTOMER_MATCH_USER_LIST",
            "externalId": "4242",
            "customerMatchUserListMetadata": {
                "userList": "customers/1234567890/userLists/7001",
                "consent": {"adUserData": "GRANTED", "adPersonalization": "GRANTED"},
            },
        },
    }


def test_a_job_of_removals_asks_for_no_consent() -> None:
    call = ask(google("google_ads").open(session(Operation.REMOVE)))
    assert "consent" not in call.body["job"]["customerMatchUserListMetadata"]


@pytest.mark.parametrize(("operation", "verb"), [(Operation.ADD, "create"), (Operation.REMOVE, "remove")])
def test_a_job_only_adds_or_only_removes(operation: Operation, verb: str) -> None:
    call = ask(google("google_ads").send(session(operation), HANDLE, WHOLE))
    assert call.body["resourceName"] == HANDLE["job"]
    assert call.body["enablePartialFailure"] is True
    assert {name for one in call.body["operations"] for name in one} == {verb}
    address = {"hashedFirstName": FIRST, "hashedLastName": LAST, "countryCode": "DE", "postalCode": "80331"}
    first = [{"hashedEmail": EMAIL}, {"hashedEmail": EMAIL2}, {"hashedPhoneNumber": PHONE}, {"addressInfo": address}]
    assert call.body["operations"][0] == {verb: {"userIdentifiers": first}}


def _refused(code: str) -> RejectedError:
    return RejectedError("x", code=code)


@pytest.mark.parametrize("trouble", [OutcomeUnknown("x"), _refused("EXTERNAL_UPDATE_ID_ALREADY_EXISTS")])
def test_a_job_made_by_an_attempt_that_died_is_found_by_its_external_id(trouble: GuestlistError) -> None:
    found = answered({"results": [{"offlineUserDataJob": {"resourceName": "customers/1/offlineUserDataJobs/9"}}]})
    script = Script(google("google_ads").open(session()), trouble, found)
    assert script.result == {"job": "customers/1/offlineUserDataJobs/9"}
    assert "external_id = 4242" in script.calls[1].body["query"]
    nothing = Script(google("google_ads").open(session()), trouble, answered({}))
    assert nothing.error is trouble


def test_another_refusal_of_a_job_is_not_looked_up() -> None:
    script = Script(google("google_ads").open(session()), _refused("INVALID_USER_LIST_ID"))
    assert (len(script.calls), script.error and script.error.code) == (1, "INVALID_USER_LIST_ID")


def test_a_job_that_runs_already_is_as_good_as_run() -> None:
    script = Script(google("google_ads").close(session(), HANDLE), _refused("JOB_ALREADY_STARTED"))
    assert (script.calls[0].method, script.calls[0].body, script.result) == (
        "RunOfflineUserDataJob",
        {"resourceName": HANDLE["job"]},
        HANDLE,
    )


def settle(*answers: Any) -> Script:
    return Script(google("google_ads").settle(session(), HANDLE, ()), *answers)


def job(status: str, **more: Any) -> Reply:
    return answered({"results": [{"offlineUserDataJob": {"resourceName": HANDLE["job"], "status": status, **more}}]})


def test_a_job_is_asked_for_until_it_is_over() -> None:
    assert settle(job("RUNNING")).result.done is False
    rated = settle(job("SUCCESS", operationMetadata={"matchRateRange": "MATCH_RANGE_61_TO_70"})).result
    assert (rated.done, rated.jobs, rated.match_rate) == (True, {}, "61-70 %")
    low = settle(job("SUCCESS", operationMetadata={"matchRateRange": "MATCH_RANGE_LESS_THAN_20"})).result
    assert low.match_rate == "< 20 %"
    failed = settle(job("FAILED")).result
    assert (failed.done, failed.jobs[""].failed) == (True, True)


def test_a_job_that_nobody_ran_is_run_and_one_that_cannot_be_run_any_more_is_lost() -> None:
    pending = settle(job("PENDING"), answered({}))
    assert [call.method for call in pending.calls] == ["Search", "RunOfflineUserDataJob"]
    assert pending.result.done is False
    expired = settle(job("PENDING"), _refused("RESOURCE_NOT_FOUND")).result
    assert (expired.done, expired.jobs[""].failed) == (True, True)
    gone = settle(answered({})).result
    assert (gone.done, gone.jobs[""].failed) == (True, True)


def test_a_search_walks_all_pages() -> None:
    page = answered({"results": [], "nextPageToken": "p2"})
    script = settle(page, job("SUCCESS"))
    assert script.calls[1].body["pageToken"] == "p2"
    assert script.result.done


# the error tables


def dm_error(reason: str, status: int = 400, *violations: tuple[str, str], **metadata: str) -> Verdict:
    names = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 429: "RESOURCE_EXHAUSTED"}
    details: list[dict[str, Any]] = [{"@type": "x/ErrorInfo", "reason": reason, "metadata": metadata}]
    if violations:
        details.append({"fieldViolations": [{"field": field, "reason": why} for field, why in violations]})
    details.append({"requestId": "request-7"})
    body = {"error": {"code": status, "status": names.get(status, "UNKNOWN"), "message": "m", "details": details}}
    return google().judge(Call("data_manager", "x", "y"), Reply(status, body))


@pytest.mark.parametrize(
    ("reason", "status", "kind"),
    [
        ("UNAVAILABLE", 503, TransientError), ("DEADLINE_EXCEEDED", 504, TransientError),
        ("INTERNAL_ERROR", 500, TransientError),
        ("RATE_LIMIT_EXCEEDED", 429, RateLimitedError), ("UNAUTHENTICATED", 401, AuthError),
        ("PERMISSION_DENIED", 403, AuthError), ("NOT_ALLOWLISTED", 403, AuthError), ("NOT_ALLOWLISTED", 400, AuthError),
        ("TERMS_AND_CONDITIONS_NOT_SIGNED", 400, AuthError),
        ("ADVERTISER_NOT_ALLOWLISTED_FOR_UPLOADED_DATA", 400, AuthError),
        ("EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED", 400, AuthError),
        ("OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH", 400, AuthError), ("DESTINATION_ACCOUNT_TYPE_MISMATCH", 400, AuthError),
        ("INVALID_DESTINATION", 400, ConfigError), ("INVALID_USER_LIST_ID", 400, ConfigError),
        ("INVALID_USER_LIST_TYPE", 400, ConfigError), ("MULTIPLE_DATA_TYPES_NOT_ALLOWED", 400, RejectedError),
        ("REQUIRED_FIELD_MISSING", 400, RejectedError), ("INVALID_ENUM_VALUE", 400, RejectedError),
        ("DUPLICATE_DESTINATION_REFERENCE", 400, RejectedError), ("OWNERSHIP_REQUIRED_FOR_UPDATE", 400, ConfigError),
        ("ALREADY_EXISTS", 409, RejectedError), ("INVALID_HEX_ENCODING", 400, BatchRefused),
        ("INVALID_BASE64_ENCODING", 400, BatchRefused), ("INVALID_SHA256_FORMAT", 400, BatchRefused),
        ("INVALID_POSTAL_CODE", 400, BatchRefused), ("INVALID_REGION_CODE", 400, BatchRefused),
        ("INVALID_AUDIENCE_MEMBER", 400, BatchRefused), ("INVALID_MOBILE_ID_FORMAT", 400, BatchRefused),
        ("FIELD_VALUE_TOO_LONG", 400, BatchRefused), ("NO_IDENTIFIERS_PROVIDED", 400, BatchRefused),
        ("INVALID_FORMAT", 400, BatchRefused), ("TOO_MANY_AUDIENCE_MEMBERS", 400, BatchRefused),
        ("TOO_MANY_USER_IDENTIFIERS", 400, BatchRefused), ("INVALID_REQUEST_ID", 400, RejectedError),
        ("REQUEST_TOO_OLD", 400, RejectedError), ("A_REASON_OF_NEXT_YEAR", 400, RejectedError),
        ("A_REASON_OF_NEXT_YEAR", 500, TransientError),
    ],
)  # fmt: skip
def test_every_documented_reason_has_its_class(reason: str, status: int, kind: type[GuestlistError]) -> None:
    verdict = dm_error(reason, status)
    assert type(verdict.error) is kind
    assert (verdict.error.code, verdict.error.request_id) == (reason, "request-7")
    assert verdict.refresh is (status == 401)


def test_a_quota_of_the_day_and_one_of_the_minute_are_waited_for_differently() -> None:
    day, minute = (
        dm_error("RATE_LIMIT_EXCEEDED", 429, quota_limit=f"IngestionMutateRequestsPer{window}PerProject").error
        for window in ("Day", "Minute")
    )
    assert (day and day.retry_after, minute and minute.retry_after) == (86_400, 60)


def test_violations_name_the_rows_whatever_else_is_in_their_path() -> None:
    found = dm_error(
        "INVALID_SHA256_FORMAT", 400,
        ("audience_members.audience_members[17].composite_data.user_data.user_identifiers[0].email_address",
         "INVALID_HEX_ENCODING"),
        ("audienceMembers[3]", "NO_IDENTIFIERS_PROVIDED"), ("destinations[0]", "INVALID_DESTINATION"),
    ).error  # fmt: skip
    assert isinstance(found, BatchRefused)
    assert found.rows == {17: "INVALID_HEX_ENCODING", 3: "NO_IDENTIFIERS_PROVIDED"}


ADS_ERRORS = [
    ("internalError", "TRANSIENT_ERROR", 500, TransientError), ("internalError", "INTERNAL_ERROR", 500, TransientError),
    ("internalError", "DEADLINE_EXCEEDED", 504, TransientError), ("", "UNAVAILABLE", 503, TransientError),
    ("", "INTERNAL", 500, TransientError), ("", "ABORTED", 409, TransientError),
    ("databaseError", "CONCURRENT_MODIFICATION", 409, TransientError),
    ("databaseError", "DATA_CONSTRAINT_VIOLATION", 400, TransientError),
    ("quotaError", "RESOURCE_TEMPORARILY_EXHAUSTED", 429, RateLimitedError),
    ("quotaError", "RESOURCE_EXHAUSTED", 429, RateLimitedError), ("", "RESOURCE_EXHAUSTED", 429, RateLimitedError),
    ("offlineUserDataJobError", "TOO_MANY_USER_IDENTIFIERS", 400, BatchRefused),
    ("databaseError", "REQUEST_TOO_LARGE", 400, BatchRefused), ("collectionSizeError", "TOO_MANY", 400, BatchRefused),
    ("requestError", "RESOURCE_NOT_FOUND", 404, RejectedError),
    ("offlineUserDataJobError", "JOB_ALREADY_STARTED", 400, RejectedError),
    ("authenticationError", "OAUTH_TOKEN_EXPIRED", 401, AuthError),
    ("authenticationError", "OAUTH_TOKEN_INVALID", 401, AuthError),
    ("authenticationError", "OAUTH_TOKEN_REVOKED", 401, AuthError),
    ("authenticationError", "OAUTH_TOKEN_DISABLED", 401, AuthError),
    ("authenticationError", "NOT_ADS_USER", 401, AuthError), ("authenticationError", "CUSTOMER_NOT_FOUND", 401, AuthError),
    ("authenticationError", "TWO_STEP_VERIFICATION_NOT_ENROLLED", 401, AuthError),
    ("authorizationError", "USER_PERMISSION_DENIED", 403, AuthError),
    ("authorizationError", "CUSTOMER_NOT_ENABLED", 403, AuthError),
    ("authorizationError", "PROJECT_DISABLED", 403, AuthError), ("authorizationError", "MISSING_TOS", 403, AuthError),
    ("authorizationError", "CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION", 403, AuthError),
    ("authorizationError", "ACTION_NOT_PERMITTED_FOR_SUSPENDED_ACCOUNT", 403, AuthError),
    ("headerError", "INVALID_LOGIN_CUSTOMER_ID", 400, AuthError),
    ("notAllowlistedError", "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE", 403, ConfigError),
    ("userListError", "ADVERTISER_NOT_ON_ALLOWLIST_FOR_USING_UPLOADED_DATA", 400, AuthError),
    ("offlineUserDataJobError", "CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS", 400, AuthError),
    ("offlineUserDataJobError", "INVALID_USER_LIST_ID", 400, ConfigError),
    ("offlineUserDataJobError", "INVALID_USER_LIST_TYPE", 400, ConfigError),
    ("offlineUserDataJobError", "INCOMPATIBLE_UPLOAD_KEY_TYPE", 400, ConfigError),
    ("offlineUserDataJobError", "NOT_ON_ALLOWLIST_FOR_USER_ID", 400, ConfigError),
    ("offlineUserDataJobError", "CONFLICTING_OPERATION", 400, RejectedError),
    ("offlineUserDataJobError", "INVALID_OPERATION_ORDER", 400, RejectedError),
    ("requestError", "UNSUPPORTED_VERSION", 400, ConfigError),
    ("offlineUserDataJobError", "INVALID_SHA256_FORMAT", 400, BatchRefused),
    ("offlineUserDataJobError", "MISSING_USER_IDENTIFIER", 400, BatchRefused),
    ("offlineUserDataJobError", "INVALID_MOBILE_ID_FORMAT", 400, BatchRefused),
    ("offlineUserDataJobError", "INVALID_ENCODING", 400, BatchRefused),
    ("offlineUserDataJobError", "INVALID_COUNTRY_CODE", 400, BatchRefused),
    ("userListError", "NAME_ALREADY_USED", 400, ConfigError),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "code", "status", "expected"), ADS_ERRORS)
def test_every_documented_code_has_its_class(kind: str, code: str, status: int, expected: type[GuestlistError]) -> None:
    errors = [{"errorCode": {kind: code}, "message": "m"}] if kind else []
    body = {"error": {"status": "X" if kind else code, "errors": errors}}
    verdict = google("google_ads").judge(Call("google_ads", "x", "y"), Reply(status, body, {}, "request-9"))
    assert type(verdict.error) is expected
    assert (verdict.error.code, verdict.error.request_id) == (code, "request-9")
    assert verdict.refresh is (code in ("OAUTH_TOKEN_EXPIRED", "OAUTH_TOKEN_INVALID"))


def ads_quota(code: str, **details: Any) -> float | None:
    body = {"error": {"errors": [{"errorCode": {"quotaError": code}, "details": {"quotaErrorDetails": details}}]}}
    error = google("google_ads").judge(Call("google_ads", "x", "y"), Reply(429, body)).error
    assert error
    return error.retry_after


def test_a_quota_that_passes_soon_and_one_of_the_day_are_waited_for_differently() -> None:
    assert ads_quota("RESOURCE_TEMPORARILY_EXHAUSTED", retryDelay="12s") == 12
    assert ads_quota("RESOURCE_TEMPORARILY_EXHAUSTED") == 30
    assert ads_quota("RESOURCE_EXHAUSTED") == 86_400


def test_a_partial_failure_names_rows_and_codes() -> None:
    path = [{"fieldName": "operations", "index": 1}, {"fieldName": "create"}]
    failure = {
        "errors": [{"errorCode": {"offlineUserDataJobError": "INVALID_SHA256_FORMAT"}, "location": {"fieldPathElements": path}}]
    }
    first = {"errors": [{"errorCode": {"x": "Y"}, "location": {"fieldPathElements": [{"fieldName": "operations"}]}}]}
    receipt: Receipt = Script(
        google("google_ads").send(session(), HANDLE, WHOLE),
        answered({"partialFailureError": {"code": 3, "details": [{"@type": "x", **failure}, first]}}),
    ).result
    assert (receipt.accepted, receipt.rejected) == (0, {1: "INVALID_SHA256_FORMAT", 0: "Y"})  # index 0 is left out in JSON


# the Data Manager's settling and sweeping


def status(state: str, *counts: tuple[str, int], **more: Any) -> Reply:
    told = {
        "errorInfo": {"errorCounts": [{"reason": f"PROCESSING_ERROR_REASON_{why}", "recordCount": str(n)} for why, n in counts]}
    }
    return answered({"requestStatusPerDestination": [{"requestStatus": state, **(told if counts else {}), **more}]})


@pytest.mark.parametrize(
    ("state", "done"),
    [
        ("SUCCESS", True),
        ("PARTIAL_SUCCESS", True),
        ("FAILED", True),
        ("FAILURE", True),
        ("PROCESSING", False),
        ("REQUEST_STATUS_UNKNOWN", False),
    ],
)
def test_a_request_is_asked_for_until_it_is_over(state: str, done: bool) -> None:
    settlement = Script(google().settle(session(), {}, ("r1",)), status(state)).result
    assert settlement.done is done
    assert [outcome.failed for outcome in settlement.jobs.values()] == [state in ("FAILED", "FAILURE")] * done


def test_failures_are_counted_by_reason_over_all_requests_of_a_batch() -> None:
    script = Script(
        google().settle(session(), {}, ("r1 r2",)),
        status("PARTIAL_SUCCESS", ("INVALID_FORMAT", 3)),
        status("PARTIAL_SUCCESS", ("INVALID_FORMAT", 1), ("DENIED_CONSENT", 2)),
    )
    assert [call.body for call in script.calls] == [{"requestId": "r1"}, {"requestId": "r2"}]
    assert script.result.jobs["r1 r2"].rejected == {"INVALID_FORMAT": 4, "DENIED_CONSENT": 2}


def test_a_match_rate_is_told_where_there_is_one() -> None:
    rated = {
        "audienceMembersIngestionStatus": {
            "compositeDataIngestionStatus": {"uploadMatchRateRange": "MATCH_RATE_RANGE_61_TO_70"}
        }
    }
    assert Script(google().settle(session(), {}, ("r",)), status("SUCCESS", **rated)).result.match_rate == "61-70 %"
    none = {"audienceMembersIngestionStatus": {"x": {"uploadMatchRateRange": "MATCH_RATE_RANGE_NOT_ELIGIBLE"}}}
    assert Script(google().settle(session(), {}, ("r",)), status("SUCCESS", **none)).result.match_rate is None


@pytest.mark.parametrize("code", ["REQUEST_TOO_OLD", "INVALID_REQUEST_ID"])
def test_a_request_that_google_has_forgotten_is_taken_for_lost(code: str) -> None:
    settlement = Script(google().settle(session(), {}, ("r",)), _refused(code)).result
    assert (settlement.done, settlement.jobs["r"].failed) == (True, True)


def test_a_replace_goes_by_googles_clock_and_sweeps_when_all_is_in() -> None:
    replace = session(Operation.REPLACE)
    opened = Script(google().open(replace), answered({}, date="Wed, 21 Oct 2026 07:28:00 GMT")).result
    assert opened == {"as_of": "2026-10-21T07:28:00Z"}
    early = Script(google().settle(replace, opened, ("r1", "r2")), status("SUCCESS"), status("PROCESSING"))
    assert (early.result.done, len(early.calls)) == (False, 2)
    script = Script(google().settle(replace, early.result.handle, ("r2",)), status("SUCCESS"), answered({"requestId": "sweep"}))
    sweep = script.calls[1]
    assert (sweep.method, sweep.path) == ("RemoveAllAudienceMembers", "audienceMembers:removeAll")
    assert sweep.body == {
        "destinations": [{"operatingAccount": OPERATING, "productDestinationId": "7001"}],
        "removeAsOfTime": "2026-10-21T07:28:00Z",
    }
    assert script.result.done is False
    waiting = Script(google().settle(replace, script.result.handle, ()), status("PROCESSING")).result
    assert waiting.done is False
    assert Script(google().settle(replace, waiting.handle, ()), status("SUCCESS")).result.done is True


@pytest.mark.parametrize("date", [None, "", "soon"])
def test_without_googles_time_nothing_is_swept(date: str | None) -> None:
    headers = {} if date is None else {"date": date}
    assert isinstance(Script(google().open(session(Operation.REPLACE)), answered({}, **headers)).error, ProtocolError)


@pytest.mark.parametrize("trouble", [status("FAILED"), status("PARTIAL_SUCCESS", ("INTERNAL_ERROR", 1))])
def test_nobody_is_swept_after_an_upload_that_failed_in_part(trouble: Reply) -> None:
    script = Script(google().settle(session(Operation.REPLACE), {"as_of": "x"}, ("r1",)), trouble)
    assert len(script.calls) == 1
    assert (script.result.done, script.result.jobs[""].failed) == (True, True)
    before = {"as_of": "x", "troubled": True}
    later = Script(google().settle(session(Operation.REPLACE), before, ("r2",)), status("SUCCESS"))
    assert (len(later.calls), later.result.jobs[""].failed) == (1, True)


def test_a_sweep_that_failed_makes_the_whole_replace_fail() -> None:
    script = Script(google().settle(session(Operation.REPLACE), {"as_of": "x", "sweep": "s"}, ()), status("FAILED"))
    assert (script.result.done, script.result.jobs[""].failed) == (True, True)


# whole runs that only Google has


@pytest.mark.parametrize("fault", ["upload", "sweep"])
def test_a_replace_that_fails_is_red_and_is_done_again(world: World, fault: str) -> None:
    before, after = people(range(4)), people(range(2, 7))
    segment = world.segment(DATA_MANAGER, world.name("replace"), before, Wish(mode="replace"))
    assert world.run(DATA_MANAGER, segment).state == "sealed"
    world.advance(86_400)
    world.segment(DATA_MANAGER, segment.name, after, Wish(mode="replace"))
    path = {"upload": r"audienceMembers:ingest$", "sweep": r"audienceMembers:removeAll$"}[fault]
    world.admin("POST", "faults/data_manager", {"faults": [{"match": {"path": path}, "action": {"fail_job": True}}]})
    report = world.run(DATA_MANAGER, segment)
    assert report.state == "rejected"
    kept = world.held(DATA_MANAGER, world.audience(DATA_MANAGER, segment))
    assert kept["email"] >= expected_keys(people(range(2, 4)), DATA_MANAGER)["email"]  # nobody who is wanted was swept
    world.advance(86_400)
    assert world.run(DATA_MANAGER, segment).state == "sealed"
    assert world.held(DATA_MANAGER, world.audience(DATA_MANAGER, segment)) == expected_keys(after, DATA_MANAGER)


def test_a_managers_credential_reaches_the_account_through_both_doors(world: World) -> None:
    world.overrides["login_customer_id"] = "111-222-3333"
    for door in DOORS:
        world.settings(door, managers=["1112223333"])
        segment = world.segment(door, world.name("managed"), people(range(3)), Wish(audience=door.id))
        assert world.run(door, segment).state == "sealed"
        world.overrides.clear()
        with pytest.raises(AuthError):
            world.run(door, world.segment(door, world.name("unmanaged"), people(range(3)), Wish(audience="other")))
        world.overrides["login_customer_id"] = "1112223333"


def test_both_doors_write_to_the_same_list(world: World) -> None:
    segment = world.segment(DATA_MANAGER, world.name("two_doors"), people(range(4)))
    world.run(DATA_MANAGER, segment)
    audience = world.audience(DATA_MANAGER, segment)
    same = world.segment(JOBS, segment.name, people(range(2, 6)))
    assert world.run(JOBS, same).state == "sealed"
    assert world.audience(JOBS, same) == audience
    assert world.held(JOBS, audience) == expected_keys(people(range(2, 6)), JOBS)


def test_an_account_that_may_not_upload_any_more_is_told_to_change_doors(world: World) -> None:
    world.settings(JOBS, uploads_allowed=False)
    with pytest.raises(ConfigError, match="api: data_manager"):
        world.run(JOBS, world.segment(JOBS, world.name("barred"), people(range(2))))


@pytest.mark.parametrize(
    ("door", "path", "days"),
    [(DATA_MANAGER, "ask", 51), (JOBS, "run", 6)],
    ids=["a request of seven weeks ago", "a job never run"],
)
def test_what_google_has_forgotten_is_sent_again(world: World, door: Door, path: str, days: int) -> None:
    rows = people(range(4))
    segment = world.segment(door, world.name("forgotten"), rows)
    world.fault(door, door.down, path, times=9)
    with pytest.raises(TransientError):
        world.run(door, segment)
    world.clear_faults(door)
    world.advance(days * 86_400)
    report = world.run(door, segment)
    assert (report.state, report.rows_planned) == ("sealed", 4)
    assert world.held(door, world.audience(door, segment)) == expected_keys(rows, door)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"customer_id": "12"}, "ten digits"),
        ({"service_account_file": "key.json"}, "not both"),
        ({"refresh_token": None}, "or service_account_file"),
        ({"login_customer_id": "1234"}, "ten digits"),
    ],
)
def test_a_connection_that_cannot_work_says_what_is_wrong(given: dict[str, Any], problem: str) -> None:
    extra = {"customer_id": "1234567890", "client_id": "i", "client_secret": "s", "refresh_token": "r"}
    with pytest.raises(ValueError, match=problem):
        destination_class("google_ads").Settings(**extra | given)
