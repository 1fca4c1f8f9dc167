"""Measure the labeling page in a real browser: actions of a person, the way to the next image, memory, kills.

python3 tests/benchmarks/labeling.py actions [--project DIR]  # the demo's mouse; after `make demo`
python3 tests/benchmarks/labeling.py next [--images 1000]     # images of 1920x1080
python3 tests/benchmarks/labeling.py kills [--kills 200]
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from dlc_common.images import list_images  # noqa: E402
from dlc_toolbox.labels.fiji import read_clicks  # noqa: E402
from dlc_toolbox.labels.labels import convert_labels  # noqa: E402
from dlc_toolbox.project.layout import Layout  # noqa: E402
from dlc_toolbox.project.settings import load_settings  # noqa: E402
from dlc_toolbox.project.tables import points, read_table  # noqa: E402
from tests.browser import start_browser  # noqa: E402
from tests.dlc_toolbox.labeling.page.conftest import click, saved, shown  # noqa: E402
from tests.dlc_toolbox.labeling.page.kills import start_server, survive  # noqa: E402
from tests.dlc_toolbox.labeling.page.lab import Lab  # noqa: E402

FOLDER = "mirror-mouse"
PER_PART = 12, 15  # clicks and keys of Fiji for each part, beside one of each a label: opening, measuring, saving


@contextmanager
def opened(root: Path) -> Iterator[tuple[Page, int]]:
    """Open the page of a project; yields it and the number of the server's process."""
    server, address = start_server(root)
    with sync_playwright() as driver:
        browser = start_browser(driver)
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(address)
        page.wait_for_selector("[data-image][aria-current=true]")
        yield page, server.pid
        browser.close()
    server.terminate()
    server.communicate()


def count_actions(project: Path) -> None:
    """Label the demo's mouse as it was labeled; compare the h5 of Step 2 with the truth."""
    with tempfile.TemporaryDirectory() as folder:
        source, layout = Layout(project.resolve()), Layout(Path(folder))
        for name in ("myconfig.py", "myconfig_analysis.py"):
            shutil.copy(source.root / name, layout.root / name)
        settings, home = load_settings(layout.root), layout.data_folder("mouse") / FOLDER
        shutil.copytree(source.data_folder("mouse") / FOLDER, home, ignore=shutil.ignore_patterns("*.csv"))
        images = [path.name for path in list_images(home, settings.imagetype)]
        truth = np.full((len(images), len(settings.bodyparts), 2), np.nan)
        for k, part in enumerate(settings.bodyparts):
            clicks = read_clicks(source.data_folder("mouse") / FOLDER / f"{part}.csv")
            truth[clicks["slice"] - 1, k] = clicks[["x", "y"]]
        with opened(layout.root) as (page, _):
            for image, places in zip(images, truth, strict=True):
                shown(page, f"{FOLDER}/{image}")
                for x, y in places:
                    click(page, x, y) if np.isfinite(x) else page.keyboard.press("q")
            saved(page)
        table = read_table(convert_labels(layout, settings, settings.scorer))
        found = points(table.reindex([f"{FOLDER}/{image}" for image in images]), settings.bodyparts)
    assert np.array_equal(np.isnan(found), np.isnan(truth))
    placed = int(np.isfinite(truth[..., 0]).sum())
    parts, hidden = len(settings.bodyparts), truth[..., 0].size - placed
    each = parts * len(images)
    sys.stdout.write(
        f"{len(images)} images of {parts} parts: {placed} clicks and {hidden} keys, farthest from the truth "
        f"{np.nanmax(np.abs(found - truth)):.3f} px\n"
        f"Fiji: {placed + PER_PART[0] * parts} clicks and {each + PER_PART[1] * parts} keys\n"
    )


def resident(process: int) -> float:
    """Return the memory of a process, MB (Linux)."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1000


def make_large_project(root: Path, images: int) -> Lab:
    """Make a project of images of 1920x1080, as grainy as a compressed video."""
    rng = np.random.default_rng(0)
    lab = Lab(root, images=images // 2)
    grain = cv2.GaussianBlur(rng.normal(120, 40, (1080, 1920)).astype(np.float32), (0, 0), 2)
    for number, key in enumerate(lab.numbers):
        picture = np.roll(grain, 7 * number, axis=1).clip(0, 255).astype(np.uint8)
        cv2.putText(picture, str(number), (900, 540), cv2.FONT_HERSHEY_SIMPLEX, 4, 255, 5)
        cv2.imwrite(str(lab.data / key), cv2.merge([picture] * 3))
    return lab


def measure_next(images: int) -> None:
    """Label one part of each image, go on, and take the time until the next one is on the screen."""
    with tempfile.TemporaryDirectory() as folder:
        lab = make_large_project(Path(folder) / "project", images)
        with opened(lab.root) as (page, server):
            client = page.context.new_cdp_session(page)
            client.send("Performance.enable")

            def memory() -> str:
                client.send("HeapProfiler.collectGarbage")
                told = {metric["name"]: metric["value"] for metric in client.send("Performance.getMetrics")["metrics"]}
                return f"page {told['JSHeapUsedSize'] / 1e6:.1f} MB of objects, server {resident(server):.0f} MB"

            page.evaluate(
                "() => new MutationObserver(() => requestAnimationFrame(() => (window.shownAt = performance.now())))"
                ".observe(document.getElementById('title'), { subtree: true, characterData: true, childList: true })"
            )
            times = []
            for number, key in enumerate(list(lab.numbers)[1:]):
                page.keyboard.press("1")
                click(page, 900, 500)
                page.wait_for_timeout(300)  # a quick person's look at the image
                before = page.evaluate("performance.now()")
                page.keyboard.press("d")
                shown(page, key)
                page.wait_for_function("before => window.shownAt > before", arg=before)
                times.append(page.evaluate("window.shownAt") - before)
                if number + 2 in (20, len(lab.numbers)):
                    sys.stdout.write(f"after {number + 2} images: {memory()}\n")
            saved(page)
    sys.stdout.write(
        f"next of {images} images of 1920x1080: median {np.median(times):.0f} ms, 95 % within "
        f"{np.percentile(times, 95):.0f} ms\n"
    )


def count_kills(kills: int) -> None:
    """Kill server and browser in turn."""
    start = perf_counter()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        labels = survive(Lab(Path(folder) / "project"), lambda: start_browser(driver), kills)
    sys.stdout.write(f"{kills} kills survived, {labels} labels shown as saved, {perf_counter() - start:.0f} s\n")


def main() -> None:
    """Measure one thing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("actions", "next", "kills"))
    parser.add_argument("--project", type=Path, default=ROOT, help="where the demo has run")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=200)
    args = parser.parse_args()
    if args.what == "actions":
        count_actions(args.project)
    elif args.what == "next":
        measure_next(args.images)
    else:
        count_kills(args.kills)


if __name__ == "__main__":
    main()
