"""One site and one browser for all tests of this folder."""

import shutil
from collections.abc import Iterator

import pytest
from airflows import Homes
from playwright.sync_api import Browser, expect, sync_playwright

from web.site import Site, running_site

PATIENCE_MS = 60_000
"""A machine that runs everything at once paints late."""
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory, homes: Homes) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site"), homes) as running:
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's: it is found by PATH. Playwright's event loop runs as long as it does, so that no other can in this process."""
    if (chromium := shutil.which("chromium")) is None:
        pytest.skip("no chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])  # tests may run as root
        yield started
        started.close()
