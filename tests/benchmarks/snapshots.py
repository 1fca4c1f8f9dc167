"""Measure what snapshots take on the disk, what their checksum costs, and what float16 does to the poses.

    python3 tests/benchmarks/snapshots.py [--project DIR] [--rounds 5]

The network that `myconfig.py` names is stored in float32 and in float16, and finds the body parts in its labeled images
with both.
"""

import logging
import sys
import tempfile
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from deepercut.backend import start_backend
from deepercut.config import load_config
from deepercut.inference.predict import load_predictor
from deepercut.weights.checkpoints import load_weights, read_weights, rounded_kernels, save_snapshot
from deepercut.weights.snapshots import Snapshot, state_path
from dlc_common import cli
from dlc_common.files import is_broken
from dlc_toolbox.evaluation.evaluation import EvaluatedNetwork, predict_images
from dlc_toolbox.measure.metrics import euclidean_errors
from dlc_toolbox.project.tables import points
from dlc_toolbox.steps.evaluation import find_networks

PRECISIONS = ("float32", "float16")
MEANINGFUL = 0.1
KEPT = 10
"""Snapshots of a training by the template."""


def store(network: EvaluatedNetwork, folder: Path) -> tuple[dict[str, Path], int]:
    """Write the network's weights in both forms; return the files, and the bytes of the kernels in float32."""
    start_backend()
    from deepercut.training.training import network_of

    model = network_of(load_config(network.config_path))
    load_weights(model, network.snapshot.path)
    paths = {precision: folder / precision / network.snapshot.path.name for precision in PRECISIONS}
    for precision, path in paths.items():
        save_snapshot(model, path, precision)
    return paths, sum(kernel.nbytes for kernel in rounded_kernels(model).values())


def tell_sizes(paths: dict[str, Path], memory: int, exact: int) -> None:
    """Print the sizes of snapshots, and of all that a training leaves."""
    full, half = (paths[precision].stat().st_size for precision in PRECISIONS)
    sys.stdout.write(
        f"MB: weights {full / 1e6:.1f}, in float16 {half / 1e6:.1f}, optimizer's memory {memory / 1e6:.1f}\n"
    )
    totals = {
        "all with memory": KEPT * (full + memory),
        "the newest two with memory": KEPT * full + 2 * memory,
        "the same in float16": KEPT * half + 2 * (memory + exact),
        "the same in float16, 5 of them": 5 * half + 2 * (memory + exact),
    }
    for name, size in totals.items():
        sys.stdout.write(f"{KEPT} snapshots, {name}: {size / 1e6:.0f} MB\n")


def tell_times(path: Path, rounds: int) -> None:
    """Print what checking and reading a snapshot take, in turn; the first round fills the system's cache."""
    times = []
    for _ in range(rounds + 1):
        begun = perf_counter(), process_time()
        is_broken(path)
        checked = perf_counter(), process_time()
        read_weights(path)  # which checks first
        times.append(np.diff([begun, checked, (perf_counter(), process_time())], axis=0))
    (check_s, check_cpu_s), (read_s, read_cpu_s) = np.median(times[1:], axis=0)
    sys.stdout.write(f"checksum {check_s:.3f} s, {check_cpu_s:.3f} CPU-s; reading with it {read_s:.3f} s, ")
    sys.stdout.write(
        f"{read_cpu_s:.3f} CPU-s; ratio of CPU-s to reading without {read_cpu_s / (read_cpu_s - check_cpu_s):.2f}\n"
    )


def tell_poses(network: EvaluatedNetwork, paths: dict[str, Path]) -> None:
    """Print how far the poses of the labeled images lie apart, and the errors on the test images."""
    images = list(network.images.values())
    is_test = np.isin(list(network.images), list(network.split.test))
    labels = points(network.split.table.loc[list(network.images)], network.bodyparts)
    load = partial(load_predictor, network.config_path)
    poses = {each: predict_images(images, load(Snapshot(network.iteration, path)))[0] for each, path in paths.items()}
    for precision in PRECISIONS:
        errors = euclidean_errors(labels, poses[precision])[is_test]
        sys.stdout.write(
            f"{precision}: test error median {np.nanmedian(errors):.4f}, mean {np.nanmean(errors):.4f} px\n"
        )
    full, half = (poses[precision] for precision in PRECISIONS)
    apart = np.linalg.norm((half - full)[..., :2], axis=-1)
    for least in (MEANINGFUL, 0.0):
        found = apart[full[..., 2] >= least]
        median, most = np.percentile(found, [50, 99])
        sys.stdout.write(
            f"likelihood >= {least}, {found.size} poses: apart {median:.4f} px (median), {most:.4f} (99 %), "
        )
        sys.stdout.write(f"{found.max():.4f} (largest); {(found > 0.05).sum()} above 0.05 px\n")


def main() -> None:
    """Print sizes, times and differences."""
    parser = cli.make_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    *_, network = find_networks(args.project)
    memory = state_path(network.snapshot.path.parent, network.iteration).stat().st_size
    with tempfile.TemporaryDirectory() as folder:
        paths, exact = store(network, Path(folder))
        tell_sizes(paths, memory, exact)
        for precision in PRECISIONS:
            sys.stdout.write(f"{precision}: ")
            tell_times(paths[precision], args.rounds)
        tell_poses(network, paths)


if __name__ == "__main__":
    main()
