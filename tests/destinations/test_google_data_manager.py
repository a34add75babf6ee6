"""The Data Manager's door: the exact forms on the wire, its settling, and the sweep of a replace."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from destinations.google import (
    ADDRESS,
    AUDIENCE,
    BOTH,
    EMAIL,
    EMAIL2,
    FIRST,
    HANDLE,
    LAST,
    OPERATING,
    PHONE,
    SPEC,
    WHOLE,
    batch,
    google,
    refused,
    session,
)
from destinations.talk import Script, answered, ask, identifiers
from google.ads import datamanager_v1 as dm
from google.protobuf import json_format

from guestlist.model.audiences import AudienceSpec
from guestlist.model.conversation import Repeat, Reply
from guestlist.model.delivery import Batch, Consent
from guestlist.model.errors import (
    ConfigError,
    ProtocolError,
)
from guestlist.model.vocabulary import Field, Operation


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


@pytest.mark.parametrize("operation", [Operation.ADD, Operation.REMOVE])
@pytest.mark.parametrize(("options", "row"), [
    ({}, {}),
    ({"upload": "mobile_ad_id", "app_id": "com.example", "key_space": "IOS"}, {"mobile_ad_id": ["a", "b"]}),
    ({"upload": "user_id"}, {"external_id": 'x"\\y'}),
])  # fmt: skip
def test_uploads_are_messages_of_the_official_client(
    operation: Operation, options: dict[str, Any], row: dict[str, Any]
) -> None:
    """The client's own encoder is passed by; every field still has to be one of its messages'."""
    batch = Batch("b", 1, pl.DataFrame([row])) if row else WHOLE
    body = ask(google(**options).send(session(operation), {}, batch)).body
    name = "RemoveAudienceMembersRequest" if operation is Operation.REMOVE else "IngestAudienceMembersRequest"
    message = getattr(dm, name).pb(getattr(dm, name)())
    json_format.ParseDict(body, message)
    assert json_format.MessageToDict(message) == body


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
    settlement = Script(google().settle(session(), {}, ("r",)), refused(code)).result
    assert (settlement.done, settlement.jobs["r"].failed) == (True, True)


def test_another_refusal_to_tell_of_a_request_is_told() -> None:
    script = Script(google().settle(session(), {}, ("r",)), refused("PERMISSION_DENIED"))
    assert script.error is not None
    assert script.error.code == "PERMISSION_DENIED"


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


@pytest.mark.parametrize(
    ("says", "trouble"),
    [
        ({"membershipStatus": "OPEN"}, None),
        ({"membershipStatus": "CLOSED"}, "the list is closed, and takes nobody"),
        ({"membershipStatus": "OPEN", "readOnly": True}, "the list is read only for this account"),
    ],
)
def test_a_list_that_takes_nobody_says_what_to_do(says: dict[str, Any], trouble: str | None) -> None:
    state = Script(google().describe(AUDIENCE), answered({"userLists": [{"id": "7001", **says}]})).result
    assert state.status == says["membershipStatus"]
    assert (state.trouble is None) if trouble is None else state.trouble.startswith(trouble)


def test_our_lists_are_looked_for_on_all_pages() -> None:
    ours = {"id": "1", "displayName": "VIPs", "integrationCode": "guestlist:vips:google"}
    theirs = {"id": "2", "displayName": "Others", "integrationCode": "crm"}
    pages = [answered({"userLists": [theirs], "nextPageToken": "p2"}), answered({"userLists": [ours]})]
    script = Script(google().marked(), *pages)
    assert script.calls[1].body["pageToken"] == "p2"
    assert [(one.id, one.name) for one in script.result] == [("1", "VIPs")]
