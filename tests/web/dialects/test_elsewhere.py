"""Addresses and verbs that a page does not have are refused in the form of its other refusals, and not in FastAPI's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from web.dialects.rig import Station
from web.dialects.test_pages import as_commbox_says

pytestmark = pytest.mark.slow
JOB = "public/v1/offsite-ads/audiences/user-list"
NOTHING, NO_VERB = "there is nothing at this path", "Method Not Allowed"
Told = Callable[[httpx.Response], Any]


def commbox(answer: httpx.Response) -> str:
    """Its body is the page's; what is wrong stands in a header alone."""
    assert as_commbox_says(answer, {404: 404, 400: 400}[answer.status_code])
    return answer.headers["guestlist-reason"]


TOLD: dict[str, Told] = {
    "topsort": lambda answer: answer.json()["detail"],
    "pitchtarget": lambda answer: answer.json(),
    "whop": lambda answer: answer.json()["error"],
    "edgetag": lambda answer: answer.json(),
    "commbox": commbox,
}
"""What a refusal says, in the one place that the dialect has for it."""
ELSEWHERE: dict[str, Any] = {
    "topsort": NOTHING,
    "pitchtarget": {"error": "not found"},
    "whop": {"type": "not_found", "message": NOTHING},
    "edgetag": {"success": False, "errors": [NOTHING]},
    "commbox": NOTHING,
}
PATHS = ("", "/", "/nothing", "/nothing/", "/nothing/at/all?token=made-up", "/%00", "/audience%2f1")


@pytest.mark.parametrize("dialect", ELSEWHERE)
@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
def test_paths_that_no_page_has(station: Station, dialect: str, verb: str) -> None:
    for path in PATHS:
        answer = station.http.request(verb, f"/guestlist/dialects/{dialect}{path}", content=b"x", follow_redirects=True)
        assert (answer.status_code, TOLD[dialect](answer)) == (404, ELSEWHERE[dialect]), f"{path}: {answer.text}"
        assert answer.headers["guestlist-reason"] == NOTHING


VERBS: dict[str, tuple[str, str, str, int, Any]] = {
    "topsort": ("GET", JOB, "POST", 405, NO_VERB),
    "pitchtarget": ("PATCH", "custom_audiences/54", "PUT", 405, {"errors": {"base": [NO_VERB]}}),
    "whop": ("PUT", "api/v1/audiences", "POST", 405, {"type": "method_not_allowed", "message": NO_VERB}),
    "edgetag": ("GET", "audience", "POST", 405, {"success": False, "errors": [NO_VERB]}),
    "commbox": ("GET", "audiences", "POST", 400, NO_VERB),
}


@pytest.mark.parametrize("dialect", VERBS)
def test_verbs_that_no_page_has(station: Station, dialect: str) -> None:
    verb, path, allowed, status, told = VERBS[dialect]
    answer = station.http.request(verb, f"/guestlist/dialects/{dialect}/{path}")
    assert (answer.status_code, TOLD[dialect](answer)) == (status, told), answer.text
    assert allowed in answer.headers["allow"]


@pytest.mark.parametrize("dialect", ["topsort", "whop"])
def test_verbs_that_an_address_for_a_file_does_not_take(station: Station, dialect: str) -> None:
    answer = station.http.post(f"/guestlist/dialects/{dialect}/uploads?token=made-up")
    assert (answer.status_code, answer.headers["allow"]) == (405, "PUT")
    assert "<Code>MethodNotAllowed</Code>" in answer.text


def test_a_slash_at_the_end_leads_to_the_path_without(station: Station) -> None:
    answer = station.http.post("/guestlist/dialects/commbox/audiences/")
    assert (answer.status_code, answer.headers["location"]) == (307, f"{station.url}/guestlist/dialects/commbox/audiences")
