"""A real browser: the system's Chromium, or the one that playwright has installed."""

import shutil
from pathlib import Path

import pytest

PATIENCE = 300  # seconds for anything that a page waits for: the machine may be slow and busy


@pytest.fixture(scope="module")
def chromium():
    """A browser of playwright; skips where one of the two is missing."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright, of requirements.txt")
    with api.sync_playwright() as playwright:
        names = "chromium", "chromium-browser", "google-chrome"
        program = next(filter(None, map(shutil.which, names)), playwright.chromium.executable_path)
        if not Path(program).is_file():
            pytest.skip("needs Chromium: `apt-get install chromium`, or `playwright install chromium`")
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A page, 1400 pixels wide."""
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(1000 * PATIENCE)
    yield context.new_page()
    context.close()
