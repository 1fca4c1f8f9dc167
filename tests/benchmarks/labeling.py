"""Measure the labeling page in a real browser: actions of a person, the way to the next image, memory, kills.

python3 tests/benchmarks/labeling.py actions [--project DIR]      # the demo's mouse; after `make demo`
python3 tests/benchmarks/labeling.py actions --help-by helper     # with the page's help: minutes of training
python3 tests/benchmarks/labeling.py next [--images 1000]         # images of 1920x1080
python3 tests/benchmarks/labeling.py next --while-training        # beside a helper, as long as it trains
python3 tests/benchmarks/labeling.py kills [--kills 200]
"""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
import yaml
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
from tests.dlc_toolbox.labeling.page.conftest import click, current, saved, shown  # noqa: E402
from tests.dlc_toolbox.labeling.page.kills import start_server, survive  # noqa: E402
from tests.dlc_toolbox.labeling.page.lab import Lab  # noqa: E402

FOLDER = "mirror-mouse"
NEAR = 5  # px: machine labels that are nearer to a person's are accepted as they are
GRIP = 3  # px: a marker is dragged where no other one is as near
UNHELPED = 20  # images that are labeled before a helper trains
PER_PART = 12, 15  # clicks and keys of Fiji for each part, beside one of each a label: opening, measuring, saving


@contextmanager
def opened(root: Path) -> Iterator[tuple[Page, int]]:
    """Open the page of a project; yields it and the number of the server's process."""
    server, address = start_server(root)
    try:
        with sync_playwright() as driver:
            browser = start_browser(driver)
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            page.goto(address)
            page.wait_for_selector("[data-image][aria-current=true]")
            yield page, server.pid
            browser.close()
    finally:
        server.terminate()
        server.communicate()


def copy_project(source: Layout, layout: Layout) -> None:
    """Copy settings, images and networks of the demo, without labels."""
    for name in ("myconfig.py", "myconfig_analysis.py"):
        shutil.copy(source.root / name, layout.root / name)
    images = source.data_folder("mouse") / FOLDER
    shutil.copytree(images, layout.data_folder("mouse") / FOLDER, ignore=shutil.ignore_patterns("*.csv", ".*"))
    shutil.copytree(source.models, layout.models)


def read_truth(folder: Path, bodyparts: Sequence[str], imagetype: str) -> dict[str, np.ndarray]:
    """Return where a person placed the body parts, (K, 2) by image; NaN where they are not visible."""
    images = [f"{FOLDER}/{path.name}" for path in list_images(folder, imagetype)]
    truth = np.full((len(images), len(bodyparts), 2), np.nan)
    for k, part in enumerate(bodyparts):
        clicks = read_clicks(folder / f"{part}.csv")
        truth[clicks["slice"] - 1, k] = clicks[["x", "y"]]
    return dict(zip(images, truth, strict=True))


class Hand:
    """Clicks, drags and types, and counts it."""

    def __init__(self, page: Page):
        self.page, self.counts = page, Counter()

    def click(self, x: float, y: float) -> None:
        """Click on a place of the image."""
        click(self.page, x, y)
        self.counts["clicks"] += 1

    def press(self, key: str) -> None:
        """Press a key, with Shift or without."""
        self.page.keyboard.press(key)
        self.counts["keys"] += 1

    def drag(self, at: Sequence[float], to: Sequence[float]) -> None:
        """Drag a marker to another place."""
        start, end = (self.page.evaluate("([x, y]) => labeling.screenOf(x, y)", list(place)) for place in (at, to))
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=3)
        self.page.mouse.up()
        self.counts["drags"] += 1

    def choose(self, number: int) -> None:
        """Choose a body part by its number."""
        self.press(f"Digit{number + 1}" if number < 9 else f"Shift+Digit{number - 8}")

    @property
    def image(self) -> str:
        """The image that is shown."""
        return current(self.page, "image")

    def leave(self, image: str) -> None:
        """Wait until the page has gone on from a finished image by itself."""
        self.page.wait_for_selector(
            f'[data-image][aria-current=true]:not([data-image="{image}"]), #message:has-text("Well done")'
        )

    def label(self, places: np.ndarray) -> None:
        """Label the image that is shown, part by part."""
        for x, y in places:
            self.click(x, y) if np.isfinite(x) else self.press("q")

    def mend(self, places: np.ndarray, bodyparts: Sequence[str]) -> None:
        """Correct the machine labels of the image that is shown, and accept those within `NEAR` px of the truth."""
        folder, name = self.image.split("/")
        machine = self.page.evaluate(
            "async (url) => (await (await fetch(url)).json()).machine", f"/api/labels/{folder}/{name}"
        )
        found = np.array([machine.get(part, [np.nan] * 3)[:2] for part in bodyparts])
        away = np.hypot(*(found - places).T)
        for k, (x, y) in enumerate(places):
            if away[k] <= NEAR:
                continue
            near = np.hypot(*(np.where(away <= NEAR, found.T, [[np.nan]]).T - found[k]).T)
            is_alone = np.isfinite(found[k]).all() and not (near < GRIP).any()
            if np.isfinite(x) and is_alone:
                self.drag(found[k], (x, y))
                continue
            self.choose(k)
            self.click(x, y) if np.isfinite(x) else self.press("q")
        if (away <= NEAR).any():
            self.press("Shift+V")


def count_actions(project: Path, help_by: str | None) -> None:
    """Label the demo's mouse as it was labeled; compare the h5 of Step 2 with the truth."""
    with tempfile.TemporaryDirectory() as folder:
        source, layout = Layout(project.resolve()), Layout(Path(folder))
        copy_project(source, layout)
        settings = load_settings(layout.root)
        truth = read_truth(source.data_folder("mouse") / FOLDER, settings.bodyparts, settings.imagetype)
        counts = []
        with opened(layout.root) as (page, _):
            hand = Hand(page)
            alone = {None: len(truth), "helper": UNHELPED, "network": 0}[help_by]
            for number in range(len(truth)):
                if number == alone:
                    ask_for_help(page, help_by)
                image, before = hand.image, hand.counts.copy()
                hand.label(truth[image]) if number < alone else hand.mend(truth[image], settings.bodyparts)
                hand.leave(image)
                counts.append((image, hand.counts - before))
            saved(page)
        table = read_table(convert_labels(layout, settings, settings.scorer))
        found = points(table.reindex(list(truth)), settings.bodyparts)
        groups = {"without help": counts[:alone], "with help": counts[alone:]}
        if help_by == "network":
            split = yaml.safe_load(next(layout.models.glob("*/Documentation_*.yaml")).read_text())
            unseen = [of_image for of_image in counts if of_image[0] in split["test"]]
            groups["of these, images that the network was not trained on"] = unseen
    tell_actions({**groups, "all": counts}, np.array(list(truth.values())), found)


def ask_for_help(page: Page, help_by: str) -> None:
    """Let a network suggest labels of all other images, and wait for it."""
    saved(page)
    page.locator("#network summary").first.click()
    page.locator({"helper": "#train", "network": "#suggest"}[help_by]).click()
    page.wait_for_selector(".job:not([data-state=running])", timeout=3_600_000)
    assert page.locator(".job").get_attribute("data-state") == "done", page.locator(".job").inner_text()
    page.wait_for_selector("#rank:checked")
    page.wait_for_timeout(1000)
    page.keyboard.press("e")
    page.wait_for_timeout(500)


def tell_actions(groups: dict[str, list[tuple[str, Counter]]], truth: np.ndarray, found: np.ndarray) -> None:
    """Write how many actions the images took, and how far the labels are from the truth."""
    assert np.array_equal(np.isnan(found), np.isnan(truth))
    away = np.hypot(*(found - truth).transpose(2, 0, 1))
    images, parts = away.shape
    placed = int(np.isfinite(away).sum())
    sys.stdout.write(f"{images} images of {parts} parts, {placed} labels, from the truth: ")
    sys.stdout.write(f"median {np.nanmedian(away):.3f}, farthest {np.nanmax(away):.3f} px\n")
    for what, of_images in groups.items():
        total = sum((of_image for _, of_image in of_images), Counter())
        if of_images:
            share = sum(total.values()) / len(of_images)
            sys.stdout.write(f"{what}: {len(of_images)} images, {dict(total)}, {share:.1f} actions an image\n")
    keys = parts * (images + PER_PART[1])
    sys.stdout.write(f"Fiji: {placed + PER_PART[0] * parts} clicks and {keys} keys\n")


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


def start_training(lab: Lab, page: Page, weights: Path) -> None:
    """Let a helper train, and wait until it does."""
    pretrained = lab.layout.models / "pretrained"
    pretrained.mkdir(parents=True)
    (pretrained / weights.name).symlink_to(weights)
    page.locator("#network summary").first.click()
    page.locator("#train:enabled").click(timeout=60_000)
    page.locator(".job .message", has_text="iteration").wait_for(timeout=300_000)


def measure_next(images: int, weights: Path | None) -> None:
    """Label one part of each image, go on, and take the time until the next one is on the screen.

    With weights, a helper trains on them meanwhile, and the measurement ends when it does.
    """
    with tempfile.TemporaryDirectory() as folder:
        lab = make_large_project(Path(folder) / "project", images)
        if weights is not None:
            for key in list(lab.numbers)[-UNHELPED:]:
                lab.set(key, lab.truth(key))
        with opened(lab.root) as (page, server):
            if weights is not None:
                start_training(lab, page, weights)
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
                if weights is not None and page.locator(".job[data-state=running]").count() == 0:
                    sys.stdout.write(f"the helper has trained: {page.locator('.job .message').inner_text()}\n")
                    break
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
        f"next of {len(times)} images of 1920x1080: median {np.median(times):.0f} ms, 95 % within "
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
    parser.add_argument("--help-by", choices=("helper", "network"), help="who suggests labels; default nobody")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--while-training", action="store_true", help="measure while a helper trains")
    parser.add_argument("--kills", type=int, default=200)
    args = parser.parse_args()
    if args.what == "actions":
        count_actions(args.project, args.help_by)
    elif args.what == "next":
        name = "resnet_v1_50.weights.h5"
        weights = Layout(args.project.resolve()).models / "pretrained" / name if args.while_training else None
        measure_next(args.images, weights)
    else:
        count_kills(args.kills)


if __name__ == "__main__":
    main()
