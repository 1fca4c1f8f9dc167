"""Open a page as people do, in a browser, and ask it what is shown."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "msedge", "chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

PROBE = """<script>
addEventListener("load", () => setTimeout(() => {
  const images = [...document.images];
  document.title = JSON.stringify({
    images: images.length,
    loaded: images.filter(image => image.complete && image.naturalWidth > 0).length,
    scripts: document.scripts.length - 1,
    bold: document.querySelectorAll("h2 b").length,
    headings: [...document.querySelectorAll("h2")].map(heading => heading.textContent.trim()),
    overflow: document.documentElement.scrollWidth - innerWidth,
    background: getComputedStyle(document.body).backgroundColor,
  });
}, 1000));
</script>"""


def start_browser(driver: Playwright) -> Browser | None:
    """Start the browser that is installed; None where there is none."""
    from playwright.sync_api import Error

    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is not None:
        return driver.chromium.launch(executable_path=path, args=list(FLAGS))
    for channel in ("chrome", "msedge"):  # macOS and Windows keep them off the PATH
        try:
            return driver.chromium.launch(channel=channel, args=list(FLAGS))
        except Error:
            continue
    return None


@pytest.fixture
def open_page(tmp_path):
    """``open_page(path, *flags)``: what Chromium makes of a page, asked by a script added to a copy beside it."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        pytest.skip(f"none of {', '.join(names)} is installed; on Debian: apt install chromium")

    def ask(path: Path, *flags: str) -> dict:
        copy = path.with_name("probe.html")
        copy.write_text(path.read_text(encoding="utf-8") + PROBE, encoding="utf-8")
        command = [
            browser,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path / 'profile'}",
        ]
        done = subprocess.run(
            [*command, "--virtual-time-budget=5000", *flags, "--dump-dom", copy.as_uri()],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        copy.unlink()
        return json.loads(html.unescape(re.search("<title>(.*?)</title>", done.stdout, re.DOTALL)[1]))

    return ask
