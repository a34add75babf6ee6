"""Google's Ads SDK: its four ways to fail become one, its log is silent, and nothing waits for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from contract.rig import World, digest
from destinations.test_google_ads import JOBS as DOOR
from runtime_carriers.silence import closed_port, everything_in, loud

from guestlist.destinations import destination_class
from guestlist.model.connection import Connection
from guestlist.model.conversation import Call
from guestlist.model.errors import AuthError, BatchRefused, ConfigError, OutcomeUnknown, TransientError
from guestlist.runtime.carriers.google_ads import GoogleAdsCarrier

CUSTOMER = {"customerId": "1234567890"}
FIND = Call("google_ads", "Search", "x", {**CUSTOMER, "query": "SELECT user_list.id, user_list.name FROM user_list"})
Make = Callable[..., GoogleAdsCarrier]


@pytest.fixture
def carrier(world: World) -> Iterator[Make]:
    made = []

    def make(**more: Any) -> GoogleAdsCarrier:
        extra = {name: value for name, value in {**world.extra_of(DOOR), **more}.items() if value is not None}
        settings = destination_class("google_ads").Settings.of(Connection("c", "x", extra=extra))
        made.append(GoogleAdsCarrier(settings))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()


def new_list(name: str = "People") -> Call:
    crm = {"uploadKeyType": "CONTACT_INFO", "dataSourceType": "FIRST_PARTY"}
    created = {
        "name": name,
        "description": "d",
        "membershipStatus": "OPEN",
        "membershipLifeSpan": "540",
        "crmBasedUserList": crm,
    }
    return Call("google_ads", "MutateUserLists", "x", {**CUSTOMER, "operations": [{"create": created}]})


@pytest.fixture
def job(carrier: Make) -> str:
    resource = carrier().send(new_list()).body["results"][0]["resourceName"]
    metadata = {"userList": resource, "consent": {"adUserData": "GRANTED"}}
    wanted = {"type": "CUSTOMER_MATCH_USER_LIST", "externalId": "9007199254740991", "customerMatchUserListMetadata": metadata}
    reply = carrier().send(Call("google_ads", "CreateOfflineUserDataJob", "x", {**CUSTOMER, "job": wanted}))
    return str(reply.body["resourceName"])


def operations(job: str, *values: str) -> Call:
    made = [{"create": {"userIdentifiers": [{"hashedEmail": value}]}} for value in values]
    body = {"resourceName": job, "operations": made, "enablePartialFailure": True}
    return Call("google_ads", "AddOfflineUserDataJobOperations", "x", body, rows=len(made))


@pytest.mark.parametrize(
    ("fault", "status", "kind", "code"),
    [
        ("user_list_error.NAME_ALREADY_USED", 400, "userListError", "NAME_ALREADY_USED"),
        ("authentication_error.OAUTH_TOKEN_EXPIRED", 401, "authenticationError", "OAUTH_TOKEN_EXPIRED"),
        ("authorization_error.USER_PERMISSION_DENIED", 403, "authorizationError", "USER_PERMISSION_DENIED"),
        ("quota_error.RESOURCE_EXHAUSTED", 429, "quotaError", "RESOURCE_EXHAUSTED"),
        ("internal_error.INTERNAL_ERROR", 500, "internalError", "INTERNAL_ERROR"),
        ("internal_error.DEADLINE_EXCEEDED", 504, "internalError", "DEADLINE_EXCEEDED"),
        ("database_error.CONCURRENT_MODIFICATION", 409, "databaseError", "CONCURRENT_MODIFICATION"),
        ("request_error.RESOURCE_NOT_FOUND", 404, "requestError", "RESOURCE_NOT_FOUND"),
    ],
)
def test_every_failure_has_one_form(world: World, carrier: Make, fault: str, status: int, kind: str, code: str) -> None:
    """The SDK raises its own exception for some, api_core's for others, with the details in the trailing metadata."""
    world.fault(DOOR, {"error": fault})
    reply = carrier().send(FIND)
    assert reply.status == status
    assert [error["errorCode"] for error in reply.body["error"]["errors"]] == [{kind: code}]
    assert reply.request_id
    assert len(world.log(DOOR)) == 1  # nobody but the driver tries again


def test_a_quotas_own_wait_is_kept(world: World, carrier: Make) -> None:
    world.fault(DOOR, {"error": "quota_error.RESOURCE_TEMPORARILY_EXHAUSTED"})
    [error] = carrier().send(FIND).body["error"]["errors"]
    assert error["details"]["quotaErrorDetails"]["retryDelay"] == "30s"


@pytest.mark.parametrize(("bare", "status"), [("INTERNAL", 500), ("ABORTED", 409), ("RESOURCE_EXHAUSTED", 429)])
def test_a_bare_status_is_a_reply_without_errors(world: World, carrier: Make, bare: str, status: int) -> None:
    world.fault(DOOR, {"error": bare})
    reply = carrier().send(FIND)
    assert (reply.status, reply.body) == (status, {"error": {"status": bare, "errors": []}})


def test_a_message_that_is_too_large_is_no_quota(world: World, carrier: Make, job: str) -> None:
    world.fault(
        DOOR, {"error": "RESOURCE_EXHAUSTED", "reason": "Received message larger than max (5000000 vs. 4194304)"}, "add"
    )
    call = operations(job, digest("a"))
    reply = carrier().send(call)
    destination = destination_class("google_ads")
    judged = destination(
        destination.Settings.of(Connection("c", "x", extra=world.extra_of(DOOR))), destination.Options(api="google_ads")
    )
    assert isinstance(judged.judge(call, reply).error, BatchRefused)


def test_partial_failures_come_through_as_json(carrier: Make, job: str) -> None:
    reply = carrier().send(operations(job, digest("a"), "no hash", digest("b")))
    assert reply.status == 200
    [detail] = reply.body["partialFailureError"]["details"]
    [error] = detail["errors"]
    assert error["errorCode"] == {"offlineUserDataJobError": "INVALID_SHA256_FORMAT"}
    assert error["location"]["fieldPathElements"][0] == {"fieldName": "operations", "index": 1}


def test_running_a_job_does_not_wait_for_it(world: World, carrier: Make, job: str) -> None:
    """The SDK's long-running operation never ends."""
    mine = carrier()
    mine.send(operations(job, digest("a")))
    began = time.monotonic()
    reply = mine.send(Call("google_ads", "RunOfflineUserDataJob", "x", {"resourceName": job}))
    assert (reply.status, time.monotonic() - began < 3) == (200, True)
    query = (
        f"SELECT offline_user_data_job.status FROM offline_user_data_job WHERE offline_user_data_job.resource_name = '{job}'"
    )
    asked = Call("google_ads", "Search", "x", {**CUSTOMER, "query": query})
    assert mine.send(asked).body["results"][0]["offlineUserDataJob"]["status"] == "RUNNING"
    world.advance(601)
    assert mine.send(asked).body["results"][0]["offlineUserDataJob"]["status"] == "SUCCESS"


def test_big_numbers_come_back_as_digits(carrier: Make, job: str) -> None:
    query = "SELECT offline_user_data_job.external_id FROM offline_user_data_job"
    [row] = carrier().send(Call("google_ads", "Search", "x", {**CUSTOMER, "query": query})).body["results"]
    assert row["offlineUserDataJob"]["externalId"] == "9007199254740991"


@pytest.mark.parametrize("how", ["html", "truncated", "wrong_type"])
def test_an_answer_that_is_no_message_is_no_success(world: World, carrier: Make, how: str) -> None:
    carrier().send(new_list())
    world.fault(DOOR, {"malformed": how})
    try:
        status = carrier().send(FIND).status
    except OutcomeUnknown:
        status = 0
    assert status == 0 or status >= 500


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_broken_connection_leaves_it_open_whether_the_call_acted(world: World, carrier: Make, job: str, when: str) -> None:
    world.fault(DOOR, {"drop": when}, "add")
    with pytest.raises(OutcomeUnknown) as caught:
        carrier().send(operations(job, digest("a")))
    assert digest("a") not in everything_in(caught.value)


def test_a_platform_that_is_not_there_did_surely_not_act(carrier: Make) -> None:
    with pytest.raises(TransientError) as caught:
        carrier(grpc_endpoint=f"localhost:{closed_port()}").send(FIND)
    assert type(caught.value) is TransientError


def test_a_platform_that_says_nothing_is_not_waited_for_for_ever(world: World, carrier: Make) -> None:
    """The SDK's own time-out is never."""
    mine = carrier(timeout_seconds=0.4)
    mine.send(FIND)
    world.fault(DOOR, {"delay": 4, "drop": "after"})
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        mine.send(FIND)
    assert time.monotonic() - began < 3


def test_a_revoked_grant_is_an_error_of_the_credential(world: World, carrier: Make) -> None:
    world.settings("oauth", grant_revoked=True)
    with pytest.raises(AuthError, match="consent again"):
        carrier().send(FIND)


def test_a_service_account_works_as_well(world: World, carrier: Make) -> None:
    file = str(world.sandbox.state_dir / "service-account.json")
    nobody = {"client_id": None, "client_secret": None, "refresh_token": None}
    mine = carrier(**nobody, service_account_file=file)
    assert mine.send(FIND).status == 200
    world.fault(DOOR, {"expire_token": True})
    assert mine.send(FIND).status == 401
    mine.refresh()
    assert mine.send(FIND).status == 200


def test_a_token_endpoint_that_is_not_there_is_trouble_that_passes(carrier: Make) -> None:
    with pytest.raises(TransientError) as caught:
        carrier(token_uri=f"http://127.0.0.1:{closed_port()}/token").send(FIND)
    assert type(caught.value) is TransientError


def test_the_manager_is_told_in_a_header(world: World, carrier: Make) -> None:
    world.settings(DOOR, managers=["1112223333"])
    assert carrier().send(FIND).status == 403
    assert carrier(login_customer_id="1112223333").send(FIND).status == 200


def test_a_call_that_nobody_knows_is_refused(carrier: Make) -> None:
    with pytest.raises(ConfigError, match="no call 'Nothing'"):
        carrier().send(Call("google_ads", "Nothing", "x"))


def test_no_log_shows_a_hash_or_a_token(
    carrier: Make, job: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The SDK's request log shows hashes at DEBUG, and every failed request at WARNING."""
    loud(monkeypatch, caplog)
    mine = carrier()
    mine.send(operations(job, digest("a"), "no hash"))
    mine.send(operations("customers/1234567890/offlineUserDataJobs/404", digest("a")))
    told = repr([vars(record) for record in caplog.records])
    assert not [word for word in (digest("a"), "sandbox-refresh", "sandbox-secret", "sandbox-access") if word in told]
    assert not [record for record in caplog.records if record.name.startswith("google.ads")]
