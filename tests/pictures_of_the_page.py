"""Take the pictures of the labeling page that the manual shows.

The demo's mouse as it stands in the middle of an afternoon: 20 images are labeled, and the demo's network has suggested
labels for the others. `make demo` must have run, and Chromium or Chrome must be installed.

    python3 tests/pictures_of_the_page.py [--project DIR] [--to docs]
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from dlc_common.images import list_images  # noqa: E402
from dlc_toolbox.labels.fiji import read_clicks  # noqa: E402
from dlc_toolbox.labels.machine import write_machine_labels  # noqa: E402
from dlc_toolbox.project.layout import Layout  # noqa: E402
from dlc_toolbox.project.settings import Settings, load_settings  # noqa: E402
from dlc_toolbox.project.tables import points, read_table  # noqa: E402
from tests.browser import start_browser  # noqa: E402
from tests.dlc_toolbox.labeling.page.conftest import click, show  # noqa: E402
from tests.dlc_toolbox.labeling.page.kills import start_server  # noqa: E402
from tests.fiji_files import write_clicks  # noqa: E402

LABELED = 20
FOLDER = "mirror-mouse"


def make_project(source: Layout, root: Path) -> Layout:
    """Copy settings, video and images of the demo, and the labels of the first images."""
    layout = Layout(root)
    for name in ("myconfig.py", "myconfig_analysis.py"):
        shutil.copy(source.root / name, root / name)
    (root / "videos").mkdir()
    shutil.copy(source.root / "videos" / "test_vid.mp4", root / "videos")
    settings, folder = load_settings(root), layout.data_folder("mouse") / FOLDER
    shutil.copytree(source.data_folder("mouse") / FOLDER, folder, ignore=shutil.ignore_patterns("*.csv"))
    for part in settings.bodyparts:
        clicks = read_clicks(source.data_folder("mouse") / FOLDER / f"{part}.csv")
        clicks = clicks[clicks["slice"] <= LABELED]
        write_clicks(folder / f"{part}.csv", np.stack([clicks["x"], clicks["y"]], axis=1), clicks["slice"])
    suggest(source, settings, folder)
    return layout


def suggest(source: Layout, settings: Settings, folder: Path) -> None:
    """Write what the demo's network found in the evaluation as machine labels."""
    (found,) = (source.root / "Evaluation-tools" / "Results").glob("DeepCut_*.h5")
    table = read_table(found)
    images = [path.name for path in list_images(folder, settings.imagetype)]
    poses = points(table.loc[[f"{FOLDER}/{image}" for image in images]], settings.bodyparts)
    write_machine_labels(folder, images, settings.bodyparts, poses[..., :2], poses[..., 2], found.stem)


@contextmanager
def page_of(root: Path) -> Iterator[Page]:
    """Open the page of a project."""
    server, address = start_server(root)
    with sync_playwright() as driver:
        browser = start_browser(driver)
        page = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme="light")
        page.goto(address)
        page.wait_for_selector("[data-image][aria-current=true]")
        yield page
        browser.close()
    server.terminate()
    server.communicate()


def take(page: Page, path: Path) -> None:
    """Take a picture, as small as it goes."""
    page.wait_for_timeout(500)
    page.screenshot(path=path)
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    Image.fromarray(pixels & 0xF8 | pixels >> 5).save(path, optimize=True)  # 32 steps a channel: a third of the size
    sys.stdout.write(f"{path}: {path.stat().st_size / 1000:.0f} kB\n")


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=ROOT, help="where the demo has run")
    parser.add_argument("--to", type=Path, default=ROOT / "docs", help="the folder of the pictures")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        source = Layout(args.project.resolve())
        layout = make_project(source, Path(root))
        with page_of(layout.root) as page:
            page.locator("#rank").uncheck()
            show(page, f"{FOLDER}/img24.png")
            page.keyboard.press("t")
            take(page, args.to / "label-suggested.png")
            page.keyboard.press("t")
            page.locator("[data-does=fit]").click()
            page.keyboard.press("m")
            page.locator("#frame").fill("412")
            page.locator("#frame").press("Enter")
            page.get_by_text("frame 412.").wait_for()
            take(page, args.to / "label-video.png")
        shutil.rmtree(layout.data_folder("mouse") / FOLDER / "machine-labels")
        with page_of(layout.root) as page:
            show(page, f"{FOLDER}/img24.png")
            page.evaluate("labeling.zoomTo(2.6, 190, 105)")
            for part in load_settings(layout.root).bodyparts[:5]:
                clicks = read_clicks(source.data_folder("mouse") / FOLDER / f"{part}.csv")
                click(page, *clicks.loc[clicks["slice"] == 24, ["x", "y"]].iloc[0].tolist())
            take(page, args.to / "label-click.png")


if __name__ == "__main__":
    main()
