"""The carriers of a connection, and the plain one over HTTP."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from contract.rig import World
from runtime_carriers.silence import closed_port, everything_in, loud

from guestlist.destinations.base import Settings
from guestlist.model.conversation import Call
from guestlist.model.errors import OutcomeUnknown, TransientError
from guestlist.runtime.carriers import NAMES, Carriers
from guestlist.runtime.carriers.http import HttpCarrier

INCLUDE = Path(__file__).resolve().parents[2] / "include"


def test_a_vendors_sdk_is_loaded_with_its_first_call_only() -> None:
    program = (
        "import sys; from guestlist.runtime.carriers import Carriers\n"
        "from guestlist.destinations.meta import MetaSettings\n"
        "def loaded(): return sorted(n for n in ('facebook_business', 'grpc', 'google.ads', 'httpx') if n in sys.modules)\n"
        "carriers = Carriers(MetaSettings(ad_account_id='1', access_token='t')); print(loaded())\n"
        "one = carriers['meta']; print(loaded(), one is carriers['meta']); carriers.close()"
    )
    environment = {"PYTHONPATH": str(INCLUDE), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines() == ["[]", "['facebook_business'] True"]


def test_carriers_are_known_by_name() -> None:
    carriers = Carriers(None)
    assert list(carriers) == list(NAMES)
    assert len(carriers) == len(NAMES)
    with pytest.raises(KeyError):
        carriers["smoke signals"]


@pytest.fixture
def http(world: World) -> HttpCarrier:
    carrier = HttpCarrier(Settings(endpoint=world.sandbox.http_url, timeout_seconds=0.5))
    yield carrier
    carrier.close()


def test_an_answer_of_any_status_is_a_reply(http: HttpCarrier) -> None:
    good = http.send(Call("http", "GET", "/admin/health"))
    assert (good.status, good.body["ok"], good.malformed) == (200, True, False)
    missing = http.send(Call("http", "GET", "/nowhere", query={"a": "b"}, headers={"x-mine": "1"}))
    assert (missing.status, missing.malformed) == (404, False)
    assert missing.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("how", "malformed"), [("html", True), ("truncated", True), ("empty", False)])
def test_a_body_that_is_no_json_is_told(world: World, http: HttpCarrier, how: str, malformed: bool) -> None:
    world.admin("POST", "faults/meta", {"faults": [{"action": {"malformed": how}}]})
    reply = http.send(Call("http", "GET", "/meta/v26.0/act_1"))
    assert (reply.body, reply.malformed) == (None, malformed)


@pytest.mark.parametrize("action", [{"drop": "before"}, {"drop": "after"}, {"delay": 4, "drop": "after"}])
def test_what_may_have_acted_is_told_as_such(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, action: dict[str, object]
) -> None:
    loud(monkeypatch, caplog)
    carrier = HttpCarrier(Settings(endpoint=world.sandbox.http_url, timeout_seconds=0.5))
    world.admin("POST", "faults/meta", {"faults": [{"action": action}]})
    call = Call("http", "POST", "/meta/v26.0/1/users", {"email": "canary@example.com"}, query={"token": "canary"})
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown) as caught:
        carrier.send(call)
    carrier.close()
    assert time.monotonic() - began < 3
    assert "canary" not in everything_in(caught.value)
    assert "canary" not in repr([record.getMessage() for record in caplog.records if record.name == "httpx"])


def test_a_platform_that_is_not_there_did_surely_not_act() -> None:
    carrier = HttpCarrier(Settings(endpoint=f"http://127.0.0.1:{closed_port()}"))
    with pytest.raises(TransientError) as caught:
        carrier.send(Call("http", "GET", "/"))
    assert type(caught.value) is TransientError
    carrier.close()
