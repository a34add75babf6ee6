"""The Data Manager API: fail-fast checks, limits, later processing, diagnostics, the sweep."""

from __future__ import annotations

import base64
import hashlib
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from sandbox.rig import ACCOUNT, Rig, destination, digest, ingest_body, member

EMAIL = {"emailAddress": digest("a")}
PHONE = {"phoneNumber": digest("1")}
ADDRESS = {"givenName": digest("g"), "familyName": digest("f"), "regionCode": "US", "postalCode": "94045"}
TERMS = {"customerMatchTermsOfServiceStatus": "ACCEPTED"}


def reason(reply: Any) -> str:
    return reply.json()["error"]["details"][0]["reason"]


def ingest(rig: Rig, body: dict[str, Any]) -> str:
    reply = rig.dm("POST", "audienceMembers:ingest", body)
    assert reply.status_code == 200, reply.text
    return reply.json()["requestId"]


def status(rig: Rig, request: str) -> dict[str, Any]:
    return rig.dm("GET", "requestStatus:retrieve", requestId=request).json()["requestStatusPerDestination"][0]


def test_members_arrive_after_half_an_hour(rig: Rig) -> None:
    number = rig.dm_list()
    request = ingest(rig, ingest_body(number, [member(EMAIL, PHONE, {"address": ADDRESS})]))
    assert status(rig, request)["requestStatus"] == "PROCESSING"
    assert "errorInfo" not in status(rig, request)
    assert rig.keys("google", number) == {}
    rig.advance(1801)
    found = status(rig, request)
    assert found["requestStatus"] == "SUCCESS"
    counts = found["audienceMembersIngestionStatus"]["compositeDataIngestionStatus"]
    assert counts["recordCount"] == "1"
    assert {item["type"]: item["count"] for item in counts["dataTypeCounts"]} == {
        "EMAIL": "1",
        "PHONE_NUMBER": "1",
        "ADDRESS": "1",
    }
    assert counts["uploadMatchRateRange"] == "MATCH_RATE_RANGE_NOT_ELIGIBLE"
    address = "|".join([digest("g"), digest("f"), "US", "94045"])
    assert rig.keys("google", number) == {"email": [digest("a")], "phone": [digest("1")], "address": [address]}


def test_requests_are_applied_in_the_order_of_their_arrival(rig: Rig) -> None:
    number = rig.dm_list()
    body = ingest_body(number, [member(EMAIL), member({"emailAddress": digest("b")})])
    removal = {name: body[name] for name in ("destinations", "encoding")} | {"audienceMembers": [member(EMAIL)]}
    ingest(rig, body)
    assert rig.dm("POST", "audienceMembers:remove", removal).status_code == 200
    rig.advance(1801)
    assert rig.keys("google", number) == {"email": [digest("b")]}
    ingest(rig, body)
    rig.advance(1801)
    assert rig.keys("google", number) == {"email": sorted([digest("a"), digest("b")])}


def test_base64_is_the_same_key_as_hex(rig: Rig) -> None:
    number = rig.dm_list()
    encoded = base64.b64encode(hashlib.sha256(b"a").digest()).decode()
    ingest(rig, ingest_body(number, [member({"emailAddress": encoded})], encoding=2))
    rig.advance(1801)
    assert rig.keys("google", number) == {"email": [digest("a")]}


def test_mobile_ids_and_user_ids(rig: Rig) -> None:
    mobile, user = rig.dm_list("phones", "MOBILE_ID"), rig.dm_list("ids", "USER_ID")
    idfa = "AEBE52E7-03EE-455A-B3C4-E57283966239"
    ingest(rig, ingest_body(mobile, [{"mobileData": {"mobileIds": [idfa]}}]))
    request = ingest(rig, ingest_body(user, [{"userIdData": {"userId": "C-1"}}]))
    rig.advance(1801)
    assert rig.keys("google", mobile) == {"mobile_ad_id": [idfa]}
    assert rig.keys("google", user) == {"user_id": ["C-1"]}
    counts = status(rig, request)["audienceMembersIngestionStatus"]["userIdDataIngestionStatus"]
    assert counts == {"recordCount": "1", "userIdCount": "1"}


ROWS = [
    ({"emailAddress": "a@example.com"}, "INVALID_HEX_ENCODING", "email_address"),
    ({"emailAddress": digest("a").upper()}, "INVALID_SHA256_FORMAT", "email_address"),
    ({"emailAddress": digest("a")[:62]}, "INVALID_SHA256_FORMAT", "email_address"),
    ({"phoneNumber": ""}, "REQUIRED_FIELD_MISSING", "phone_number"),
    ({"address": {**ADDRESS, "postalCode": ""}}, "REQUIRED_FIELD_MISSING", "address.postal_code"),
    ({"address": {**ADDRESS, "regionCode": "UK"}}, "INVALID_REGION_CODE", "address.region_code"),
    ({"address": {**ADDRESS, "regionCode": "us"}}, "INVALID_REGION_CODE", "address.region_code"),
    ({"address": {**ADDRESS, "postalCode": digest("94045")}}, "INVALID_POSTAL_CODE", "address.postal_code"),
    ({"address": {**ADDRESS, "givenName": "dana"}}, "INVALID_HEX_ENCODING", "address.given_name"),
    ({**EMAIL, **PHONE}, "INVALID_ARGUMENT", ""),
    ({"hashedEmail": digest("a")}, "INVALID_ARGUMENT", ""),
]


@pytest.mark.parametrize(("identifier", "expected", "field"), ROWS)
def test_one_bad_identifier_refuses_the_request_and_is_named(
    rig: Rig, identifier: dict[str, Any], expected: str, field: str
) -> None:
    number = rig.dm_list()
    reply = rig.dm("POST", "audienceMembers:ingest", ingest_body(number, [member(EMAIL), member(EMAIL, identifier)]))
    assert (reply.status_code, reason(reply)) == (400, expected)
    violations = reply.json()["error"]["details"][1]["fieldViolations"]
    path = "audience_members.audience_members[1].composite_data.user_data.user_identifiers[1]"
    assert violations[0]["field"] == f"{path}.{field}".rstrip(".")
    rig.advance(1801)
    assert rig.keys("google", number) == {}


def test_every_bad_member_is_named(rig: Rig) -> None:
    number = rig.dm_list()
    bad = member({"emailAddress": "x"})
    reply = rig.dm("POST", "audienceMembers:ingest", ingest_body(number, [bad, member(EMAIL), bad]))
    places = [item["field"].split("]")[0] for item in reply.json()["error"]["details"][1]["fieldViolations"]]
    assert places == ["audience_members.audience_members[0", "audience_members.audience_members[2"]


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("CONTACT_ID", {"compositeData": {}}, "REQUIRED_FIELD_MISSING"),
        ("CONTACT_ID", {"userData": {"userIdentifiers": []}}, "NO_IDENTIFIERS_PROVIDED"),
        ("CONTACT_ID", {"userData": {"userIdentifiers": [EMAIL] * 11}}, "TOO_MANY_USER_IDENTIFIERS"),
        ("CONTACT_ID", {}, "INVALID_AUDIENCE_MEMBER"),
        ("CONTACT_ID", {"mobileData": {"mobileIds": ["x"]}}, "INVALID_USER_LIST_TYPE"),
        ("MOBILE_ID", {"mobileData": {"mobileIds": [digest("x")]}}, "INVALID_MOBILE_ID_FORMAT"),
        ("MOBILE_ID", {"mobileData": {"mobileIds": []}}, "NO_IDENTIFIERS_PROVIDED"),
        ("USER_ID", {"userIdData": {"userId": ""}}, "REQUIRED_FIELD_MISSING"),
        ("USER_ID", {"userIdData": {"userId": "x" * 513}}, "FIELD_VALUE_TOO_LONG"),
    ],
)
def test_bad_members(rig: Rig, kind: str, data: dict[str, Any], expected: str) -> None:
    number = rig.dm_list("list", kind)
    assert reason(rig.dm("POST", "audienceMembers:ingest", ingest_body(number, [data]))) == expected


BODIES: list[tuple[dict[str, Any], str]] = [
    ({"destinations": []}, "REQUIRED_FIELD_MISSING"),
    ({"audienceMembers": []}, "REQUIRED_FIELD_MISSING"),
    ({"encoding": None}, "REQUIRED_FIELD_MISSING"),
    ({"encoding": 9}, "INVALID_ENUM_VALUE"),
    ({"consent": {"adUserData": "GRANTED"}}, "INVALID_ENUM_VALUE"),
    ({"termsOfService": {}}, "TERMS_AND_CONDITIONS_NOT_SIGNED"),
    ({"hurry": True}, "INVALID_ARGUMENT"),
    ({"audienceMembers": [member(EMAIL), {"userData": {"userIdentifiers": [EMAIL]}}]}, "MULTIPLE_DATA_TYPES_NOT_ALLOWED"),
    ({"audienceMembers": [member(EMAIL, destinationReferences=["nowhere"])]}, "INVALID_DESTINATION"),
]


@pytest.mark.parametrize(("change", "expected"), BODIES)
def test_bad_requests(rig: Rig, change: dict[str, Any], expected: str) -> None:
    body = ingest_body(rig.dm_list(), [member(EMAIL)]) | change
    assert reason(rig.dm("POST", "audienceMembers:ingest", body)) == expected


ACCOUNT_ADS = {"accountType": "GOOGLE_ADS", "accountId": ACCOUNT}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"productDestinationId": f"customers/{ACCOUNT}/userLists/7000000001"}, "INVALID_USER_LIST_ID"),
        ({"productDestinationId": "1"}, "INVALID_USER_LIST_ID"),
        ({"productDestinationId": ""}, "REQUIRED_FIELD_MISSING"),
        ({"operatingAccount": None}, "REQUIRED_FIELD_MISSING"),
        ({"operatingAccount": {**ACCOUNT_ADS, "accountId": "123-456-7890"}}, "INVALID_FORMAT"),
        ({"operatingAccount": {**ACCOUNT_ADS, "accountId": "123"}}, "PERMISSION_DENIED"),
        ({"operatingAccount": {**ACCOUNT_ADS, "accountId": "9999999999"}}, "INVALID_USER_LIST_ID"),
        ({"operatingAccount": {**ACCOUNT_ADS, "product": 2}}, "INVALID_DESTINATION"),
        ({"operatingAccount": {**ACCOUNT_ADS, "accountType": "MYSPACE"}}, "INVALID_ENUM_VALUE"),
    ],
)
def test_bad_destinations(rig: Rig, change: dict[str, Any], expected: str) -> None:
    number = rig.dm_list()
    body = ingest_body(number, [member(EMAIL)], destinations=[destination(number) | change])
    assert reason(rig.dm("POST", "audienceMembers:ingest", body)) == expected


def test_several_destinations_and_references(rig: Rig) -> None:
    first, second = rig.dm_list("one"), rig.dm_list("two")
    both = [destination(first, reference="1"), destination(second, reference="2")]
    members = [member(EMAIL), member({"emailAddress": digest("b")}, destinationReferences=["2"])]
    ingest(rig, ingest_body(first, members, destinations=both))
    rig.advance(1801)
    assert [len(rig.keys("google", number)["email"]) for number in (first, second)] == [1, 2]
    twice = [destination(first, reference="1"), destination(second, reference="1")]
    body = ingest_body(first, members[:1], destinations=twice)
    assert reason(rig.dm("POST", "audienceMembers:ingest", body)) == "DUPLICATE_DESTINATION_REFERENCE"
    body["destinations"] = [destination(first)] * 11
    assert reason(rig.dm("POST", "audienceMembers:ingest", body)) == "TOO_MANY_DESTINATIONS"


def test_ten_thousand_members_go_and_one_more_does_not(rig: Rig) -> None:
    number = rig.dm_list()
    members = [member({"emailAddress": digest(place)}) for place in range(10_001)]
    body = ingest_body(number, members)
    assert reason(rig.dm("POST", "audienceMembers:ingest", body)) == "TOO_MANY_AUDIENCE_MEMBERS"
    body["audienceMembers"] = members[:10_000]
    request = ingest(rig, body)
    rig.advance(1801)
    assert len(rig.keys("google", number)["email"]) == 10_000
    rate = status(rig, request)["audienceMembersIngestionStatus"]["compositeDataIngestionStatus"]["uploadMatchRateRange"]
    assert rate == "MATCH_RATE_RANGE_61_TO_70"


def test_denied_consent_is_accepted_and_counted_later(rig: Rig) -> None:
    number = rig.dm_list()
    denied = {"adUserData": "CONSENT_DENIED", "adPersonalization": 1}
    odd = {"address": {**ADDRESS, "postalCode": "ABC"}}
    members = [member(EMAIL), member({"emailAddress": digest("b")}, consent=denied), member(odd)]
    request = ingest(rig, ingest_body(number, members))
    rig.advance(1801)
    found = status(rig, request)
    assert found["requestStatus"] == "PARTIAL_SUCCESS"
    assert found["errorInfo"]["errorCounts"] == [
        {"reason": "PROCESSING_ERROR_REASON_DENIED_CONSENT", "recordCount": "1"},
        {"reason": "PROCESSING_ERROR_REASON_INVALID_FORMAT", "recordCount": "1"},
    ]
    assert found["audienceMembersIngestionStatus"]["compositeDataIngestionStatus"]["recordCount"] == "3"
    assert rig.keys("google", number) == {"email": [digest("a")]}
    request = ingest(rig, ingest_body(number, [member({"emailAddress": digest("c")})], consent=denied))
    rig.advance(1801)
    assert status(rig, request)["requestStatus"] == "FAILED"


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ({"terms_accepted": False}, "TERMS_AND_CONDITIONS_NOT_SIGNED"),
        ({"allowlisted": False}, "NOT_ALLOWLISTED"),
        ({"eu_political_declared": False}, "EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED"),
        ({"api_enabled": False}, "SERVICE_DISABLED"),
        ({"managers": []}, "PERMISSION_DENIED"),
    ],
)
def test_accounts_that_may_not(rig: Rig, setting: dict[str, Any], expected: str) -> None:
    body = ingest_body(rig.dm_list(), [member(EMAIL)])
    rig.settings("data_manager", **setting)
    assert reason(rig.dm("POST", "audienceMembers:ingest", body)) == expected


def test_the_manager_must_be_a_manager_of_the_account(rig: Rig) -> None:
    number = rig.dm_list()
    rig.settings("data_manager", managers=["1112223333"])
    login = {"accountType": "GOOGLE_ADS", "accountId": "1112223333"}
    body = ingest_body(number, [member(EMAIL)], destinations=[destination(number, loginAccount=login)])
    assert rig.dm("POST", "audienceMembers:ingest", body).status_code == 200
    login["accountId"] = "4445556666"
    assert reason(rig.dm("POST", "audienceMembers:ingest", body)) == "OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH"


def test_remove_has_neither_consent_nor_terms(rig: Rig) -> None:
    number = rig.dm_list()
    body = ingest_body(number, [member(EMAIL)])
    assert reason(rig.dm("POST", "audienceMembers:remove", body)) == "INVALID_ARGUMENT"


def test_validate_only_has_no_status(rig: Rig) -> None:
    number = rig.dm_list()
    request = ingest(rig, ingest_body(number, [member(EMAIL)], validateOnly=True))
    assert reason(rig.dm("GET", "requestStatus:retrieve", requestId=request)) == "INVALID_REQUEST_ID"
    rig.advance(1801)
    assert rig.keys("google", number) == {}


def test_status_is_kept_for_50_days(rig: Rig) -> None:
    request = ingest(rig, ingest_body(rig.dm_list(), [member(EMAIL)]))
    rig.advance(51 * 86_400)
    assert reason(rig.dm("GET", "requestStatus:retrieve", requestId=request)) == "REQUEST_TOO_OLD"
    assert reason(rig.dm("GET", "requestStatus:retrieve")) == "REQUIRED_FIELD_MISSING"


def test_memberships_lapse_and_are_renewed_by_another_addition(rig: Rig) -> None:
    number = rig.dm_list(membershipDuration=f"{10 * 86_400}s")
    ingest(rig, ingest_body(number, [member(EMAIL), member({"emailAddress": digest("b")})]))
    rig.advance(9 * 86_400)
    ingest(rig, ingest_body(number, [member(EMAIL)]))
    rig.advance(2 * 86_400)
    assert rig.keys("google", number) == {"email": [digest("a")]}
    assert rig.admin("GET", "books/google")[0]["members"] == 1
    rig.advance(10 * 86_400)
    assert rig.keys("google", number) == {}


def test_the_sweep_of_a_replace_goes_by_the_date_header(rig: Rig) -> None:
    number = rig.dm_list()
    ingest(rig, ingest_body(number, [member(EMAIL), member({"emailAddress": digest("b")})]))
    rig.advance(3600)
    moment = parsedate_to_datetime(rig.dm("GET", f"accountTypes/GOOGLE_ADS/accounts/{ACCOUNT}/userLists").headers["date"])
    ingest(rig, ingest_body(number, [member(EMAIL), member({"emailAddress": digest("c")})]))
    body: dict[str, Any] = {"destinations": [destination(number)], "removeAsOfTime": moment.isoformat()}
    request = rig.dm("POST", "audienceMembers:removeAll", body).json()["requestId"]
    rig.advance(1801)
    assert rig.keys("google", number) == {"email": sorted([digest("a"), digest("c")])}
    found = status(rig, request)
    assert (found["requestStatus"], found["removeAllAudienceMembersStatus"]) == ("SUCCESS", {})
    body["removeAsOfTime"] = "2099-01-01T00:00:00Z"
    assert reason(rig.dm("POST", "audienceMembers:removeAll", body)) == "INVALID_REMOVE_AS_OF_TIME"


def test_quotas_name_themselves_and_say_when_to_come_back(rig: Rig) -> None:
    rig.settings("data_manager", management_read_per_minute=2)
    path = f"accountTypes/GOOGLE_ADS/accounts/{ACCOUNT}/userLists"
    rig.admin("POST", "clock", {"now": "2030-01-01T00:00:10Z"})
    replies = [rig.dm("GET", path) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    details = {item["@type"].rpartition(".")[2]: item for item in replies[2].json()["error"]["details"]}
    assert details["ErrorInfo"]["metadata"]["quota_limit"] == "ManagementReadRequestsPerMinutePerProject"
    assert 40 <= float(details["RetryInfo"]["retryDelay"].rstrip("s")) <= 50
    rig.advance(50)
    assert rig.dm("GET", path).status_code == 200
    rig.settings("data_manager", ingestion_mutate_per_day=0)
    daily = rig.dm("POST", "audienceMembers:ingest", {})
    assert daily.json()["error"]["details"][0]["metadata"]["quota_limit"] == "IngestionMutateRequestsPerDayPerProject"


def test_the_documented_quotas_are_the_defaults(rig: Rig) -> None:
    settings = rig.admin("GET", "settings/data_manager")
    assert (settings["ingestion_mutate_per_minute"], settings["ingestion_mutate_per_day"]) == (300, 100_000)
    assert (settings["management_mutate_per_minute"], settings["management_mutate_per_day"]) == (300, 50_000)


def test_scripted_rows_and_jobs(rig: Rig) -> None:
    number = rig.dm_list()
    body = ingest_body(number, [member({"emailAddress": digest(place)}) for place in range(4)])
    rig.fault("data_manager", {"reject_rows": [2], "reason": "INVALID_POSTAL_CODE"}, path="ingest")
    reply = rig.dm("POST", "audienceMembers:ingest", body)
    assert reply.json()["error"]["details"][1]["fieldViolations"][0]["field"] == "audience_members.audience_members[2]"
    rig.fault("data_manager", {"fail_job": "partial", "count": 3, "reason": "INVALID_FORMAT"}, path="ingest")
    partly = ingest(rig, body)
    rig.fault("data_manager", {"fail_job": True}, path="ingest")
    wholly = ingest(rig, body)
    rig.advance(1801)
    assert status(rig, partly)["errorInfo"]["errorCounts"][0]["recordCount"] == "3"
    assert status(rig, wholly)["requestStatus"] == "FAILED"
    assert rig.keys("google", number) == {"email": [digest(3)]}
    rig.fault("data_manager", {"error": "RESOURCE_EXHAUSTED", "reason": "IngestionMutateRequestsPerDayPerProject"})
    exhausted = rig.dm("POST", "audienceMembers:ingest", body)
    assert (exhausted.status_code, exhausted.json()["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")


def test_encrypted_data_cannot_be_decrypted_here(rig: Rig) -> None:
    number = rig.dm_list()
    key = {"gcpWrappedKeyInfo": {"keyType": 1, "wipProvider": "w", "kekUri": "k", "encryptedDek": "d"}}
    request = ingest(rig, ingest_body(number, [member({"emailAddress": "c2VjcmV0"})], encryptionInfo=key))
    rig.advance(1801)
    assert status(rig, request)["errorInfo"]["errorCounts"][0]["reason"] == "PROCESSING_ERROR_REASON_DEK_DECRYPTION_ERROR"
