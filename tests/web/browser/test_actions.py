"""What may be done from the pages, by whom, and that nobody gets in without a token."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from guestlist.runtime.ledger import tables as t
from web.conftest import PATIENCE_MS
from web.site import IN_STEP, TO_DECIDE, WAITING

pytestmark = pytest.mark.slow
POST = """async ([url, body]) => {
  const headers = {"Content-Type": "application/json"};
  return (await fetch(url, {method: "POST", headers, body: JSON.stringify(body)})).status;
}"""
BUTTONS = ("Dry run", "Run now", "Approve", "Reject")


def page_of(audience: tuple[str, str]) -> str:
    return "/segments/{}/destinations/{}".format(*audience)


def button(page: Page, name: str):
    return page.get_by_role("button", name=name, exact=True)


def confirm(page: Page, name: str) -> None:
    button(page, name).click()
    page.get_by_role("alertdialog").get_by_role("button", name=name, exact=True).click()


def test_a_viewer_reads_and_can_neither_run_nor_decide(open_page, site):
    waiting = page_of(WAITING)
    page = open_page(waiting, role="viewer")
    expect(page.get_by_role("heading", name=re.compile("waits for approval"))).to_be_visible()
    for name in BUTTONS:
        expect(button(page, name)).to_be_disabled()
    plan = int(re.search(r"Plan (\d+)", page.locator("h2").first.inner_text()).group(1))
    segment = waiting.partition("/destinations")[0]
    for path, body in {f"{waiting}/approval": {"plan": plan, "decision": "approve"}, f"{segment}/runs": {}}.items():
        assert page.evaluate(POST, [f"{site.url}/guestlist/api/v1{path}", body]) == 403
    with site.ledger.reading() as connection:
        assert connection.execute(select(t.approvals).where(t.approvals.c.plan_id == plan)).all() == []


@pytest.mark.parametrize(
    ("audience", "name", "decision"), [(TO_DECIDE[0], "Approve", "approve"), (TO_DECIDE[1], "Reject", "reject")]
)
def test_a_plan_that_waits_is_decided_on_its_page(open_page, site, audience, name, decision):
    page = open_page(page_of(audience))
    plan = int(
        re.search(r"Plan (\d+)", page.get_by_role("heading", name=re.compile("waits for approval")).inner_text()).group(1)
    )
    button(page, name).click()
    dialog = page.get_by_role("alertdialog", name=f"{name} plan {plan}?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    confirm(page, name)
    expect(page.get_by_role("alertdialog").get_by_role("status")).to_contain_text(": ")
    with site.ledger.reading() as connection:
        (kept,) = connection.execute(select(t.approvals).where(t.approvals.c.plan_id == plan)).all()
    assert (kept.decision, kept.who) == (decision, "admin")


@pytest.mark.parametrize(("name", "dry"), [("Dry run", True), ("Run now", False)])
def test_a_run_by_hand_is_queued_in_airflow(open_page, site, name, dry):
    page = open_page(page_of(IN_STEP))
    confirm(page, name)
    queued = page.get_by_role("alertdialog").get_by_role("link", name=re.compile("^Queued as manual__"))
    run = queued.inner_text().removeprefix("Queued as ")
    answer = httpx.get(
        f"{site.url}/api/v2/dags/{IN_STEP[0]}/dagRuns/{run}",
        headers={"Authorization": f"Bearer {site.token('admin')}"},
        timeout=60,
    ).json()
    assert (answer["conf"]["dry_run"], answer["conf"]["destinations"]) == (dry, [IN_STEP[1]])
    queued.click()
    page.wait_for_url(re.compile(f"/dags/{IN_STEP[0]}/runs/manual__"))


def test_a_refusal_is_told_where_it_was_asked_for(open_page):
    refused = {"detail": "this change was asked for by another site"}
    page = open_page(page_of(IN_STEP))
    page.route(re.compile("/runs$"), lambda route: route.fulfill(status=403, json=refused))
    confirm(page, "Run now")
    expect(page.get_by_role("alertdialog").get_by_role("alert")).to_contain_text(refused["detail"])


@pytest.mark.parametrize("path", ["overview", "platforms", "erasures", "guards", page_of(IN_STEP)[1:], "openapi.json"])
def test_without_a_token_nothing_is_told(site, path):
    assert httpx.get(f"{site.url}/guestlist/api/v1/{path}", timeout=60).status_code == 401


def test_who_is_logged_out_is_sent_to_the_login(site, browser):
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{site.url}/plugin/audiences")
    page.wait_for_url(re.compile("/auth/login"))
    page.close()
