"""Measure the analysis of videos end to end, by number of frames: frames/s, CPU time and peak memory.

Without an engine a stub stands for the network, so that decoding and keeping poses are left. With one, the network's
arithmetic per CPU-second is set beside that of the machine's float32 matrix product, measured before and after;
weights are random. Each length runs in a process of its own, because the peak of a process never falls.

    python3 tests/benchmarks/analysis_pipeline.py [number of frames ...] [--engine openvino]
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from time import perf_counter, process_time
from types import SimpleNamespace

import numpy as np

from dlc_toolbox.analysis.jobs import Predict
from dlc_toolbox.poses.network import Network
from dlc_toolbox.project.tables import read_table
from dlc_toolbox.video.video import writing_video
from tests.analyze import analyze

WIDTH, HEIGHT, PARTS, BATCH = 640, 480, 17, 8
GFLOP = 73.3  # of one such frame, as inference.py counts them
PRODUCT = 4096


def write_example(path: Path, count: int) -> None:
    """Write a video of a textured cage with camera noise."""
    rng = np.random.default_rng(0)
    cage = np.kron(rng.integers(40, 160, (HEIGHT // 8, WIDTH // 8, 3)), np.ones((8, 8, 1)))
    frames = (cage + rng.normal(0, 4, (16, HEIGHT, WIDTH, 1))).clip(0, 255).astype(np.uint8)
    with writing_video(path, WIDTH, HEIGHT, Fraction(30)) as write:
        for number in range(count):
            write(frames[number % 16])


def load_network(engine: str) -> Predict:
    """Make a network with random weights, and let it compile for the batches to come."""
    from deepercut.config import PoseConfig
    from deepercut.inference.engines import ENGINES
    from deepercut.network.architecture import weight_shapes

    rng = np.random.default_rng(0)
    config = PoseConfig(folder=Path(), num_joints=PARTS, all_joints=(), all_joints_names=(), location_refinement=True)
    arrays = {
        name: rng.normal(scale=0.02, size=shape).astype(np.float32) if "kernel" in name else np.ones(shape, np.float32)
        for name, shape in weight_shapes(config.depth, PARTS).items()
    }
    predict = ENGINES[engine](config, arrays)
    predict(np.zeros((BATCH, HEIGHT, WIDTH, 3), np.uint8))
    return predict


def product_gflop_per_cpu_s() -> float:
    """Measure the machine's float32 matrix product."""
    matrix = np.random.default_rng(0).random((PRODUCT, PRODUCT), np.float32)
    work = process_time()
    matrix @ matrix
    return 2 * PRODUCT**3 / 1e9 / (process_time() - work)


def measure(video: Path, engine: str | None) -> str:
    """Analyze a video and say how it went."""
    weights = video.with_name("weights")
    weights.touch()
    snapshot = SimpleNamespace(iteration=0, path=weights)
    network = Network("stub", [f"part{n}" for n in range(PARTS)], weights, snapshot, {})
    predict = load_network(engine) if engine else lambda frames: np.zeros((len(frames), PARTS, 3), np.float32)
    peak = [product_gflop_per_cpu_s() for _ in range(3 if engine else 0)]
    wall, work = perf_counter(), process_time()
    table = analyze(video, predict, network, batch_size=BATCH)
    wall, work = perf_counter() - wall, process_time() - work
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    peak += [product_gflop_per_cpu_s() for _ in peak]
    count = len(read_table(table))
    report = (
        f"{count} frames of {WIDTH}x{HEIGHT}, {os.cpu_count()} cores: {count / wall:.2f} frames/s, "
        f"{1000 * work / count:.2f} CPU-ms per frame; peak memory {memory:.0f} MB"
    )
    if engine:
        share = GFLOP * count / work / np.median(peak)
        report += f"; {engine}: {share:.2f} of the matrix product's {np.median(peak):.0f} GFLOP per CPU-second"
    return report


def main() -> None:
    """Print one line per length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", nargs="*", type=int, default=[500, 5000])
    parser.add_argument("--engine", help="such as openvino or keras")
    parser.add_argument("--here", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        sys.stdout.write(measure(args.here, args.engine) + "\n")
        return
    engine = ["--engine", args.engine] if args.engine else []
    for count in args.counts:
        with tempfile.TemporaryDirectory() as folder:
            video = Path(folder) / "cage.mp4"
            write_example(video, count)
            command = [sys.executable, __file__, "--here", video, *engine]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        sys.stdout.write(done.stdout.decode())


if __name__ == "__main__":
    main()
