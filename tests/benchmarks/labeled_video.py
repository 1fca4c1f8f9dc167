"""Measure how fast labeled videos are made: decode, draw 17 parts (also with skeleton and trails), encode.

python3 tests/benchmarks/labeled_video.py [number of frames] [width] [height]
"""

import os
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np

from dlc_toolbox.pictures.marks import Marks
from dlc_toolbox.poses.labeled_video import make_labeled_video
from dlc_toolbox.project.tables import make_table, write_table
from dlc_toolbox.video.video import writing_video

PARTS, ROUNDS = 17, 3
SKELETON = tuple((part, part + 1) for part in range(PARTS - 1))
VARIANTS = {
    "17 dots": Marks(radius=7),
    "17 parts in the palette": Marks(radius=7, colormap="parts"),
    "17 dots, 16 lines": Marks(radius=7, skeleton=SKELETON),
    "17 dots, 16 lines, trails of 20 frames": Marks(radius=7, skeleton=SKELETON, trailpoints=20),
}


def write_example(folder: Path, count: int, width: int, height: int) -> tuple[Path, Path]:
    """Write a video of a textured cage with a blob that runs about, camera noise, and poses that run with it."""
    rng = np.random.default_rng(0)
    cage = np.kron(rng.integers(40, 160, (height // 8 + 1, width // 8 + 1, 3)), np.ones((8, 8, 1)))[:height, :width]
    noises = rng.normal(0, 4, (16, height, width, 1))
    rows, columns = np.mgrid[:height, :width]
    turns = 2 * np.pi * np.arange(count) / 200
    centers = np.stack([width * (0.5 + 0.34 * np.cos(turns)), height * (0.5 + 0.31 * np.sin(turns))], axis=-1)
    video = folder / "cage.mp4"
    with writing_video(video, width, height, Fraction(30)) as write:
        for number, (x, y) in enumerate(centers):
            animal = np.hypot(columns - x, rows - y)[..., None] < 40
            write((np.where(animal, 30, cage) + noises[number % 16]).clip(0, 255).astype(np.uint8))
    points = centers[:, None] + rng.normal(0, 30, (1, PARTS, 2)) + rng.normal(0, 1, (count, PARTS, 2))
    poses = np.concatenate([points, np.ones((count, PARTS, 1))], axis=-1)
    table = folder / "poses.h5"
    write_table(make_table("network", [f"part{part}" for part in range(PARTS)], range(count), poses), table, csv=False)
    return video, table


def main() -> None:
    """Print the medians of some rounds, in which the variants take turns."""
    count, width, height = (int(number) for number in (*sys.argv[1:], *("600", "640", "480")[len(sys.argv) - 1 :]))
    walls, works = ({name: [] for name in VARIANTS} for _ in range(2))
    with tempfile.TemporaryDirectory() as folder:
        video, table = write_example(Path(folder), count, width, height)
        out = Path(folder) / "out.mp4"
        for name, marks in [*VARIANTS.items()] * ROUNDS:
            wall, work = perf_counter(), process_time()
            make_labeled_video(video, table, out, marks)
            walls[name].append(perf_counter() - wall)
            works[name].append(process_time() - work)
        size = video.stat().st_size / 1e6
    sys.stdout.write(f"{count} frames of {width}x{height}, {size:.1f} MB, {os.cpu_count()} cores\n")
    for name in VARIANTS:
        speed, cost = count / median(walls[name]), 1000 * median(works[name]) / count
        sys.stdout.write(f"{name}: {speed:.0f} frames/s, {cost:.2f} CPU-ms per frame\n")


if __name__ == "__main__":
    main()
