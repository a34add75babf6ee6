"""One Airflow with many segments for all tests of this folder; each test has a page of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from airflows import Homes
from playwright.sync_api import Browser, Page

from web.conftest import PATIENCE_MS
from web.site import Site, running_site

SEGMENTS, RUNS = 500, 3


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory, homes: Homes) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("crowd"), homes, SEGMENTS, RUNS) as running:
        yield running


Open = Callable[..., Page]


@pytest.fixture
def open_page(site: Site, browser: Browser) -> Iterator[Open]:
    """A page below ours as a role sees it, ``{run}`` standing for the newest run; errors of its scripts fail the test."""
    contexts, errors = [], []

    def opened(path: str = "", role: str = "admin", width: int = 1440, theme: str = "light", prepare=lambda page: None) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies([{"name": "_token", "value": site.token(role), "url": site.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        prepare(page)
        page.goto(f"{site.url}/plugin/audiences{path.replace('{run}', quote(site.last_run, safe=''))}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []
