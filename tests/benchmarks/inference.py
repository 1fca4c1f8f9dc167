"""Measure the network alone, by engine, size and number of frames, beside the machine's own speed at float32 products.

Engines take turns, so that both meet the same other load on the machine; medians are printed. The weights are random,
which does not change the arithmetic: 73.3 GFLOP for a frame of 640x480 with 17 body parts.

    python3 tests/benchmarks/inference.py [--sizes 640x480 406x396] [--batches 1 4 8] [--rounds 5] [--engines ...]
"""

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from deepercut.config import PoseConfig
from deepercut.inference.engines import (
    ENGINES,
    REDUCED,
    Compute,
    device_name,
    keras_engine,
    openvino_network,
    run_openvino,
)
from deepercut.inference.precision import quantize
from deepercut.network.architecture import FEATURE_STRIDE, STEM_STRIDE, bottlenecks, weight_shapes

PARTS = 17
PRODUCT = 4096


def count_gflop(width: int, height: int) -> float:
    """Count the network's multiplications and additions for one frame."""
    cells = -(-width // FEATURE_STRIDE) * -(-height // FEATURE_STRIDE)
    shapes = weight_shapes(50, PARTS)
    pixels = cells * (FEATURE_STRIDE // STEM_STRIDE) ** 2
    products = 4 * pixels * np.prod(shapes["conv1/kernel"])
    for unit in bottlenecks(50):
        reduced = pixels // unit.stride**2
        for layer, outputs in {"shortcut": reduced, "conv1": pixels, "conv2": reduced, "conv3": reduced}.items():
            products += outputs * np.prod(shapes.get(f"{unit.name}_{layer}/kernel", (0,)))
        pixels = reduced
    products += cells * sum(np.prod(shapes[f"{head}/kernel"]) for head in ("part_pred", "locref_pred"))
    return 2 * products / 1e9


def measure(tasks: dict[str, Callable[[], object]], rounds: int) -> dict[str, np.ndarray]:
    """Return the median wall and CPU seconds of each task, which take turns after a first call."""
    for task in tasks.values():
        task()
    seconds = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            wall, work = perf_counter(), process_time()
            task()
            seconds[name].append((perf_counter() - wall, process_time() - work))
    return {name: np.median(values, axis=0) for name, values in seconds.items()}


def make(engine: str, config: PoseConfig, arrays: dict[str, np.ndarray]) -> Compute:
    """Make an engine; the one of integers is calibrated on noise, which does not change the arithmetic."""
    if engine in ENGINES:
        return ENGINES[engine](config, arrays)
    if engine == "keras-bf16":
        return keras_engine(config, arrays, "mixed_bfloat16")
    network = openvino_network(config, arrays)
    if engine == "openvino-bf16":
        return run_openvino(network, config.num_joints, "bf16")
    noise = np.random.default_rng(0).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    return run_openvino(quantize(network, [noise]), config.num_joints)


def main() -> None:
    """Print one line per size, number of frames and engine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["640x480", "406x396"])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 4, 8])
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=[*ENGINES, *REDUCED])
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    config = PoseConfig(folder=Path(), num_joints=PARTS, all_joints=(), all_joints_names=(), location_refinement=True)
    arrays = {
        name: rng.normal(scale=0.02, size=shape).astype(np.float32) if "kernel" in name else np.ones(shape, np.float32)
        for name, shape in weight_shapes(config.depth, PARTS).items()
    }
    computes = {engine: make(engine, config, arrays) for engine in args.engines}
    matrix = rng.random((PRODUCT, PRODUCT), np.float32)
    write = sys.stdout.write
    write(f"{os.cpu_count()} cores; {'; '.join(device_name(engine) for engine in computes)}\n")
    write("size     batch  engine         frames/s  CPU-s/frame  GFLOP/CPU-s  share of the matrix product's\n")
    for size in args.sizes:
        width, height = map(int, size.split("x"))
        gflop = count_gflop(width, height)
        for batch in args.batches:
            frames = rng.integers(0, 256, (batch, height, width, 3), dtype=np.uint8)
            tasks = {engine: partial(compute, frames) for engine, compute in computes.items()}
            seconds = measure({**tasks, "product": partial(np.matmul, matrix, matrix)}, args.rounds)
            peak = 2 * PRODUCT**3 / 1e9 / seconds["product"][1]
            for engine in computes:
                wall, work = seconds[engine] / batch
                write(f"{size:8} {batch:5}  {engine:13}  {1 / wall:8.2f}  {work:11.3f}  {gflop / work:11.1f}")
                write(f"  {gflop / work / peak:.2f} of {peak:.0f}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
