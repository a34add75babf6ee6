"""The dialects inside a real Airflow, whose own authentication knows nothing of our keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from contract.rig import people

from web.dialects.pushes import DIALECTS, edgetag, pushed
from web.intake.rig import Place

pytestmark = pytest.mark.slow
ROWS = people(range(4))
NO_KEY = "no such key, or one that has expired or was revoked: `guestlist keys create` makes one"
UNKNOWN: Mapping[str, Any] = {
    "topsort": {"detail": NO_KEY},
    "pitchtarget": {"error": "unauthorized"},
    "whop": {"error": {"type": "unauthorized", "message": NO_KEY}},
    "edgetag": {"success": False, "errors": [NO_KEY]},
    "commbox": {"status": 401, "description": "Unauthorized"},
}


@pytest.mark.parametrize("key", ["none", "glk_unknown"])
def test_who_has_no_key_is_told_so_by_each_dialect(place: Place, key: str) -> None:
    with httpx.Client(base_url=place.airflow.url) as http:
        for dialect, push in DIALECTS.items():
            answer = pushed(push, http, key, "VIPs", ROWS)
            body = answer.json()
            body.pop("response_time", None)
            assert (answer.status_code, body) == (401, UNKNOWN[dialect]), dialect


def test_who_has_one_pushes_and_may_wait_for_the_run(place: Place) -> None:
    with httpx.Client(base_url=place.airflow.url, timeout=300) as http:
        [answer] = edgetag(http, place.key(), "From EdgeTag", ROWS, sync="true")
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    [audience] = [one for one in place.ledger.live_audiences("partners") if one.name == "From EdgeTag"]
    assert place.show(audience.id)["status"] == "ready"
