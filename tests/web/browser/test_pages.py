"""Every page of ours in a real browser, inside a real Airflow: with data, with 500 segments, empty, and with errors."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from web.browser.conftest import SEGMENTS
from web.conftest import PATIENCE_MS
from web.site import FAILED, PUSHED_ID

pytestmark = pytest.mark.slow
AUDIENCE = "/segments/segment_0002/destinations/klaviyo_main"
RUN = "/segments/{}/destinations/{}/runs/{{run}}".format(*FAILED)
PAGES = {
    "": "Audiences",
    AUDIENCE: "segment_0002 on Klaviyo",
    RUN: re.compile("^scheduled__"),
    "/pushed": "Pushed audiences",
    f"/pushed/audiences/{PUSHED_ID}": "VIPs",
    "/platforms": "Platforms",
    "/erasures": "Erasures",
    "/guards": "Guards",
}
IDS = [path.strip("/") or "overview" for path in PAGES]
API = re.compile(r"/guestlist/api/v1/")
NO_ROWS = {"rows": [], "total": 0, "statuses": {}, "platforms": [], "as_of": "2026-11-22T07:00:00Z", "next": None}
NO_ROWS |= {"audiences": [], "next_cursor": None}


def table(page: Page, name: str):
    return page.get_by_role("table", name=name)


def loaded(page: Page) -> Page:
    expect(page.get_by_role("status", name="Loading")).to_have_count(0)
    expect(page.locator("main h1")).to_be_visible()
    return page


_FADED = """() => Promise.allSettled(
  document.getAnimations().filter(one => one.effect.getComputedTiming().endTime !== Infinity).map(one => one.finished)
)"""


def complaints(page: Page) -> list[str]:
    """What axe says of our part of the page, once nothing fades in or out; the rest is Airflow's."""
    page.evaluate(_FADED)
    found = Axe().run(page, context="main", options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_a_page_can_be_used_by_everybody(open_page, path, theme):
    page = loaded(open_page(path, theme=theme))
    expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[path])
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    assert complaints(page) == []
    assert page.locator("html").get_attribute("class") == theme
    heading = page.get_by_role("heading", level=1).inner_text()
    expect(page).to_have_title(re.compile(f"^{re.escape(heading)} - "))
    expect(page.get_by_role("navigation", name="Audiences").locator("[aria-current=page]")).to_have_count(1)


@pytest.mark.parametrize("width", [375, 768, 1440])
@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_a_page_fits_its_screen(open_page, path, width):
    page = loaded(open_page(path, width=width))
    wide = page.locator("main").evaluate("main => main.scrollWidth - main.clientWidth")
    assert wide <= 0, "whatever is wider scrolls within its own box"


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_tables_are_read_on_a_phone_without_moving_them(open_page, path):
    page = loaded(open_page(path, width=375))
    for details in page.get_by_role("button", name="Show details").all()[:1]:
        details.click()
        loaded(page)
    wide = "every => every.map(one => [one.getAttribute('aria-label'), one.scrollWidth - one.clientWidth])"
    tables = page.locator("main [role=region]:has(table)").evaluate_all(wide)
    assert [one for one in tables if one[1] > 0] == []


def test_a_moment_stands_with_its_zone(open_page):
    page = loaded(open_page(AUDIENCE))
    times = table(page, "Runs").locator("time")
    expect(times.first).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$"))
    page.evaluate("localStorage.setItem('timezone', JSON.stringify('America/New_York'))")
    page.reload()
    expect(times.first).to_have_text(re.compile(" E[SD]T$"))


def test_what_a_platform_refused_is_told_in_its_own_words(open_page):
    page = loaded(open_page(RUN, width=375))
    expect(table(page, "Left out and refused, by reason")).to_contain_text("INVALID_EMAIL")
    page.get_by_role("button", name="Show details").last.click()
    expect(table(page, "Batches").get_by_role("row").nth(1)).to_contain_text(re.compile("A[0-9A-F]{15}"))
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(table(page, "Batches")).to_contain_text("12 INVALID_EMAIL")


def test_the_guards_are_searched_and_the_address_keeps_it(open_page):
    page = loaded(open_page("/guards"))
    page.get_by_role("searchbox").fill("segment_0000 meta")
    rows = table(page, "Guards").get_by_role("row")
    expect(rows).to_have_count(2)
    page.get_by_label("Outcome").select_option("waiting")
    page.reload()
    expect(rows).to_have_count(2)
    assert set(page.url.partition("?")[2].split("&")) == {"search=segment_0000+meta", "outcome=waiting"}
    page.get_by_label("Outcome").select_option("expired")
    expect(page.get_by_text("No plan is like that")).to_be_visible()


def test_five_thousand_audiences_are_a_table_of_which_a_few_rows_are_drawn(open_page, site):
    page = loaded(open_page())
    audiences = table(page, "Audiences")
    pushed = sum(len(one.destinations) for one in site.ledger.live_audiences())
    expect(audiences).to_have_attribute("aria-rowcount", str(SEGMENTS * 10 + pushed + 1))
    rows = audiences.locator("tbody tr[aria-rowindex]")
    expect(rows.first).to_have_attribute("aria-rowindex", "2")
    assert rows.count() < 60
    box = page.get_by_role("region", name="Audiences")
    whole = box.evaluate("box => box.scrollHeight")
    box.evaluate("box => box.scrollTo(0, box.scrollHeight)")
    page.wait_for_function("([box, whole]) => box.scrollHeight > 1.5 * whole", arg=[box.element_handle(), whole])
    box.evaluate("box => box.scrollTo(0, box.scrollHeight)")
    expect(audiences.locator("tr[aria-rowindex='201']")).to_be_attached()
    assert rows.count() < 60


def test_the_overview_is_searched_filtered_and_sorted_and_the_address_keeps_it(open_page):
    page = loaded(open_page())
    page.get_by_role("searchbox").fill("segment_0042 meta")
    expect(page.get_by_text("1 audience", exact=True)).to_be_visible()
    expect(table(page, "Audiences").get_by_role("row").nth(1)).to_contain_text("segment_0042")
    page.get_by_role("searchbox").fill("")
    page.get_by_label("Platform").select_option("whop")
    expect(page.get_by_text(f"{SEGMENTS} audiences")).to_be_visible()
    stale = page.get_by_role("button", name=re.compile("Stale"))
    stale.click()
    expect(stale).to_have_attribute("aria-pressed", "true")
    expect(table(page, "Audiences").get_by_text("late").first).to_be_visible()
    page.get_by_role("button", name="Last sealed").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Last sealed")).to_have_attribute("aria-sort", re.compile("ending"))
    assert {"platform=whop", "status=stale", "sort=sealed_at"} <= set(page.url.partition("?")[2].split("&"))
    shown = table(page, "Audiences").get_by_role("row").nth(1).inner_text()
    page.reload()
    expect(table(page, "Audiences").get_by_role("row").nth(1)).to_contain_text(shown.split("\n")[0])


def test_from_the_overview_to_the_platform_s_request_ids_by_keyboard_alone(open_page):
    page = loaded(open_page("?search=segment_0002%20klaviyo"))
    page.get_by_role("link", name="segment_0002 on klaviyo_main").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("segment_0002 on Klaviyo")
    expect(page.get_by_role("img", name=re.compile("^Size over time"))).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Added and removed in"))).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("customer_id by member key to nothing"))).to_be_visible()
    expect(table(page, "Left out and refused, by reason")).to_contain_text("without consent")
    page.get_by_role("link", name=re.compile("^Run of ")).first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("scheduled__")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    details = page.get_by_role("button", name="Show details").first
    details.focus()
    page.keyboard.press("Enter")
    expect(table(page, "Batches").get_by_role("row").nth(1)).to_contain_text(re.compile(r"A[0-9A-F]{15}"))
    assert complaints(page) == []


def test_on_a_phone_the_lineage_is_a_list(open_page):
    page = loaded(open_page(AUDIENCE, width=375))
    lineage = page.get_by_role("list", name="Lineage")
    picture = page.get_by_role("img", name=re.compile("customer_id by member key"))
    expect(lineage.get_by_role("listitem").filter(has_text="customer_id → member key")).to_be_visible()
    expect(picture).to_have_count(0)
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(picture).to_be_visible()
    expect(lineage).to_have_count(0)


def test_what_was_pushed_is_found_by_its_name_and_leads_to_how_far_it_is(open_page):
    page = loaded(open_page("?search=VIPs"))
    page.get_by_role("link", name="VIPs on meta_main").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("VIPs on Meta")
    expect(page.get_by_role("heading", name=re.compile("waits for approval"))).to_be_visible()
    page.get_by_role("link", name="pushed to partners").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("VIPs")
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")
    expect(table(page, "Destinations").get_by_role("link", name="edgetag_main", exact=True)).to_be_visible()


def test_the_steps_of_an_erasure_are_asked_for_when_it_is_opened(open_page):
    page = loaded(open_page("/erasures"))
    page.get_by_role("button", name="Show details").first.press("Enter")
    expect(table(page, "Audiences of the request").get_by_role("link", name="VIPs").first).to_be_attached()
    assert complaints(page) == []


def test_a_list_is_downloaded_as_csv_with_its_filters(open_page, tmp_path: Path):
    page = loaded(open_page("?search=segment_0007"))
    expect(page.get_by_text("10 audiences")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the overview as CSV").click()
    download.value.save_as(tmp_path / "overview.csv")
    rows = list(csv.DictReader((tmp_path / "overview.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [row["segment"] for row in rows] == ["segment_0007"] * 10


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "There are no audiences yet"),
        ("?search=nothing", "No audience is like that"),
        ("/pushed", "Nothing was pushed yet"),
        ("/platforms", "No segment delivers to a platform yet"),
        ("/erasures", "Nobody has asked to be erased"),
        ("/guards", "No guard has stopped a plan"),
    ],
)
def test_an_empty_page_says_so(open_page, path, said):
    answer = json.dumps(NO_ROWS)
    page = open_page(
        path, prepare=lambda page: page.route(API, lambda route: route.fulfill(body=answer, content_type="application/json"))
    )
    expect(page.get_by_text(said)).to_be_visible()
    assert complaints(page) == []


def test_an_audience_that_was_never_sent_has_a_page(open_page):
    def nothing_yet(route: Route) -> None:
        whole = route.fetch().json()
        known = {
            name: whole["audience"][name]
            for name in ("segment", "destination", "platform", "platform_title", "connection", "audience", "mode")
        }
        bare = dict.fromkeys(whole["audience"]) | known | {"status": "new", "late": False, "trend": []}
        route.fulfill(json=whole | {"audience": bare, "sealed": [], "seen": [], "runs": [], "waiting": None})

    page = open_page(AUDIENCE, prepare=lambda page: page.route(re.compile(r"/api/v1/.*/klaviyo_main$"), nothing_yet))
    expect(page.get_by_text("Nothing was sealed yet")).to_be_visible()
    expect(page.get_by_text("Nothing was sent yet")).to_be_visible()


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_what_could_not_be_loaded_is_told_and_can_be_tried_again(open_page, path):
    failing = {"detail": "the ledger could not be used: its database is locked"}
    page = open_page(path, prepare=lambda page: page.route(API, lambda route: route.fulfill(status=500, json=failing)))
    alert = page.get_by_role("alert").filter(has_text=failing["detail"])  # an audience may have a word of its own to say
    expect(alert).to_be_visible()
    assert complaints(page) == []
    page.unroute(API)
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_have_count(0)
    loaded(page)


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_what_may_not_be_seen_is_told_and_not_asked_for_again(open_page, path):
    refused = {"detail": "you may not see segment_0000: ask for the permission to read its DAG"}
    page = open_page(path, prepare=lambda page: page.route(API, lambda route: route.fulfill(status=403, json=refused)))
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(refused["detail"])
    expect(alert.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda route: route.fulfill(status=502, body="<html>Bad gateway</html>"), "The server answered 502."),
        (lambda route: route.abort(), "Airflow cannot be reached"),
    ],
)
def test_what_comes_from_no_server_of_ours_is_told_in_words(open_page, answer, said):
    page = open_page("/platforms", prepare=lambda page: page.route(API, answer))
    expect(page.get_by_role("alert")).to_contain_text(said)


def test_a_session_that_ends_leads_to_the_login_and_back(site, browser):
    """With a page of its own: Airflow's scripts fail while they are left."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    context.add_cookies([{"name": "_token", "value": site.token("admin"), "url": site.url}])
    page = context.new_page()
    page.goto(f"{site.url}/plugin/audiences/platforms")
    loaded(page)
    context.clear_cookies()
    page.get_by_role("link", name="Guards").click()
    page.wait_for_url(re.compile("/auth/login.*plugin%2Faudiences%2Fguards"))
    context.close()


def test_an_address_that_is_none_of_ours_leads_back(open_page):
    page = loaded(open_page("/nowhere"))
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Audiences")
