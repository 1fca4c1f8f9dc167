"""Everybody can label: axe-core finds no serious fault, and the keyboard reaches everything."""

import shutil
import subprocess
import tarfile

import pytest

from tests.dlc_toolbox.labeling.page.conftest import saved
from tests.dlc_toolbox.labeling.page.lab import MANY

FIRST = "vid1/img000.png"

RUN = "async () => (await axe.run()).violations.map(({ id, impact, nodes }) => [id, impact, nodes.map(n => n.html)])"


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """The text of axe-core, from npm."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("ACCESSIBILITY IS NOT TESTED: npm is not installed")
    folder = tmp_path_factory.mktemp("axe")
    done = subprocess.run([npm, "pack", "axe-core@4"], cwd=folder, capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.skip(f"ACCESSIBILITY IS NOT TESTED: npm cannot get axe-core: {done.stderr[-200:]}")
    with tarfile.open(folder / done.stdout.split()[-1]) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


@pytest.mark.parametrize("names", [MANY])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(lab, open_page, axe, scheme, write_video):
    lab.film(write_video)
    lab.set(FIRST, {"nose": [100.0, 100.0], "tail": [100.5, 100.0]})
    lab.suggest({FIRST: 0.7})
    lab.fiji("vid1", "queue", {1: (30.0, 40.0)})
    (lab.data / "vid2" / "tail.csv").write_text("damaged: a notice")
    page = open_page(color_scheme=scheme)
    page.evaluate(axe)
    steps = {
        "question": lambda: page.wait_for_selector("#question[open]"),
        "image": lambda: page.get_by_role("button", name="Ask me later").click(),
        "light": lambda: page.locator("#light").click(),
        "video": lambda: page.keyboard.press("m"),
        "help": lambda: page.keyboard.press("?"),
    }
    for shown, step in steps.items():
        step()
        page.wait_for_timeout(100)
        found = [fault for fault in page.evaluate(RUN) if fault[1] in ("serious", "critical")]
        assert found == [], shown


def test_tab_reaches_lists_and_buttons_and_keeps_their_keys(lab, page):
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.part") == "tail":
            break
    page.keyboard.press("Enter")
    assert page.locator("[data-part=tail]").get_attribute("aria-current") == "true"
    page.keyboard.press("q")
    saved(page)
    assert lab.at(FIRST)["tail"] == "not visible"


def test_the_help_lists_every_key(page):
    page.keyboard.press("?")
    page.get_by_role("heading", name="Keys").wait_for()
    assert page.locator("#keys dt").count() > 40
    page.keyboard.press("q")
    page.keyboard.press("Escape")
    assert page.locator("[data-part=nose]").get_attribute("data-state") == "open", "keys rest while the help is open"
