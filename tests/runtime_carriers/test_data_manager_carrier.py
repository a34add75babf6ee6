"""Google's Data Manager client: one request a call, the driver's own retries, and answers that it cannot read."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from contract.rig import World, digest
from destinations.test_google_ads import DATA_MANAGER as DOOR
from runtime_carriers.silence import closed_port, everything_in, loud

from guestlist.destinations import destination_class
from guestlist.model.connection import Connection
from guestlist.model.conversation import Call
from guestlist.model.errors import AuthError, ConfigError, OutcomeUnknown, TransientError
from guestlist.runtime.carriers.data_manager import DataManagerCarrier

ACCOUNT = "accountTypes/GOOGLE_ADS/accounts/1234567890"
FIND = Call("data_manager", "ListUserLists", ACCOUNT, {"pageSize": 3})
Make = Callable[..., DataManagerCarrier]


@pytest.fixture
def carrier(world: World) -> Iterator[Make]:
    made = []

    def make(**more: Any) -> DataManagerCarrier:
        extra = {**world.extra_of(DOOR), **more}
        settings = destination_class("google_ads").Settings.of(
            Connection("c", "x", extra={name: value for name, value in extra.items() if value is not None})
        )
        made.append(DataManagerCarrier(settings))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()


def create(name: str = "People") -> Call:
    info = {"uploadKeyTypes": ["CONTACT_ID"], "contactIdInfo": {"dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY"}}
    body = {"displayName": name, "description": "d", "membershipDuration": "46656000s", "ingestedUserListInfo": info}
    return Call("data_manager", "CreateUserList", ACCOUNT, body)


def ingest(audience: str, *values: str) -> Call:
    destination = {
        "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": "1234567890"},
        "productDestinationId": audience,
    }
    members = [{"compositeData": {"userData": {"userIdentifiers": [{"emailAddress": value}]}}} for value in values]
    body = {
        "destinations": [destination],
        "audienceMembers": members,
        "encoding": "HEX",
        "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
    }
    return Call("data_manager", "IngestAudienceMembers", "audienceMembers:ingest", body, rows=len(members))


def test_a_list_is_made_filled_and_read(world: World, carrier: Make) -> None:
    mine = carrier()
    made = mine.send(create()).body
    assert made["ingestedUserListInfo"]["uploadKeyTypes"] == ["CONTACT_ID"]  # enums come back by name
    taken = mine.send(ingest(made["id"], digest("a")))
    assert (taken.status, set(taken.body)) == (200, {"requestId"})
    assert "date" in taken.headers
    world.advance(1801)
    status = mine.send(Call("data_manager", "RetrieveRequestStatus", "x", taken.body)).body["requestStatusPerDestination"]
    assert status[0]["requestStatus"] == "SUCCESS"
    assert world.held(DOOR, made["id"]) == {"email": {digest("a")}}
    assert mine.send(Call("data_manager", "GetUserList", f"{ACCOUNT}/userLists/{made['id']}")).body["displayName"] == "People"


def test_what_was_sent_is_freed_with_its_answer_and_not_by_the_collector_of_cycles(world: World, carrier: Make) -> None:
    """A request has megabytes of members; hundreds of them waiting for the collector are hundreds of megabytes."""
    mine = carrier()
    audience = mine.send(create("Freed")).body["id"]
    mine.send(FIND)
    gc.collect()
    gc.disable()
    try:
        mine.send(ingest(audience, digest("a")))
        assert not [one for one in gc.get_objects() if isinstance(one, requests.PreparedRequest)]
    finally:
        gc.enable()


@pytest.mark.parametrize("error", ["UNAVAILABLE", "DEADLINE_EXCEEDED", "RATE_LIMIT_EXCEEDED", "INTERNAL_ERROR"])
def test_the_clients_own_retries_are_off(world: World, carrier: Make, error: str) -> None:
    world.fault(DOOR, {"error": error}, "add", times=9)
    reply = carrier().send(ingest("7", digest("a")))
    assert (reply.status, len(world.log(DOOR))) == ({"U": 503, "D": 504, "R": 429, "I": 500}[error[0]], 1)
    assert reply.body["error"]["details"]


def test_an_expired_token_is_the_drivers_matter(world: World, carrier: Make) -> None:
    mine = carrier()
    world.fault(DOOR, {"expire_token": True})
    assert mine.send(FIND).status == 401
    assert mine.send(FIND).status == 401
    mine.refresh()
    assert mine.send(FIND).status == 200


@pytest.mark.parametrize("status", [200, 400, 503])
@pytest.mark.parametrize(
    "body", ["<html>error</html>", "", "7", '"x"', "[1]", '{"userLists": "x"}', '{"userLists": [{"id": []}]}', "{"]
)
def test_an_answer_that_is_no_message_is_told_as_such(world: World, carrier: Make, status: int, body: str) -> None:
    world.fault(DOOR, {"status": status, "body": body})
    reply = carrier().send(FIND)
    assert reply.status == status
    assert reply.malformed or status >= 400


def test_what_the_client_does_not_know_yet_is_no_reason_to_break(world: World, carrier: Make) -> None:
    world.fault(DOOR, {"status": 200, "body": {"userLists": [{"id": "7", "of_next_year": {"x": 1}}]}})
    assert carrier().send(FIND).body == {"userLists": [{"id": "7"}]}


def test_the_manager_is_told_in_a_header_for_lists(world: World, carrier: Make) -> None:
    world.settings(DOOR, managers=["1112223333"])
    assert carrier().send(FIND).status == 403
    assert carrier(login_customer_id="1112223333").send(FIND).status == 200


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_broken_connection_leaves_it_open_whether_the_call_acted(world: World, carrier: Make, when: str) -> None:
    mine = carrier()
    mine.send(FIND)
    world.fault(DOOR, {"drop": when}, "add")
    with pytest.raises(OutcomeUnknown) as caught:
        mine.send(ingest("7", digest("a")))
    assert digest("a") not in everything_in(caught.value)


def test_a_platform_that_is_not_there_did_surely_not_act(carrier: Make) -> None:
    with pytest.raises(TransientError) as caught:
        carrier(endpoint=f"http://127.0.0.1:{closed_port()}").send(FIND)
    assert type(caught.value) is TransientError


def test_a_platform_that_says_nothing_is_not_waited_for_for_ever(world: World, carrier: Make) -> None:
    mine = carrier(timeout_seconds=0.3)
    mine.refresh()
    world.fault(DOOR, {"delay": 5, "drop": "after"})
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        mine.send(FIND)
    assert time.monotonic() - began < 3


def test_a_revoked_grant_is_an_error_of_the_credential(world: World, carrier: Make) -> None:
    world.settings("oauth", grant_revoked=True)
    with pytest.raises(AuthError, match="consent again") as caught:
        carrier().send(FIND)
    with pytest.raises(AuthError, match="consent again"):
        carrier().refresh()
    assert not [word for word in ("sandbox-refresh", "sandbox-secret", "expired or revoked") if word in f"{caught.value!r}"]


def test_a_token_endpoint_that_is_not_there_is_trouble_that_passes(carrier: Make) -> None:
    with pytest.raises(TransientError):
        carrier(token_uri=f"http://127.0.0.1:{closed_port()}/token").send(FIND)


def test_a_service_account_works_as_well(world: World, carrier: Make) -> None:
    file = str(world.sandbox.state_dir / "service-account.json")
    nobody = {"client_id": None, "client_secret": None, "refresh_token": None}
    mine = carrier(**nobody, service_account_file=file)
    assert mine.send(FIND).status == 200
    world.fault(DOOR, {"expire_token": True})
    assert mine.send(FIND).status == 401
    mine.refresh()
    assert mine.send(FIND).status == 200


@pytest.mark.parametrize("content", [None, "", "{}", '{"type": "service_account", "private_key": "secret-key"}'])
def test_a_key_file_that_is_none_is_told_without_its_content(carrier: Make, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "key.json"
    if content is not None:
        file.write_text(content)
    nobody = {"client_id": None, "client_secret": None, "refresh_token": None}
    with pytest.raises(ConfigError, match="service_account_file") as caught:
        carrier(**nobody, service_account_file=str(file))
    assert "secret-key" not in f"{caught.value!r}"


def test_a_call_that_nobody_knows_is_refused(carrier: Make) -> None:
    with pytest.raises(ConfigError, match="no call 'Nothing'"):
        carrier().send(Call("data_manager", "Nothing", "x"))


def test_no_log_shows_a_hash_or_a_token(
    carrier: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    loud(monkeypatch, caplog)
    mine = carrier()
    audience = mine.send(create()).body["id"]
    mine.send(ingest(audience, digest("a")))
    mine.send(ingest(audience, "no hash"))
    told = caplog.text + repr([vars(record) for record in caplog.records])
    assert "audienceMembers:ingest" in told
    assert not [word for word in (digest("a"), "sandbox-refresh", "sandbox-secret", "sandbox-access") if word in told]
