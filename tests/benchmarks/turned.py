"""Measure what turned animals cost: the demo's mouse seen from below, trained as it is and with `rotation: 180`.

Each network is trained on the lower part of the training images and measured on that of the test images, upright and
turned by 90, 180 and 270 degrees, which changes no pixel. CPU-seconds are those of train.py as a whole. The demo's
training set must exist (`make demo`, or Step 4); the networks go to a temporary folder.

    python3 tests/benchmarks/turned.py [--iterations 500] [--seeds 1 2 3] [--rotations 0 180] [--set '{KEY: VALUE}']
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import yaml

from deepercut.backend import start_backend
from deepercut.config import load_config
from deepercut.inference.predict import load_predictor
from deepercut.weights.snapshots import list_snapshots
from dlc_common.cli import CHECKOUT
from dlc_common.images import read_image
from dlc_common.training_set import write_training_set
from dlc_common.yaml_text import with_values
from dlc_toolbox.measure.metrics import euclidean_errors
from dlc_toolbox.project.experiment import Experiment, percent_of
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings
from dlc_toolbox.training_set.recorded import Split, read_split
from dlc_toolbox.training_set.trainset import labeled_image

TOP = 172
"""First row of pixels that show the mouse from below."""


def find_experiment(layout: Layout) -> Experiment:
    """Return the first experiment of a project's settings."""
    own = load_settings(layout.root)
    percent = percent_of(own.TrainingFraction[0])
    return Experiment(own.Task, own.date, own.scorer, percent, own.Shuffles[0], own.resnet)


def lower_part(split: Split, names: Sequence[str], images: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return images and labels (K, 2) of the parts that are seen from below."""
    table = split.table.droplevel("scorer", axis=1)
    parts = [part for part in table.columns.get_level_values(0).unique() if part.endswith("_bot")]
    labels = table.loc[list(names), parts].to_numpy().reshape(len(names), len(parts), 2) - (0, TOP)
    return [(read_image(images / name)[TOP:], of_image) for name, of_image in zip(names, labels, strict=True)]


def write_files(
    folder: Path, source: Path, samples: Sequence[tuple[np.ndarray, np.ndarray]], changes: Mapping[str, Any]
) -> Path:
    """Write images, training set and pose_cfg.yaml; return the last."""
    entries = []
    for number, (image, labels) in enumerate(samples):
        iio.imwrite(folder / f"{number}.png", image)
        entries.append(labeled_image(f"{number}.png", (image.shape[1], image.shape[0]), labels))
    write_training_set(folder / "lower.mat", entries)
    count = len(samples[0][1])
    keys = {
        "dataset": "lower.mat",
        "num_joints": count,
        "all_joints": [[part] for part in range(count)],
        "all_joints_names": [f"part{part}" for part in range(count)],
        "init_weights": str(source.parent / load_config(source).init_weights),
    }
    path = folder / "pose_cfg.yaml"
    path.write_text(with_values(source.read_text(encoding="utf-8-sig"), {**keys, **changes}), encoding="utf-8")
    return path


def train(config_path: Path, iterations: int, seed: int) -> float:
    """Train, and return the CPU-seconds of it."""
    counts = {"--max-iters": iterations, "--save-iters": iterations, "--display-iters": iterations, "--seed": seed}
    flags = [str(word) for flag in counts.items() for word in flag]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, CHECKOUT / "pose-tensorflow" / "train.py", "--config", config_path, *flags]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def turn(image: np.ndarray, labels: np.ndarray, quarters: int) -> tuple[np.ndarray, np.ndarray]:
    """Turn an image and its labels by quarters of a turn, against the clock.

    >>> image, labels = turn(np.arange(6).reshape(2, 3, 1), np.array([[2, 0]]), 1)  # the 2 at the top right
    >>> image[..., 0].tolist(), labels.tolist()
    ([[2, 5], [1, 4], [0, 3]], [[0, 0]])
    """
    for _ in range(quarters):
        labels = np.stack([labels[:, 1], image.shape[1] - 1 - labels[:, 0]], axis=1)
        image = np.rot90(image)
    return np.ascontiguousarray(image), labels


def main() -> None:
    """Print one line for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--rotations", type=float, nargs="+", default=[0, 180])
    parser.add_argument("--set", type=yaml.safe_load, default={}, metavar="{KEY: VALUE}", help="other keys")
    parser.add_argument("--project", type=Path, default=CHECKOUT, help="where the demo has run")
    args = parser.parse_args()
    start_backend()
    layout = Layout(args.project.resolve())
    experiment = find_experiment(layout)
    split, images = read_split(layout, experiment), layout.dataset_images(experiment.task, experiment.date)
    samples, tests = (lower_part(split, names, images) for names in (split.train, split.test))
    sys.stdout.write("seed  rotation  CPU-s  mean (median) test error in px, turned by 0, 90, 180, 270 degrees\n")
    for seed in args.seeds:
        for rotation in args.rotations:
            with tempfile.TemporaryDirectory() as folder:
                source = layout.train_folder(experiment) / "pose_cfg.yaml"
                path = write_files(Path(folder), source, samples, {"rotation": rotation, **args.set})
                work = train(path, args.iterations, seed)
                predict = load_predictor(path, list_snapshots(path.parent)[-1])
                shown = []
                for quarters in range(4):
                    turned = [turn(*each, quarters) for each in tests]
                    found = np.stack([np.asarray(predict(image[None]))[0, :, :2] for image, _ in turned])
                    errors = euclidean_errors(np.stack([labels for _, labels in turned]), found)
                    shown.append(f"{np.nanmean(errors):.1f} ({np.nanmedian(errors):.1f})")
            sys.stdout.write(f"{seed:4}  {rotation:8g}  {work:5.0f}  {', '.join(shown)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
