"""A file that somebody pushes on the page, by Airflow's scheduler to the platforms, and watched until it is ready."""

import re

import pytest
from playwright.sync_api import Browser, expect

from web.intake.rig import Place, csv_of

pytestmark = pytest.mark.slow
RUN_MS = 240_000


def test_from_the_file_to_ready_on_the_page(place: Place, browser: Browser) -> None:
    login = {"username": place.airflow.user, "password": place.airflow.password}
    token = place.client.post("/auth/token", json=login).json()["access_token"]
    page = browser.new_page()
    page.context.add_cookies([{"name": "_token", "value": token, "url": place.airflow.url}])
    page.goto(f"{place.airflow.url}/plugin/audiences/pushed/new")
    page.get_by_label("Intake").select_option("partners")
    page.locator("main input[type=file]").set_input_files(
        {"name": "by hand.csv", "mimeType": "text/csv", "buffer": csv_of(range(20))}
    )
    page.get_by_role("checkbox", name="edgetag_main").press("Space")
    expect(page.get_by_role("table", name="First rows")).to_be_visible()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("by hand")
    expect(page.locator("main").get_by_text("ready", exact=True)).to_be_visible(timeout=RUN_MS)
    expect(page.get_by_role("progressbar", name="Progress")).to_have_attribute("aria-valuenow", "100")
    expect(page.get_by_role("table", name="Destinations").get_by_role("row").nth(1)).to_contain_text(re.compile("sealed.*20"))
    found = place.show(page.url.rpartition("/")[2])
    assert (found["status"], found["matched_rows"], found["destinations"][0]["members"]) == ("ready", 20, 20)
    page.get_by_role("link", name="meta_main").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("by hand on Meta")
    expect(page.locator("main").get_by_text("In step")).to_be_visible()
    page.context.close()
