"""Who may see and do what on the pages: by Airflow's own users, roles and permissions."""

import subprocess
import sys

import httpx
import pytest

from web.site import SEEN_BY_ANALYST, WAITING, Site

pytestmark = pytest.mark.slow
READS = (
    "/openapi.json",
    "/overview",
    "/platforms",
    "/guards",
    "/erasures",
    f"/segments/{WAITING[0]}/destinations/{WAITING[1]}",
    f"/segments/{WAITING[0]}/destinations/{WAITING[1]}/runs",
    f"/segments/{WAITING[0]}/destinations/{WAITING[1]}/sealed",
    f"/segments/{WAITING[0]}/destinations/{WAITING[1]}/seen",
    f"/segments/{WAITING[0]}/destinations/{WAITING[1]}/lineage",
)
RUN = f"/segments/{WAITING[0]}/runs"
APPROVAL = f"/segments/{WAITING[0]}/destinations/{WAITING[1]}/approval"


@pytest.mark.parametrize("path", READS)
def test_nothing_is_told_without_a_token(site: Site, path: str) -> None:
    assert httpx.get(f"{site.url}/guestlist/api/v1{path}").status_code == 401
    with site.client("viewer") as viewer:
        answer = viewer.get(path)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", [RUN, APPROVAL])
def test_nothing_is_done_without_a_token(site: Site, path: str) -> None:
    assert httpx.post(f"{site.url}/guestlist/api/v1{path}", json={}).status_code in (401, 403)


def test_a_viewer_looks_and_does_nothing(site: Site) -> None:
    plan = site.ledger.newest_plan(*WAITING).id
    with site.client("viewer") as viewer:
        refused = viewer.post(RUN, json={"dry_run": True})
        assert (refused.status_code, "trigger its DAG" in refused.json()["detail"]) == (403, True)
        refused = viewer.post(APPROVAL, json={"plan": plan, "decision": "approve"})
        assert (refused.status_code, "required actions" in refused.json()["detail"]) == (403, True)
        [row] = viewer.get("/overview", params={"segment": WAITING[0], "search": "meta"}).json()["rows"]
    assert (row["can_run"], row["can_approve"], row["status"]) == (False, False, "waiting")
    assert site.ledger.decision(plan) is None


def test_people_see_the_segments_whose_dags_they_may_see(site: Site) -> None:
    with site.client("analyst") as analyst:
        seen = analyst.get("/overview", params={"limit": 1000}).json()
        assert {row["segment"] for row in seen["rows"]} == {SEEN_BY_ANALYST}
        assert seen["total"] == sum(seen["statuses"].values()) == 10
        assert {name for row in analyst.get("/platforms").json()["rows"] for name in row["segments"]} == {SEEN_BY_ANALYST}
        assert {row["segment"] for row in analyst.get("/guards").json()["rows"]} <= {SEEN_BY_ANALYST}
        for path in (
            f"/segments/{WAITING[0]}/destinations/{WAITING[1]}",
            "/erasures",
            "/erasures/er-1/steps",
            "/segments/no_such/destinations/x/runs",
        ):
            assert analyst.get(path).status_code == 403, path
    with site.client("admin") as admin:
        assert admin.get("/overview").json()["total"] == len(site.audiences)
        assert admin.get("/segments/no_such/destinations/x").status_code == 404


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Origin": "https://evil.example"}, True),
        ({"Origin": "null"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Origin": "here"}, False),
    ],
)
def test_another_site_cannot_use_the_cookie(site: Site, headers: dict[str, str], refused: bool) -> None:
    """A plan that there is not is answered only by who was let in."""
    headers = {name: site.url if value == "here" else value for name, value in headers.items()}
    url = f"{site.url}/guestlist/api/v1{APPROVAL}"
    body = {"plan": 0, "decision": "approve"}
    answer = httpx.post(url, json=body, headers=headers, cookies={"_token": site.token("admin")}, timeout=60)
    assert answer.status_code == (403 if refused else 409), answer.text
    assert httpx.get(f"{site.url}/guestlist/api/v1/overview", cookies={"_token": site.token("admin")}).status_code == 200


def test_only_the_api_server_asks_for_the_pages() -> None:
    """DAG processors and workers import the plugin: neither Polars nor FastAPI nor a vendor's SDK comes with it."""
    code = (
        "import sys; from guestlist.orchestration.plugin import GuestlistPlugin as P; before = set(sys.modules);"
        "assert 'guestlist.web.app' not in before; P().fastapi_apps; "
        "print([name for name in ('polars', 'facebook_business', 'google.ads', 'grpc') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
