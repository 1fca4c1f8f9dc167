"""A real Chromium on the labeling page, over the real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.dlc_toolbox.labeling.page.lab import MOUSE, Lab

playwright = pytest.importorskip(
    "playwright.sync_api", reason="THE LABELING PAGE IS NOT TESTED: pip install playwright"
)


@pytest.fixture
def names() -> tuple[str, ...]:
    return MOUSE


@pytest.fixture
def lab(tmp_path: Path, names) -> Iterator[Lab]:
    made = Lab(tmp_path / "project", names)
    yield made
    made.stop()


@pytest.fixture
def open_page(browser, lab) -> Iterator[Callable[..., playwright.Page]]:
    """``open_page(**context)``: the page with its first image shown; errors in the page fail the test."""
    errors: list[str] = []
    contexts = []

    def heard(message):
        if message.type == "error" and "Failed to load resource" not in message.text:
            errors.append(message.text)  # a violated Content-Security-Policy comes here too

    def opened(shown="[data-image][aria-current=true]", address=None, **options) -> playwright.Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 720}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", heard)
        with page.expect_response("**/api/events"):
            page.goto(address or lab.address)
        page.wait_for_selector(shown)
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
