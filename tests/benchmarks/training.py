"""Measure the training step: seconds per image, CPU-seconds, and how long the data alone take.

The images are noise, the weights random: neither changes the arithmetic.

    python3 tests/benchmarks/training.py [width height] [--iterations N]
"""

import argparse
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import imageio.v3 as iio
import numpy as np

from deepercut.config import PoseConfig
from deepercut.data.dataset import TrainingBatches, TrainingImage
from deepercut.inference.engines import device_name
from deepercut.training.training import compiled, network_of

PARTS = 17


def make_batches(folder: Path, width: int, height: int, iterations: int) -> TrainingBatches:
    """Write a few images and make batches of them at their own size, without jitter."""
    rng = np.random.default_rng(0)
    images = []
    for number in range(4):
        path = folder / f"{number}.png"
        iio.imwrite(path, rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        joints = np.column_stack([np.arange(PARTS), rng.uniform(0, width, PARTS), rng.uniform(0, height, PARTS)])
        images.append(TrainingImage(path, (height, width), joints))
    config = PoseConfig(
        folder=folder,
        num_joints=PARTS,
        all_joints=tuple((part,) for part in range(PARTS)),
        all_joints_names=tuple(f"part{part}" for part in range(PARTS)),
        location_refinement=True,
        crop_size=(width, height),
    )
    return TrainingBatches(images, config, seed=0, start=0, stop=iterations)


def main() -> None:
    """Print one line for the data alone and one for whole steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", type=int, nargs="*", default=[512, 384], help="width height")
    parser.add_argument("--iterations", type=int, default=12)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        batches = make_batches(Path(folder), *args.size, args.iterations)
        batches[0]
        start = perf_counter()
        data = [batches[index] for index in range(len(batches))]
        data_s = (perf_counter() - start) / len(batches)
        trainee = compiled(network_of(batches.config), batches.config)
        trainee.train_on_batch(*data[0])
        wall, work = perf_counter(), process_time()
        for images, targets in data:
            trainee.train_on_batch(images, targets)
        wall, work = perf_counter() - wall, process_time() - work
    sys.stdout.write(
        f"{args.size[0]}x{args.size[1]}, batch 1, {device_name('keras')}\n"
        f"data alone, one thread: {data_s:.4f} s per image\n"
        f"step: {wall / len(data):.3f} s per image, {work / len(data):.3f} CPU-s\n"
    )


if __name__ == "__main__":
    main()
