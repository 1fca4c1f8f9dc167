"""Measure what a training takes to an error: train on the demo's mouse, then evaluate each snapshot on the test images.

Wall time and CPU-seconds count from the start of this process: imports, compilation and snapshots are in them, the
evaluation is not. Losses are means since the last snapshot. The demo's training set must exist (`make demo`, or Step
4); the networks go to a temporary folder.

    python3 tests/benchmarks/time_to_error.py [--iterations 1000] [--every 250] [--seed 1] [--set '{frozen_blocks: 0}']
"""

from time import perf_counter, process_time

START = perf_counter()

import argparse  # noqa: E402 the clock starts before anything is imported
import sys  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402
from threading import Event, Thread  # noqa: E402

import numpy as np  # noqa: E402
import yaml  # noqa: E402

from deepercut.backend import start_backend  # noqa: E402
from deepercut.config import load_config  # noqa: E402
from deepercut.inference.predict import load_predictor  # noqa: E402
from deepercut.weights.snapshots import list_snapshots, read_rows, statistics_path  # noqa: E402
from dlc_common.cli import CHECKOUT  # noqa: E402
from dlc_common.yaml_text import with_values  # noqa: E402
from dlc_toolbox.evaluation.evaluation import predict_images  # noqa: E402
from dlc_toolbox.measure.metrics import euclidean_errors  # noqa: E402
from dlc_toolbox.project.experiment import Experiment, percent_of  # noqa: E402
from dlc_toolbox.project.layout import Layout  # noqa: E402
from dlc_toolbox.project.settings import load_settings  # noqa: E402
from dlc_toolbox.training_set.recorded import read_split  # noqa: E402


def find_experiment(layout: Layout) -> Experiment:
    """Return the first experiment of a project's settings."""
    own = load_settings(layout.root)
    percent = percent_of(own.TrainingFraction[0])
    return Experiment(own.Task, own.date, own.scorer, percent, own.Shuffles[0], own.resnet)


def configure(train_folder: Path, folder: Path, args: argparse.Namespace) -> Path:
    """Write the experiment's pose_cfg.yaml into another folder, with its data where they are."""
    source = train_folder / "pose_cfg.yaml"
    changes = {
        "project_path": str(train_folder),
        "init_weights": str(args.init_weights or train_folder / load_config(source).init_weights),
        "max_iters": args.iterations,
        "save_iters": args.every,
        "display_iters": args.every,
        "seed": args.seed,
        **args.set,
    }
    path = folder / "pose_cfg.yaml"
    path.write_text(with_values(source.read_text(encoding="utf-8-sig"), changes), encoding="utf-8")
    return path


def train_by_the_clock(config_path: Path) -> dict[int, tuple[float, float]]:
    """Train, and return wall seconds and CPU-seconds at the end of every snapshot."""
    seconds, done = {}, Event()

    def watch() -> None:
        going = True
        while going:
            going = not done.wait(0.1)
            for snapshot in list_snapshots(config_path.parent):
                seconds.setdefault(snapshot.iteration, (perf_counter() - START, process_time()))

    watcher = Thread(target=watch)
    watcher.start()
    try:
        start_backend()
        from deepercut.training.training import train

        train(load_config(config_path))
    finally:
        done.set()
        watcher.join()
    return seconds


def main() -> None:
    """Print one line per snapshot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=1000)
    parser.add_argument("--every", type=int, default=250, help="iterations between snapshots")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", type=yaml.safe_load, default={}, metavar="{KEY: VALUE}", help="other keys")
    parser.add_argument("--init-weights", type=Path, help="instead of those in pose_cfg.yaml")
    parser.add_argument("--project", type=Path, default=CHECKOUT)
    args = parser.parse_args()
    layout = Layout(args.project.resolve())
    experiment = find_experiment(layout)
    split = read_split(layout, experiment)
    images = [layout.dataset_images(experiment.task, experiment.date) / name for name in split.test]
    with tempfile.TemporaryDirectory() as folder:
        config_path = configure(layout.train_folder(experiment), Path(folder), args)
        seconds = train_by_the_clock(config_path)
        names = load_config(config_path).all_joints_names
        labels = split.table.loc[split.test].droplevel("scorer", axis=1)[list(names)]
        labels = labels.to_numpy().reshape(len(images), len(names), 2)
        rows = {int(row["iteration"]): row for row in read_rows(statistics_path(config_path.parent))}
        sys.stdout.write("iteration  wall s  CPU-s  training loss: maps, refinement  test error: median px, mean px\n")
        for snapshot in list_snapshots(config_path.parent):
            poses, _ = predict_images(images, load_predictor(config_path, snapshot))
            errors = euclidean_errors(labels, poses)
            wall, work = seconds[snapshot.iteration]
            error = f"{np.nanmedian(errors):.2f}, {np.nanmean(errors):.2f}"
            losses = ", ".join(f"{float(rows[snapshot.iteration][name]):.4f}" for name in ("part_loss", "locref_loss"))
            sys.stdout.write(f"{snapshot.iteration:9}  {wall:6.1f}  {work:5.1f}  {losses:31}  {error}\n")


if __name__ == "__main__":
    main()
