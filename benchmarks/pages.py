"""Measure ``pages``: how long a person waits for the overview of five hundred segments on ten platforms."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Iterator

from airflows import Homes
from playwright.sync_api import Page, sync_playwright
from web.site import Site, running_site

from benchmarks.bench import RUNS, Bench, Missed, size
from benchmarks.results import Row

TITLE = "pages"
NOTE = (
    "wall seconds in Debian's Chromium, from the click on *Audiences* within Airflow until the first rows are painted. The "
    "script of the pages is in the browser's cache; a first visit is not counted. Airflow's API server is one process."
)
_MOST = 1.0
_CLICK = """() => new Promise(done => {
  const start = performance.now();
  const watch = new MutationObserver(() => {
    if (!document.querySelector("main tbody th")) return;
    watch.disconnect();
    requestAnimationFrame(() => setTimeout(() => done((performance.now() - start) / 1000), 0));
  });
  watch.observe(document.body, {childList: true, subtree: true});
  document.querySelector("a[href$='/plugin/audiences']").click();
})"""
"""Painted: after the frame that holds the rows."""


def measure(bench: Bench) -> Iterator[Row]:
    """The median."""
    if (chromium := shutil.which("chromium")) is None:
        raise Missed("no chromium here: apt-get install chromium")
    segments = size("SEGMENTS", 500, least=5)
    folder = bench.folder / "site"
    folder.mkdir()
    with running_site(folder, Homes(bench.folder), segments, runs=3) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.context.add_cookies([{"name": "_token", "value": site.token("admin"), "url": site.url}])
        _first_rows(page, site)
        seconds = statistics.median(_first_rows(page, site) for _ in range(RUNS))
        browser.close()
    yield Row(f"overview of {segments} segments x 10", f"{seconds:.2f} s", goal=f"under {_MOST} s", reached=seconds < _MOST)


def _first_rows(page: Page, site: Site) -> float:
    page.goto(f"{site.url}/variables")
    page.locator("a[href$='/plugin/audiences']").wait_for()
    page.wait_for_load_state("networkidle")
    return float(page.evaluate(_CLICK))
