"""Measure what a choice of frames is worth: 20 images by k-means against 20 at random, of the demo's training images.

Both are chosen by the functions of Step 1, for each seed anew, and train a network each: same settings, same seed. The
test images are those of the split, or, with `--resplit`, of one that is drawn for each seed. Labeled images are single
moments, so they have no motion, and none is too near to another. `labels` is what no choice can do: k-means on where
the person clicked, in the place of looks. The demo's training set must exist (`make demo`, or Step 4); the networks go
to a temporary folder.

    python3 tests/benchmarks/frame_choice.py [--count 20] [--iterations 500] [--seeds 1 2 3 4 5] [--only-choose]
        [--choices random kmeans] [--resplit]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from deepercut.backend import start_backend
from deepercut.config import load_config
from deepercut.inference.predict import load_predictor
from deepercut.weights.snapshots import list_snapshots
from dlc_common.cli import CHECKOUT
from dlc_common.images import image_size, read_image
from dlc_common.pixels import is_blank, is_dark
from dlc_common.training_set import LabeledImage, write_training_set
from dlc_common.yaml_text import with_values
from dlc_toolbox.evaluation.evaluation import predict_images
from dlc_toolbox.frames.variety import Sample, choose_various, sample_frames
from dlc_toolbox.frames.wanted import Wanted, choose_frames
from dlc_toolbox.measure.metrics import euclidean_errors
from dlc_toolbox.project.experiment import Experiment, percent_of
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings
from dlc_toolbox.project.tables import points
from dlc_toolbox.training_set.recorded import Split, read_split
from dlc_toolbox.training_set.trainset import labeled_image
from dlc_toolbox.video.recording import Frame

CHOICES = ("random", "kmeans", "labels")
_OF_SPLITS = 77  # tells the random numbers of splits from others with the same seed


def find_experiment(layout: Layout) -> Experiment:
    """Return the first experiment of a project's settings."""
    own = load_settings(layout.root)
    percent = percent_of(own.TrainingFraction[0])
    return Experiment(own.Task, own.date, own.scorer, percent, own.Shuffles[0], own.resnet)


def drawn(split: Split, seed: int) -> Split:
    """Return a split of the same images into as many for training and test, by chance."""
    names = np.array([*split.train, *split.test])
    order = np.random.default_rng([seed, _OF_SPLITS]).permutation(len(names))
    train, test = np.split(order, [len(split.train)])
    return replace(split, train=names[np.sort(train)].tolist(), test=names[test].tolist())


def entries_of(paths: Sequence[Path], labels: np.ndarray) -> list[LabeledImage]:
    """Return images and their labels (N, K, 2) as entries of a training set."""
    return [labeled_image(str(path), image_size(path), of_one) for path, of_one in zip(paths, labels, strict=True)]


def as_shown(images: Sequence[Path]) -> Iterator[tuple[int, np.ndarray, Frame]]:
    """Yield images as a recording shows its frames, each with a clock that starts anew."""
    for number, path in enumerate(images):
        image = read_image(path)
        looks = Frame.DARK if is_dark(image) else Frame.BLANK if is_blank(image) else Frame.LOST
        yield number, image, Frame.READ | Frame.RESTART | looks


def various(sample: Sample, count: int, seed: int) -> list[int]:
    """Choose by k-means."""
    return choose_various(sample, count, 0, seed)[0]


def spread(sample: Sample, chosen: Sequence[int]) -> float:
    """Return how far a training image is from the chosen one that looks most like it: root mean square, gray values."""
    places = np.searchsorted(sample.numbers, chosen)
    squares = np.square(sample.looks[:, None] - sample.looks[None, places]).mean(axis=2)
    return float(np.sqrt(squares.min(axis=1).mean()))


def by_labels(sample: Sample, labels: np.ndarray) -> Sample:
    """Return a sample whose looks are where the labels (N, K, 2) lie; one that is missing lies where the others do."""
    away = np.nan_to_num(labels - np.nanmean(labels, axis=0))
    return replace(sample, looks=away.reshape(len(labels), -1).astype(np.float32))


def coverage(labels: np.ndarray, chosen: Sequence[int], test: np.ndarray) -> float:
    """Return how far a label of a test image is from the nearest one of that part in a chosen image, in pixels."""
    away = np.linalg.norm(test[:, None] - labels[None, chosen], axis=3)
    return float(np.nanmean(np.where(np.isnan(away), np.inf, away).min(axis=1), where=np.isfinite(test[..., 0])))


def train(train_folder: Path, folder: Path, entries: Sequence[LabeledImage], iterations: int, seed: int) -> Path:
    """Train on entries of a training set; return the pose_cfg.yaml."""
    source = train_folder / "pose_cfg.yaml"
    config = load_config(source)
    write_training_set(folder / "chosen.mat", entries)
    changes = {
        "project_path": str(train_folder),
        "dataset": str(folder / "chosen.mat"),
        "init_weights": str(train_folder / config.init_weights),
    }
    path = folder / "pose_cfg.yaml"
    path.write_text(with_values(source.read_text(encoding="utf-8-sig"), changes), encoding="utf-8")
    counts = {"--max-iters": iterations, "--save-iters": iterations, "--display-iters": iterations, "--seed": seed}
    flags = [str(word) for flag in counts.items() for word in flag]
    command = [sys.executable, CHECKOUT / "pose-tensorflow" / "train.py", "--config", path, *flags]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


def errors_of(config_path: Path, split: Split, images: Path) -> np.ndarray:
    """Return the errors of the newest snapshot on the test images, in pixels."""
    names = list(load_config(config_path).all_joints_names)
    labels = split.table.loc[split.test].droplevel("scorer", axis=1)[names].to_numpy().reshape(-1, len(names), 2)
    predictor = load_predictor(config_path, list_snapshots(config_path.parent)[-1])
    poses, _ = predict_images([images / name for name in split.test], predictor)
    errors = euclidean_errors(labels, poses)
    return errors[np.isfinite(errors)]


def main() -> None:
    """Print a line for each training, and at the end how the pairs differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20, help="images to choose")
    parser.add_argument("--iterations", type=int, default=500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--choices", nargs="+", choices=CHOICES, default=CHOICES[:2])
    parser.add_argument("--resplit", action="store_true", help="draw test images for each seed, in the split's number")
    parser.add_argument("--only-choose", action="store_true", help="do not train")
    parser.add_argument("--results", type=Path, help="write a json file too, after each training")
    parser.add_argument("--project", type=Path, default=CHECKOUT, help="where the demo has run")
    args = parser.parse_args()
    layout = Layout(args.project.resolve())
    experiment = find_experiment(layout)
    recorded, images = read_split(layout, experiment), layout.dataset_images(experiment.task, experiment.date)
    start_backend()
    train_folder = layout.train_folder(experiment)
    config = load_config(train_folder / "pose_cfg.yaml")
    means: dict[str, list[float]] = {choice: [] for choice in CHOICES}
    rows = []
    sys.stdout.write("seed  choice  to the nearest chosen: gray values, px  test error: median px, mean px\n")
    for seed in args.seeds:
        split = drawn(recorded, seed) if args.resplit else recorded
        paths = [images / name for name in split.train]
        entries = entries_of(paths, points(split.table.loc[split.train], config.all_joints_names))
        sample = sample_frames(as_shown(paths), least=len(paths))
        labels, test = points(split.table.loc[split.train]), points(split.table.loc[split.test])
        choices: dict[str, Callable[[], list[int]]] = {
            "random": partial(choose_frames, len(split.train), Wanted(args.count, 1, seed)),
            "kmeans": partial(various, sample, args.count, seed),
            "labels": partial(various, by_labels(sample, labels), args.count, seed),
        }
        for choice in args.choices:
            chosen = choices[choice]()
            row = {"seed": seed, "choice": choice, "chosen": chosen}
            row |= {"spread": spread(sample, chosen), "coverage_px": coverage(labels, chosen, test)}
            shown = "not trained"
            if not args.only_choose:
                with tempfile.TemporaryDirectory() as folder:
                    taught = [entries[row] for row in chosen]
                    config_path = train(train_folder, Path(folder), taught, args.iterations, seed)
                    errors = errors_of(config_path, split, images)
                row |= {"median_px": float(np.median(errors)), "mean_px": float(errors.mean())}
                means[choice].append(row["mean_px"])
                shown = f"{row['median_px']:.2f}, {row['mean_px']:.2f}"
            sys.stdout.write(f"{seed:4}  {choice}  {row['spread']:33.2f}, {row['coverage_px']:.2f}  {shown}\n")
            sys.stdout.flush()
            rows.append(row)
            if args.results:
                args.results.write_text(json.dumps(rows, indent=1) + "\n")
    if not args.only_choose and {"random", "kmeans"} <= {*args.choices}:
        gain = np.array(means["kmeans"]) - np.array(means["random"])
        error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.nan
        sys.stdout.write(
            f"mean error, kmeans less random, paired: {gain.mean():+.2f} px (standard error {error:.2f}); "
            f"lower in {int((gain < 0).sum())} of {len(gain)} pairs\n"
        )


if __name__ == "__main__":
    main()
