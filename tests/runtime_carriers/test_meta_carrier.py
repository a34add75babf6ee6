"""Meta's SDK with its faults cured: what it misreads is read, what it tells is kept quiet, what it leaves open is closed."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote_plus

import pytest
from contract.rig import World, digest
from destinations.test_meta import DOOR
from facebook_business.api import FacebookAdsApi
from hypothesis import assume, given
from hypothesis import strategies as st
from runtime_carriers.silence import closed_port, everything_in

from guestlist.destinations import destination_class
from guestlist.model.connection import Connection
from guestlist.model.conversation import Call, Reply
from guestlist.model.errors import OutcomeUnknown, TransientError
from guestlist.runtime.carriers.meta import MetaCarrier, _quoted

PROOF = "1b6da06614b46940143cddb599881fa839a8968a679ba837ff0596e07113acd7"
TOKENS = ("sandbox-token", "sandbox-app-secret", PROOF)
READ = Call("meta", "GET", "act_77", {"fields": "account_status"})
Make = Callable[..., MetaCarrier]


@pytest.fixture
def carrier(world: World) -> Iterator[Make]:
    made = []

    def make(**more: Any) -> MetaCarrier:
        extra = {**world.extra_of(DOOR), **more}
        made.append(MetaCarrier(destination_class("meta").Settings.of(Connection("c", "x", extra=extra))))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def audience(carrier: Make) -> str:
    body = {"name": "People", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
    return str(carrier().send(Call("meta", "POST", "act_77/customaudiences", body)).body["id"])


def users(audience: str, values: list[str], session: int, **more: Any) -> Call:
    payload = {"schema": ["EMAIL"], "is_raw": True, "data": [[value] for value in values]}
    told = {"session_id": session, "batch_seq": 1, "last_batch_flag": True, "estimated_num_total": len(values)}
    return Call("meta", "POST", f"{audience}/users", {"payload": payload, "session": told, **more}, rows=len(values))


def test_a_whole_batch_of_removals_goes_out(world: World, carrier: Make, audience: str) -> None:
    """S2: the SDK's own removals stand in the address and fail above some hundred rows; S1, S5-S13: its hashing is unused."""
    values = [digest(f"p{number}") for number in range(10_000)]
    added = carrier().send(users(audience, values, 1))
    assert (added.status, added.body["num_received"], added.body["num_invalid_entries"]) == (200, 10_000, 0)
    assert world.held(DOOR, audience) == {"email": set(values)}
    removed = carrier().send(users(audience, values, 2, method="DELETE"))
    assert (removed.status, removed.body["num_received"]) == (200, 10_000)
    assert world.held(DOOR, audience) == {}


@pytest.mark.parametrize("status", [200, 400, 500, 502])
@pytest.mark.parametrize(
    ("body", "malformed"),
    [
        ("<html><title>error</title>Sorry, error</html>", True),
        ("error", True),
        ('"error"', True),
        ("7", True),
        ("", True),
        ('{"error": "unexpected"}', False),
        ('{"error": 7}', False),
        ('{"error": [{"code": 1}]}', False),
        ('{"error": null}', False),
        ('{"error": {"code": 1, "error_data": "no json"}}', False),
        ('{"error": {"code": 1, "error_data": [1]}}', False),
        ('["error"]', False),
        ('{"success": false}', False),
    ],
)
def test_an_answer_of_any_form_is_a_reply(world: World, carrier: Make, status: int, body: str, malformed: bool) -> None:
    """S3: the SDK breaks on error pages with the word error in them, and takes others for a success."""
    world.fault(DOOR, {"status": status, "body": body})
    reply = carrier().send(READ)
    assert (reply.status, reply.malformed) == (status, malformed)
    assert reply.body is None or isinstance(reply.body, dict | list)


def test_an_error_keeps_codes_headers_and_trace(world: World, carrier: Make) -> None:
    world.fault(DOOR, {"error": "80003"})
    reply = carrier().send(READ)
    assert (reply.status, reply.body["error"]["code"]) == (400, 80003)
    assert "x-business-use-case-usage" in reply.headers
    assert carrier().send(Call("meta", "GET", "404", {})).request_id == "sandbox"


def test_an_answer_is_never_taken_for_another_calls(world: World, carrier: Make) -> None:
    mine = carrier()
    assert mine.send(READ).status == 200
    world.fault(DOOR, {"drop": "before"})
    with pytest.raises(OutcomeUnknown):
        mine.send(READ)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_broken_connection_leaves_it_open_whether_the_call_acted(
    world: World, carrier: Make, audience: str, when: str
) -> None:
    world.fault(DOOR, {"drop": when}, "add")
    with pytest.raises(OutcomeUnknown) as caught:
        carrier().send(users(audience, [digest("a")], 1))
    told = everything_in(caught.value)
    assert not [secret for secret in (*TOKENS, digest("a")) if secret in told]


def test_a_platform_that_is_not_there_did_surely_not_act(carrier: Make) -> None:
    with pytest.raises(TransientError) as caught:
        carrier(endpoint=f"http://127.0.0.1:{closed_port()}/meta").send(READ)
    assert type(caught.value) is TransientError
    told = everything_in(caught.value)  # S4: what requests raises quotes the whole address, token and proof included
    assert not [secret for secret in TOKENS if secret in told]


def test_a_platform_that_says_nothing_is_not_waited_for_for_ever(world: World, carrier: Make) -> None:
    """The SDK's own time-out is never."""
    world.fault(DOOR, {"delay": 5, "drop": "after"})
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown) as caught:
        carrier(timeout_seconds=0.2).send(READ)
    assert time.monotonic() - began < 3
    assert not [secret for secret in TOKENS if secret in everything_in(caught.value)]


def test_a_refusal_shows_nothing_of_what_was_sent(world: World, carrier: Make, audience: str) -> None:
    """S4: the SDK's exception quotes the whole request; it never leaves the carrier."""
    world.fault(DOOR, {"error": "100"}, "add")
    reply = carrier().send(users(audience, [digest("a")], 1))
    assert digest("a") not in f"{reply!r} {reply}"
    assert reply.body["error"]["code"] == 100


def test_the_process_is_left_as_it_was(carrier: Make) -> None:
    """S14: `FacebookAdsApi.init` would set a process-wide default and send every crash of the process to Meta."""
    hook, threads = sys.excepthook, logging.Logger.manager.loggerDict.keys()
    carrier().send(READ)
    assert sys.excepthook is hook
    assert hook is sys.__excepthook__ or "facebook" not in hook.__module__
    assert FacebookAdsApi.get_default_api() is None
    assert threads


def test_the_log_of_addresses_shows_no_token(carrier: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    carrier().send(READ)
    assert "act_77?access_token=***&appsecret_proof=***&fields=" in caplog.text
    assert not [secret for secret in TOKENS if secret in caplog.text]


def test_calls_are_signed_with_the_apps_secret(world: World, carrier: Make) -> None:
    world.settings(DOOR, require_appsecret_proof=True)
    assert carrier().send(READ).status == 200
    assert carrier(app_secret=None).send(READ).body["error"]["code"] == 100
    assert carrier(app_secret="wrong").send(READ).body["error"]["code"] == 100


def test_the_version_is_the_connections(carrier: Make) -> None:
    assert carrier(api_version="v19.0").send(READ).body["error"]["code"] == 2635


def test_nothing_that_was_given_to_it_is_changed(carrier: Make, audience: str) -> None:
    call = users(audience, [digest("a")], 1)
    before = repr(call.body)
    first, second = carrier().send(call), carrier().send(call)
    assert isinstance(first, Reply)
    assert (repr(call.body), first.body["num_invalid_entries"], second.body["num_invalid_entries"]) == (before, 0, 0)


@given(st.text(alphabet=st.one_of(st.sampled_from('az09-_.~"[]{},: +&=%'), st.characters())))
def test_forms_are_encoded_as_the_library_would(text: str) -> None:
    assume(not any("\ud800" <= character <= "\udfff" for character in text))
    assert _quoted(text) == quote_plus(text)
