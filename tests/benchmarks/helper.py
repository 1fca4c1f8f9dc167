"""Measure what a helper is worth: of the demo's mouse some images keep their labels, the others get machine labels.

The commands are those that the labeling page starts, in a project of its own in a temporary folder. CPU-seconds are
those of the whole process: imports, compilation, training, and suggesting labels of the other images. With further
numbers after the first, that many images are labeled then, and the helper goes on. `make demo` must have run.

    python3 tests/benchmarks/helper.py [20 40] [--seeds 1 2 3] [--project DIR]
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from dlc_common.cli import CHECKOUT  # noqa: E402
from dlc_common.images import list_images  # noqa: E402
from dlc_toolbox.labeling.help import offer  # noqa: E402
from dlc_toolbox.labels.fiji import read_clicks  # noqa: E402
from dlc_toolbox.measure.metrics import euclidean_errors  # noqa: E402
from dlc_toolbox.project.layout import Layout, machine_labels  # noqa: E402
from dlc_toolbox.project.settings import Settings, load_settings  # noqa: E402
from tests.fiji_files import write_clicks  # noqa: E402

FOLDER = "mirror-mouse"


def read_folder(folder: Path, bodyparts: Sequence[str], count: int) -> np.ndarray:
    """Return the clicks in the csv files of a folder, (count, K, 2)."""
    labels = np.full((count, len(bodyparts), 2), np.nan)
    for k, part in enumerate(bodyparts):
        clicks = read_clicks(folder / f"{part}.csv")
        labels[clicks["slice"] - 1, k] = clicks[["x", "y"]]
    return labels


def make_project(source: Layout, root: Path) -> Layout:
    """Copy settings, images and ImageNet weights of the demo."""
    layout = Layout(root)
    for name in ("myconfig.py", "myconfig_analysis.py"):
        shutil.copy(source.root / name, root / name)
    images = source.data_folder("mouse") / FOLDER
    shutil.copytree(images, layout.data_folder("mouse") / FOLDER, ignore=shutil.ignore_patterns("*.csv"))
    pretrained = layout.models / "pretrained"
    pretrained.mkdir(parents=True)
    shutil.copy(source.models / "pretrained" / "resnet_v1_50.weights.h5", pretrained)
    return layout


def label(folder: Path, settings: Settings, truth: np.ndarray, chosen: Collection[int]) -> None:
    """Write csv files with the labels of chosen images alone."""
    kept = np.full_like(truth, np.nan)
    kept[list(chosen)] = truth[list(chosen)]
    for k, part in enumerate(settings.bodyparts):
        (folder / f"{part}.csv").unlink(missing_ok=True)
        write_clicks(folder / f"{part}.csv", kept[:, k], range(1, len(truth) + 1))


def run_helper(layout: Layout, scorer: str) -> tuple[float, float]:
    """Train a helper and let it suggest labels; return wall seconds and CPU-seconds."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    subprocess.run(offer.command(layout.root, scorer, trains=True), check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print one line per seed and number of labeled images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labeled", type=int, nargs="*", default=[20], help="labeled images, one round after the other")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--project", type=Path, default=CHECKOUT, help="where the demo has run")
    args = parser.parse_args()
    source = Layout(args.project.resolve())
    settings = load_settings(source.root)
    images = source.data_folder("mouse") / FOLDER
    count = len(list_images(images, settings.imagetype))
    truth = read_folder(images, settings.bodyparts, count)
    sys.stdout.write("seed  labeled  wall s  CPU-s  machine labels  within 5 px  within 8 px  median px\n")
    for seed in args.seeds:
        order = np.random.default_rng(seed).permutation(count)
        with tempfile.TemporaryDirectory() as root:
            layout = make_project(source, Path(root))
            folder = layout.data_folder("mouse") / FOLDER
            for labeled in args.labeled:
                label(folder, settings, truth, order[:labeled])
                wall, work = run_helper(layout, settings.scorer)
                found = read_folder(machine_labels(folder), settings.bodyparts, count)
                errors = euclidean_errors(truth, found)[order[labeled:]]
                errors = errors[np.isfinite(errors)]
                shares = [np.mean(errors <= limit) for limit in (5, 8)]
                sys.stdout.write(
                    f"{seed:4}  {labeled:7}  {wall:6.0f}  {work:5.0f}  {errors.size:14}  {shares[0]:11.1%}  "
                    f"{shares[1]:11.1%}  {np.median(errors):9.2f}\n"
                )
                sys.stdout.flush()


if __name__ == "__main__":
    main()
