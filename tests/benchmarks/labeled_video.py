"""Measure how fast labeled videos are made: decode, draw 17 dots, encode, at 640x480.

python3 tests/benchmarks/labeled_video.py [number of frames]
"""

import os
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np

from dlc_toolbox.labeled_video import Dots, make_labeled_video
from dlc_toolbox.tables import make_table, write_table
from dlc_toolbox.video import writing_video

WIDTH, HEIGHT, PARTS, ROUNDS = 640, 480, 17, 3


def write_example(folder: Path, count: int) -> tuple[Path, Path]:
    """Write a video of a textured cage with a blob that runs about, camera noise, and poses that run with it."""
    rng = np.random.default_rng(0)
    cage = np.kron(rng.integers(40, 160, (HEIGHT // 8, WIDTH // 8, 3)), np.ones((8, 8, 1)))
    noises = rng.normal(0, 4, (16, HEIGHT, WIDTH, 1))
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    turns = 2 * np.pi * np.arange(count) / 200
    centers = np.stack([320 + 220 * np.cos(turns), 240 + 150 * np.sin(turns)], axis=-1)
    video = folder / "cage.mp4"
    with writing_video(video, WIDTH, HEIGHT, Fraction(30)) as write:
        for number, (x, y) in enumerate(centers):
            animal = np.hypot(columns - x, rows - y)[..., None] < 40
            write((np.where(animal, 30, cage) + noises[number % 16]).clip(0, 255).astype(np.uint8))
    points = centers[:, None] + rng.normal(0, 30, (1, PARTS, 2)) + rng.normal(0, 1, (count, PARTS, 2))
    poses = np.concatenate([points, np.ones((count, PARTS, 1))], axis=-1)
    table = folder / "poses.h5"
    write_table(make_table("network", [f"part{part}" for part in range(PARTS)], range(count), poses), table, csv=False)
    return video, table


def main() -> None:
    """Print the median of some rounds."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    walls, works = [], []
    with tempfile.TemporaryDirectory() as folder:
        video, table = write_example(Path(folder), count)
        out = Path(folder) / "out.mp4"
        for _ in range(ROUNDS):
            wall, work = perf_counter(), process_time()
            make_labeled_video(video, table, out, Dots(radius=7))
            walls.append(perf_counter() - wall)
            works.append(process_time() - work)
        sizes = video.stat().st_size / 1e6, out.stat().st_size / 1e6
    sys.stdout.write(
        f"{count} frames of {WIDTH}x{HEIGHT}, {PARTS} dots, {os.cpu_count()} cores: "
        f"{count / median(walls):.0f} frames/s, {1000 * median(works) / count:.2f} CPU-ms per frame; "
        f"{sizes[0]:.1f} MB in, {sizes[1]:.1f} MB out\n"
    )


if __name__ == "__main__":
    main()
