"""A real Chromium on the labeling page, over a server in memory."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.labeling_page.fake import MOUSE, Lab, serving

playwright = pytest.importorskip(
    "playwright.sync_api", reason="THE LABELING PAGE IS NOT TESTED: pip install playwright"
)

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"THE LABELING PAGE IS NOT TESTED: none of {', '.join(NAMES)} is installed")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def names() -> tuple[str, ...]:
    return MOUSE


@pytest.fixture
def lab(names) -> Lab:
    return Lab(names)


@pytest.fixture
def open_page(browser, lab) -> Iterator[Callable[..., playwright.Page]]:
    """``open_page(**context)``: the page with its first image shown; errors in the page fail the test."""
    errors: list[str] = []
    contexts = []

    def heard(message):
        if message.type == "error" and "Failed to load resource" not in message.text:
            errors.append(message.text)  # a violated Content-Security-Policy comes here too

    with serving(lab) as address:

        def opened(shown="[data-image][aria-current=true]", **options) -> playwright.Page:
            context = browser.new_context(**{"viewport": {"width": 1280, "height": 720}, **options})
            contexts.append(context)
            page = context.new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", heard)
            page.goto(address)
            page.wait_for_selector(shown)
            while not lab.listeners:
                page.wait_for_timeout(10)
            return page

        yield opened
        for context in contexts:
            context.close()
    assert not errors


@pytest.fixture
def page(open_page) -> playwright.Page:
    return open_page()


def current(page, kind: str) -> str:
    """Return the current image or part."""
    return page.locator(f"[data-{kind}][aria-current=true]").get_attribute(f"data-{kind}")


def show(page, key: str) -> None:
    """Click on an image in the list, and wait until it is shown."""
    page.locator(f'[data-image="{key}"]').click()
    page.wait_for_selector(f'[data-image="{key}"][aria-current=true]')


def click(page, x: float, y: float) -> None:
    """Click on an image place, fractions of a CSS pixel included."""
    page.mouse.click(*page.evaluate("([x, y]) => labeling.screenOf(x, y)", [x, y]))


def saved(page) -> None:
    """Wait until the page says that all is on disk."""
    page.wait_for_selector("body[data-saved=yes]")
