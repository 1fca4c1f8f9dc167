"""What confidence costs: the analysis of a video with it and without, in turn, in one process.

With it, the network tells about its maps, and the table of confidence is written; without, the same network has no
such outputs, and nothing was learned. Both read the same frames of the finished demo's video. Nothing of the project is
changed.

    python3 tests/benchmarks/trust_cost.py --project DIR --frames 16 --rounds 5
"""

from __future__ import annotations

import argparse
import logging
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from time import process_time

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "pose-tensorflow")]

from deepercut.inference.engines import openvino_network, run_openvino  # noqa: E402
from deepercut.inference.predict import read_network  # noqa: E402
from deepercut.weights.snapshots import Snapshot  # noqa: E402
from dlc_toolbox.analysis.analysis import Analysis, analyze_video  # noqa: E402
from dlc_toolbox.poses.network import Network, Predict  # noqa: E402
from dlc_toolbox.poses.trust import calibration_file  # noqa: E402
from dlc_toolbox.project.layout import confidence_table, pose_table  # noqa: E402
from dlc_toolbox.steps.videos import find_work  # noqa: E402
from dlc_toolbox.video.sequences import open_frames  # noqa: E402
from dlc_toolbox.video.video import writing_video  # noqa: E402

write = sys.stdout.write


def load(network: Network, *, features: bool) -> Predict:
    """Load the network for the CPU, with its maps' features or without."""
    snapshot = Snapshot(network.snapshot.iteration, network.snapshot.path)
    config, arrays = read_network(network.config_path, snapshot)
    engine = run_openvino(openvino_network(config, arrays, features=features), config.num_joints)
    return engine if features else lambda frames: engine(frames)


def cut(source: Path, target: Path, frames: int) -> None:
    """Write the first frames of a video."""
    video = open_frames(source)
    with writing_video(target, video.width, video.height, Fraction(30)) as write_frame:
        for frame in islice(video, frames):
            write_frame(frame)


def seconds_of(work: Callable[[], object]) -> float:
    """Return the CPU-seconds that something takes."""
    begun = process_time()
    work()
    return process_time() - begun


def main() -> None:
    """Print the CPU-seconds of both, round by round, and the ratio of their medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=ROOT, help="a finished demo (default: the checkout)")
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    logging.disable(logging.INFO)
    found = find_work(arguments.project, needs_pcutoff=False)
    with tempfile.TemporaryDirectory() as folder:
        ways = {}
        for name, features in (("with", True), ("without", False)):
            home = Path(folder) / name
            home.mkdir()
            shutil.copyfile(found.network.config_path, home / "pose_cfg.yaml")
            if features:
                shutil.copyfile(calibration_file(found.network.config_path.parent), calibration_file(home))
            predict = load(found.network, features=features)
            network = replace(found.network, config_path=home / "pose_cfg.yaml")
            video = home / "mouse.mp4"
            cut(found.videos[0], video, arguments.frames)
            ways[name] = video, Analysis(network, lambda predict=predict: predict, overwrite=True)
            analyze_video(*ways[name])  # compiles
            has_table = confidence_table(pose_table(video, network.scorer)).exists()
            assert has_table == features, f"{name}: a table of confidence is there: {has_table}"
        spent: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(arguments.rounds):
            for name in sorted(ways, reverse=bool(turn % 2)):
                spent[name].append(seconds_of(lambda name=name: analyze_video(*ways[name])))
    for name, seconds in spent.items():
        write(f"{name}: {', '.join(f'{each:.2f}' for each in seconds)} CPU-s for {arguments.frames} frames\n")
    ratios = [a / b for a, b in zip(*spent.values(), strict=True)]
    medians = [statistics.median(seconds) for seconds in spent.values()]
    write(f"ratio of medians {medians[0] / medians[1]:.3f}; of single rounds {min(ratios):.3f} to {max(ratios):.3f}\n")


if __name__ == "__main__":
    main()
