"""Measure the analysis of videos without a network: frames/s of decoding and keeping poses, and peak memory by length.

Each length runs in a process of its own, because the peak of a process never falls.

    python3 tests/benchmarks/analysis_pipeline.py [number of frames ...]
"""

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

from dlc_toolbox.analysis import Network, analyze_video
from dlc_toolbox.tables import read_table
from dlc_toolbox.video import writing_video

WIDTH, HEIGHT, PARTS = 640, 480, 17


def write_example(path: Path, count: int) -> None:
    """Write a video of a textured cage with camera noise."""
    rng = np.random.default_rng(0)
    cage = np.kron(rng.integers(40, 160, (HEIGHT // 8, WIDTH // 8, 3)), np.ones((8, 8, 1)))
    frames = (cage + rng.normal(0, 4, (16, HEIGHT, WIDTH, 1))).clip(0, 255).astype(np.uint8)
    with writing_video(path, WIDTH, HEIGHT, Fraction(30)) as write:
        for number in range(count):
            write(frames[number % 16])


def measure(video: Path) -> str:
    """Analyze a video with a stub that finds nothing."""
    weights = video.with_name("weights")
    weights.touch()
    snapshot = SimpleNamespace(iteration=0, path=weights)
    network = Network("stub", [f"part{n}" for n in range(PARTS)], weights, snapshot, {})
    wall, work = perf_counter(), process_time()
    table = analyze_video(video, lambda frames: np.zeros((len(frames), PARTS, 3), np.float32), network)
    wall, work = perf_counter() - wall, process_time() - work
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    count = len(read_table(table))
    return (
        f"{count} frames of {WIDTH}x{HEIGHT}, {os.cpu_count()} cores: {count / wall:.0f} frames/s, "
        f"{1000 * work / count:.2f} CPU-ms per frame; peak memory {peak:.0f} MB"
    )


def main() -> None:
    """Print one line per length."""
    if sys.argv[1:2] == ["--here"]:
        sys.stdout.write(measure(Path(sys.argv[2])) + "\n")
        return
    for count in map(int, sys.argv[1:] or ["500", "5000"]):
        with tempfile.TemporaryDirectory() as folder:
            video = Path(folder) / "cage.mp4"
            write_example(video, count)
            done = subprocess.run([sys.executable, __file__, "--here", video], stdout=subprocess.PIPE, check=True)
        sys.stdout.write(done.stdout.decode())


if __name__ == "__main__":
    main()
