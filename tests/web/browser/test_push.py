"""Pushing a file by hand: chosen, looked at, mapped, sent and watched; what the API refuses is told in place."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from web.browser.test_pages import complaints, loaded, table
from web.site import INTAKE, PUSHED_ID, Site

pytestmark = pytest.mark.slow
HEADER = "E-Mail,Mobile,Country Code,note\n"
ROWS = "".join(f"ann.lee{number}@example.com,(650) 555-12{number:02d},US,x\n" for number in range(40))
PREVIEW = re.compile("/audiences/preview$")


def file(text: str = HEADER + ROWS, name: str = "customers.csv") -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


def chosen(page: Page, given: FilePayload | Path) -> Page:
    loaded(page).locator("main input[type=file]").set_input_files(given)
    return page


def send(page: Page):
    return page.get_by_role("button", name="Send")


def test_a_file_is_pushed_by_keyboard_alone(open_page, site: Site):
    page = loaded(open_page("/pushed"))
    page.get_by_role("link", name="Push an audience").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(send(page)).to_be_disabled()
    with page.expect_file_chooser() as choosing:
        page.get_by_role("button", name="Choose a file").press("Enter")
    choosing.value.set_files(file())
    expect(page.get_by_label("Name")).to_have_value("customers")
    page.get_by_label("Name").fill("By keyboard")
    page.get_by_role("checkbox", name="edgetag_main").press("Space")
    expect(page.get_by_label("E-Mail")).to_have_value("email")
    expect(page.get_by_label("Country of the phone numbers")).to_have_value("Country Code")
    expect(table(page, "Match readiness").get_by_role("row")).to_have_count(2)
    expect(table(page, "First rows")).to_contain_text("a***@e***.com")
    assert "ann.lee" not in page.locator("main").inner_text()
    page.get_by_label("Country Code", exact=True).select_option("")
    expect(table(page, "First rows").get_by_role("columnheader", name="country")).to_have_count(0)
    assert complaints(page) == []
    send(page).press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("By keyboard")
    expect(page.get_by_role("progressbar", name="Progress")).to_be_visible()
    [kept] = [one for one in site.ledger.live_audiences(INTAKE) if one.name == "By keyboard"]
    assert page.url.endswith(kept.id)
    assert {name: one["columns"] for name, one in kept.identifiers.items()} == {"email": ["E-Mail"], "phone": ["Mobile"]}
    assert (kept.identifiers["phone"]["region"], kept.destinations) == ("Country Code", ["meta_main"])
    upload = site.ledger.newest_upload(kept.id)
    assert (upload.kind, upload.pushed_by, site.ledger.pieces(upload.id)[0].lines) == ("replace", "user:admin", 41)


def test_an_audience_is_added_to_and_deleted_from_its_page(open_page, site: Site):
    rows = "email,second_email,phone,country,first,last,zip\nann.lee@example.com,,,US,Ann,Lee,94107\n"
    page = open_page("/pushed/new")
    chosen(page, file(rows)).get_by_label("Name").fill("To be emptied")
    send(page).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("To be emptied")
    page.get_by_role("link", name="Replace everybody").click()
    expect(page.get_by_role("radio", name="Replace everybody")).to_be_checked()
    chosen(page, file(rows))
    expect(page.get_by_label("email", exact=True)).to_be_disabled()
    send(page).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("To be emptied")
    [kept] = [one for one in site.ledger.live_audiences(INTAKE) if one.name == "To be emptied"]
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alertdialog").get_by_role("status")).to_be_visible()
    assert [one.kind for one in site.ledger.uploads(kept.id)] == ["delete", "replace", "replace"]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("VIPs", HEADER + ROWS, "an audience of this name is there already"),
        ("A formula", HEADER + "=1+1,,,\n", "formula"),
    ],
)
def test_what_the_api_refuses_is_told_in_place(open_page, name, text, told):
    page = open_page("/pushed/new")
    chosen(page, file(text)).get_by_label("Name").fill(name)
    send(page).click()
    expect(page.get_by_role("alert").filter(has_text="It was not sent")).to_contain_text(told)
    assert complaints(page) == []
    expect(send(page)).to_be_enabled()


def test_a_column_that_is_mapped_wrongly_and_a_file_that_is_none_are_told(open_page):
    page = open_page("/pushed/new")
    chosen(page, file("this\nis nothing\n"))
    expect(page.get_by_role("alert")).to_contain_text("No column was recognised")
    expect(page.get_by_text("Choose what a column is used for.")).to_be_visible()
    expect(send(page)).to_be_disabled()
    page.get_by_label("this").select_option("email")
    expect(table(page, "First rows")).to_contain_text("left out")
    chosen(page, file("PK", "people.xlsx"))
    expect(page.get_by_role("alert")).to_contain_text("This cannot be looked at")


def test_of_a_large_file_the_beginning_is_looked_at(open_page, tmp_path: Path):
    text = HEADER + ROWS * 3000
    (tmp_path / "large.csv").write_text(text)
    with gzip.open(tmp_path / "large.csv.gz", "wt", compresslevel=1) as packed:
        packed.write("email\n" + "\n".join(os.urandom(1024).hex() + "@example.com" for _ in range(17 << 10)))
    for name in ("large.csv", "large.csv.gz"):
        page = open_page("/pushed/new")
        with page.expect_request(PREVIEW) as asked:
            chosen(page, tmp_path / name)
        sent = int(asked.value.all_headers()["content-length"])
        assert 0 < sent < 2 << 20 < (tmp_path / name).stat().st_size
        expect(table(page, "First rows")).to_contain_text("a***@e***.com" if name == "large.csv" else "***@e***.com")
        expect(page.get_by_text("The file is larger than this intake takes")).to_be_visible()
        expect(send(page)).to_be_disabled()


def test_a_file_is_dropped(open_page, tmp_path: Path):
    (tmp_path / "dropped.csv").write_text(HEADER + ROWS)
    page = loaded(open_page("/pushed/new"))
    place = page.get_by_text("Drop a file here").bounding_box()
    hand = page.context.new_cdp_session(page)
    carried = {"items": [], "files": [str(tmp_path / "dropped.csv")], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        hand.send("Input.dispatchDragEvent", {"type": kind, "x": place["x"] + 5, "y": place["y"] + 5, "data": carried})
    expect(page.get_by_text("dropped.csv")).to_be_visible()
    expect(page.get_by_label("E-Mail")).to_have_value("email")


def test_a_viewer_looks_and_cannot_push(open_page):
    page = loaded(open_page("/pushed", role="viewer"))
    expect(page.get_by_role("button", name="Push an audience")).to_be_disabled()
    expect(table(page, "Pushed audiences").get_by_role("link", name="VIPs")).to_be_visible()
    page = loaded(open_page(f"/pushed/audiences/{PUSHED_ID}", role="viewer"))
    for name in ("Replace everybody", "Add people", "Delete"):
        expect(page.get_by_role("button", name=name)).to_be_disabled()
    page = loaded(open_page("/pushed/new", role="viewer"))
    expect(page.get_by_role("alert")).to_contain_text("trigger its DAG")
    expect(send(page)).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 768, 1440])
def test_the_page_fits_its_screen_and_can_be_used_by_everybody(open_page, width, theme):
    page = chosen(open_page("/pushed/new", width=width, theme=theme), file())
    expect(table(page, "First rows")).to_be_visible()
    assert page.locator("main").evaluate("main => main.scrollWidth - main.clientWidth") <= 0
    assert complaints(page) == []
