"""Measure DeepLabCut 2.3.11 on the demo's mouse: the labels, split and ImageNet weights of `time_to_error.py`.

It runs in an environment of its own (see the README of the benchmarks), by its defaults, as whole processes whose wall
and CPU seconds count from their start. The demo's training set must exist (`make demo`, or Step 4).

    python3 tests/benchmarks/peer/run.py PEER/bin/python FOLDER [--seed 1] train [--iterations 1000] [--set ...]
    python3 tests/benchmarks/peer/run.py PEER/bin/python FOLDER [--seed 1] analyze VIDEO [--batch-size 8]
"""

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import yaml

from deepercut.config import load_config
from deepercut.weights.foreign import export_tf1
from dlc_common.cli import CHECKOUT
from dlc_common.yaml_text import with_values
from dlc_toolbox.exchange import exporting, labelset
from dlc_toolbox.measure.metrics import euclidean_errors
from dlc_toolbox.project.experiment import Experiment, percent_of
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings
from dlc_toolbox.project.tables import points
from dlc_toolbox.training_set.recorded import Split, read_split


class Peer:
    """A project of DeepLabCut 2 with the labels and the split of one of ours.

    Parameters
    ----------
    python : Path
        Of the peer's environment.
    folder : Path
        For all that is made.
    layout : Layout
        Our project.
    """

    def __init__(self, python: Path, folder: Path, layout: Layout):
        self.python, self.folder = python, folder
        own = load_settings(layout.root)
        fraction = own.TrainingFraction[0]
        experiment = Experiment(own.Task, own.date, own.scorer, percent_of(fraction), own.Shuffles[0], own.resnet)
        self.split: Split = read_split(layout, experiment)
        labels = labelset.read_own_labels(layout, own)
        self.names = list(labels.images)
        self.config, self.weights = folder / "project" / "config.yaml", folder / "imagenet" / "resnet_v1_50.ckpt"
        if not self.config.exists():
            exporting.export_deeplabcut(labels, self.config.parent, own.Task, own.date)
            text = with_values(self.config.read_text(encoding="utf-8"), {"TrainingFraction": [fraction]})
            self.config.write_text(text, encoding="utf-8")
            export_imagenet(layout.train_folder(experiment) / "pose_cfg.yaml", self.weights)

    def train(self, seed: int, iterations: int, every: int, changes: dict[str, object]) -> tuple[float, float]:
        """Train from ImageNet's weights, with some changes to the defaults; return wall and CPU seconds."""
        rows = {name: [self.names.index(image) for image in getattr(self.split, name)] for name in ("train", "test")}
        how = {"iterations": iterations, "every": every, "weights": str(self.weights), "set": changes}
        return self._run(do="train", seed=seed, **how, **rows)

    def errors(self, seed: int) -> dict[int, np.ndarray]:
        """Return the distances in pixels of each snapshot's poses from the labels of the test images."""
        out = self.folder / f"poses-{seed}.npz"
        self._run(do="predict", seed=seed, out=str(out))
        with np.load(out) as found:
            rows = [found["images"].tolist().index(name) for name in self.split.test]
            poses = {int(key): found[key][rows] for key in found.files if key != "images"}
        labels = points(self.split.table.loc[self.split.test])
        return {iteration: euclidean_errors(labels, poses[iteration]) for iteration in sorted(poses)}

    def analyze(self, seed: int, video: Path, batch_size: int) -> tuple[float, float]:
        """Analyze a video; return wall and CPU seconds."""
        return self._run(do="analyze", seed=seed, video=str(video.resolve()), batch_size=batch_size)

    def _run(self, **job: object) -> tuple[float, float]:
        path, log = self.folder / f"job-{job['seed']}.json", self.folder / f"log-{job['seed']}.txt"
        path.write_text(json.dumps({"config": str(self.config), **job}), encoding="utf-8")
        script = Path(__file__).with_name("deeplabcut2.py")
        begun, used = perf_counter(), _children_s()
        with log.open("a") as output:
            subprocess.run([self.python, script, path], stdout=output, stderr=output, check=True, cwd=self.folder)
        return perf_counter() - begun, _children_s() - used


def export_imagenet(config_path: Path, weights: Path) -> None:
    """Write the ImageNet weights that a configuration starts from as a checkpoint of TensorFlow 1."""
    from deepercut.training.training import network_of
    from deepercut.weights.checkpoints import load_weights, resolve_weights

    config = load_config(config_path)
    network = network_of(config)
    load_weights(network, resolve_weights(config.resolve(config.init_weights)))
    export_tf1(network, weights)


def _children_s() -> float:
    """Return the CPU-seconds of all processes that have been started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print what the one job took, and what it reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--project", type=Path, default=CHECKOUT)
    parser.add_argument("--seed", type=int, default=1)
    jobs = parser.add_subparsers(dest="job", required=True)
    train = jobs.add_parser("train")
    train.add_argument("--iterations", type=int, default=1000)
    train.add_argument("--every", type=int, default=250, help="iterations between snapshots")
    train.add_argument("--set", type=yaml.safe_load, default={}, metavar="{KEY: VALUE}", help="other than the default")
    analyze = jobs.add_parser("analyze")
    analyze.add_argument("video", type=Path)
    analyze.add_argument("--batch-size", type=int, default=8)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    peer = Peer(args.python, args.folder.resolve(), Layout(args.project.resolve()))
    if args.job == "analyze":
        wall, work = peer.analyze(args.seed, args.video, args.batch_size)
        sys.stdout.write(f"{wall:.1f} s, {work:.1f} CPU-s\n")
        return
    wall, work = peer.train(args.seed, args.iterations, args.every, args.set)
    sys.stdout.write(f"{args.iterations} iterations: {wall:.1f} s, {work:.1f} CPU-s\n")
    for iteration, errors in peer.errors(args.seed).items():
        sys.stdout.write(f"{iteration:9}  test error: {np.nanmedian(errors):.2f}, {np.nanmean(errors):.2f}\n")


if __name__ == "__main__":
    main()
