"""Compare the poses of every engine with Keras' on a project's test images, and their errors on its labels.

python3 tests/benchmarks/precision.py [--project DIR] [--engines openvino openvino-int8]
"""

import logging
import sys

import numpy as np

from deepercut.inference.engines import ENGINES, REDUCED
from deepercut.inference.predict import load_predictor
from dlc_common import cli
from dlc_toolbox.evaluation.evaluation import predict_images
from dlc_toolbox.measure.metrics import euclidean_errors
from dlc_toolbox.project.tables import points
from dlc_toolbox.steps.evaluation import find_networks

MEANINGFUL = 0.1
FAR_PX = 5


def main() -> None:
    """Print one line per engine."""
    parser = cli.make_parser(__doc__)
    parser.add_argument("--engines", nargs="+", default=[*ENGINES, *REDUCED], choices=[*ENGINES, *REDUCED])
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    *_, network = find_networks(args.project)
    images = [network.images[name] for name in network.split.test]
    labels = points(network.split.table.loc[list(network.split.test)], network.bodyparts)
    write, reference = sys.stdout.write, None
    write(f"{len(images)} test images, {np.isfinite(labels[..., 0]).sum()} labels, {network.scorer}\n")
    write(f"engine: median and 95th percentile of the difference, share above {FAR_PX} px; median and mean error\n")
    for engine in args.engines:
        predictor = load_predictor(network.config_path, network.snapshot, engine)
        poses, _ = predict_images(images, predictor)
        reference = poses if reference is None else reference
        errors = euclidean_errors(labels, poses)
        difference = np.linalg.norm((poses - reference)[..., :2], axis=-1)[reference[..., 2] >= MEANINGFUL]
        write(f"{engine}: {np.median(difference):.6f} {np.percentile(difference, 95):.6f} px, ")
        write(f"{(difference > FAR_PX).mean():.4f}; {np.nanmedian(errors):.3f}, {np.nanmean(errors):.3f} px\n")


if __name__ == "__main__":
    main()
