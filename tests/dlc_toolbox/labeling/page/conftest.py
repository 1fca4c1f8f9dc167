"""A real Chromium on the labeling page, over the real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.dlc_toolbox.labeling.page.lab import MOUSE, Lab

playwright = pytest.importorskip(
    "playwright.sync_api", reason="THE LABELING PAGE IS NOT TESTED: pip install playwright"
)


WINDOW = {"width": 1280, "height": 720}


@pytest.fixture
def names() -> tuple[str, ...]:
    return MOUSE


@pytest.fixture
def lab(tmp_path: Path, names) -> Iterator[Lab]:
    made = Lab(tmp_path / "project", names)
    yield made
    made.stop()


class Tab:
    """A tab that serves one test after the other: Chromium takes two seconds of CPU time to make a new one.

    A test leaves nothing in it: each server has a port of its own, which browsers keep apart, and what the test hung on
    the tab is taken off. A tab that could not be cleaned is closed.
    """

    def __init__(self, browser) -> None:
        self._browser, self._page, self._is_free = browser, None, True

    def take(self, errors: list[str]) -> playwright.Page | None:
        """Hand the tab out, with its errors to be collected; None while somebody has it."""
        if not self._is_free:
            return None
        if self._page is None:
            self._page = self._browser.new_context(viewport=WINDOW).new_page()
        self._is_free, self._ears = False, collect(self._page, errors)
        return self._page

    def give_back(self) -> None:
        """Leave the page that is shown."""
        if self._is_free:
            return
        page, self._page, self._is_free = self._page, None, True
        for event, ear in self._ears.items():
            page.remove_listener(event, ear)
        for other in page.context.pages[1:]:
            other.close()
        page.goto("about:blank")
        page.mouse.move(0, 0)
        page.unroute_all()
        page.context.clear_cookies()
        self._page = page


def collect(page, errors: list[str]) -> dict[str, Callable]:
    """Add what goes wrong in a page to a list; return what listens, by event."""

    def heard(message):
        if message.type == "error" and "Failed to load resource" not in message.text:
            errors.append(message.text)  # a violated Content-Security-Policy comes here too

    ears = {"pageerror": lambda error: errors.append(str(error)), "console": heard}
    for event, ear in ears.items():
        page.on(event, ear)
    return ears


@pytest.fixture(scope="session")
def tab(browser) -> Tab:
    return Tab(browser)


@pytest.fixture
def open_page(browser, tab, lab) -> Iterator[Callable[..., playwright.Page]]:
    """``open_page(**context)``: the page with its first image shown; errors in the page fail the test.

    The first one without options is in the tab that tests share.
    """
    errors: list[str] = []
    contexts = []

    def new_page(options):
        contexts.append(browser.new_context(**{"viewport": WINDOW, **options}))
        page = contexts[-1].new_page()
        collect(page, errors)
        return page

    def opened(shown="[data-image][aria-current=true]", address=None, **options) -> playwright.Page:
        page = (None if options else tab.take(errors)) or new_page(options)
        page.set_default_timeout(20_000)
        with page.expect_response("**/api/events"):
            page.goto(address or lab.address)
        page.wait_for_selector(shown)
        return page

    yield opened
    for context in contexts:
        context.close()
    tab.give_back()
    assert not errors


@pytest.fixture
def page(open_page) -> playwright.Page:
    return open_page()


def current(page, kind: str) -> str:
    """Return the current image or part."""
    return page.locator(f"[data-{kind}][aria-current=true]").get_attribute(f"data-{kind}")


def shown(page, key: str) -> None:
    """Wait until an image is shown."""
    page.wait_for_selector(f'[data-image="{key}"][aria-current=true]')


def show(page, key: str) -> None:
    """Click on an image in the list, and wait until it is shown."""
    page.locator(f'[data-image="{key}"]').click()
    shown(page, key)


def click(page, x: float, y: float) -> None:
    """Click on an image place, fractions of a CSS pixel included."""
    page.mouse.click(*page.evaluate("([x, y]) => labeling.screenOf(x, y)", [x, y]))


def saved(page) -> None:
    """Wait until the page says that all is on disk."""
    page.wait_for_selector("body[data-saved=yes]")
