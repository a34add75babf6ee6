"""The Google Ads API's door: offline user data jobs, and what is found again of them."""

from __future__ import annotations

from typing import Any

import pytest
from destinations.google import (
    EMAIL,
    EMAIL2,
    FIRST,
    HANDLE,
    LAST,
    PHONE,
    WHOLE,
    google,
    refused,
    session,
)
from destinations.talk import Script, answered, ask

from guestlist.model.conversation import Repeat, Reply
from guestlist.model.errors import (
    GuestlistError,
    OutcomeUnknown,
    RejectedError,
    TransientError,
)
from guestlist.model.vocabulary import Operation


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


@pytest.mark.parametrize("trouble", [OutcomeUnknown("x"), refused("EXTERNAL_UPDATE_ID_ALREADY_EXISTS")])
def test_a_job_made_by_an_attempt_that_died_is_found_by_its_external_id(trouble: GuestlistError) -> None:
    found = answered({"results": [{"offlineUserDataJob": {"resourceName": "customers/1/offlineUserDataJobs/9"}}]})
    script = Script(google("google_ads").open(session()), trouble, found)
    assert script.result == {"job": "customers/1/offlineUserDataJobs/9"}
    assert "external_id = 4242" in script.calls[1].body["query"]
    nothing = Script(google("google_ads").open(session()), trouble, answered({}))
    assert type(nothing.error) is (TransientError if isinstance(trouble, OutcomeUnknown) else RejectedError)


def test_another_refusal_of_a_job_is_not_looked_up() -> None:
    script = Script(google("google_ads").open(session()), refused("INVALID_USER_LIST_ID"))
    assert (len(script.calls), script.error and script.error.code) == (1, "INVALID_USER_LIST_ID")


def test_a_job_that_runs_already_is_as_good_as_run() -> None:
    script = Script(google("google_ads").close(session(), HANDLE, ()), refused("JOB_ALREADY_STARTED"))
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
    expired = settle(job("PENDING"), refused("RESOURCE_NOT_FOUND")).result
    assert (expired.done, expired.jobs[""].failed) == (True, True)
    gone = settle(answered({})).result
    assert (gone.done, gone.jobs[""].failed) == (True, True)


def test_a_search_walks_all_pages() -> None:
    page = answered({"results": [], "nextPageToken": "p2"})
    script = settle(page, job("SUCCESS"))
    assert script.calls[1].body["pageToken"] == "p2"
    assert script.result.done


def test_another_refusal_to_run_a_job_is_told() -> None:
    closed = Script(google("google_ads").close(session(), HANDLE, ()), refused("USER_PERMISSION_DENIED"))
    pending = settle(job("PENDING"), refused("USER_PERMISSION_DENIED"))
    assert [script.error and script.error.code for script in (closed, pending)] == ["USER_PERMISSION_DENIED"] * 2
