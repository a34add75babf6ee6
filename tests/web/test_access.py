"""Who may see and do what on the pages: by Airflow's own users, roles and permissions."""

import httpx
import pytest
from web.site import WAITING, Site

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
