"""Compare the poses of every engine with Keras' on a project's test images, and their errors on its labels.

python3 tests/benchmarks/precision.py [--project DIR] [--engines openvino openvino-int8]
"""

import logging
import sys

import numpy as np

from deepercut import checkpoints, config
from deepercut.engines import ENGINES, REDUCED
from deepercut.predict import load_predictor
from dlc_toolbox import cli
from dlc_toolbox.evaluation import find_networks, predict_images
from dlc_toolbox.metrics import euclidean_errors
from dlc_toolbox.settings import load_settings
from dlc_toolbox.tables import points

MEANINGFUL = 0.1
FAR_PX = 5


def main() -> None:
    """Print one line per engine."""
    parser = cli.make_parser(__doc__)
    parser.add_argument("--engines", nargs="+", default=[*ENGINES, *REDUCED], choices=[*ENGINES, *REDUCED])
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    layout = cli.layout_of(args)
    settings = load_settings(layout.root)
    *_, network = find_networks(
        layout, settings, config.load_config, checkpoints.list_snapshots, checkpoints.select_snapshot
    )
    images = [network.images[name] for name in network.split.test]
    labels = points(network.split.table.loc[list(network.split.test)], network.bodyparts)
    write, reference = sys.stdout.write, None
    write(f"{len(images)} test images, {np.isfinite(labels[..., 0]).sum()} labels, {network.scorer}\n")
    write(f"engine: median and 95th percentile of the difference, share above {FAR_PX} px; median and mean error\n")
    for engine in args.engines:
        predictor = load_predictor(network.config_path, network.snapshot, engine)
        poses = predict_images(images, predictor)
        reference = poses if reference is None else reference
        errors = euclidean_errors(labels, poses)
        difference = np.linalg.norm((poses - reference)[..., :2], axis=-1)[reference[..., 2] >= MEANINGFUL]
        write(f"{engine}: {np.median(difference):.6f} {np.percentile(difference, 95):.6f} px, ")
        write(f"{(difference > FAR_PX).mean():.4f}; {np.nanmedian(errors):.3f}, {np.nanmean(errors):.3f} px\n")


if __name__ == "__main__":
    main()
