"""Write a trained network for other programs.

Reads   pose_cfg.yaml (here or --config), a snapshot beside it, some images of the training set
Writes  exported-models/snapshot-<iteration>-<format>/ beside them: the model, and model.json, which describes it
Run     cd pose-tensorflow/models/<experiment>/train
        python3 ../../../export.py onnx openvino

savedmodel, onnx and openvino are functions from frames (uint8, RGB, any size) to x, y and likelihood of every body
part, which need nothing of this project; tf1 is a checkpoint for DeepLabCut 1.x and 2.x. Each is compared with Keras
on images of the training set, and not kept if its poses differ.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

try:
    from deepercut import cli
    from deepercut.checkpoints import select_snapshot
    from deepercut.config import load_config
    from deepercut.export import FORMATS, export_snapshot
except ImportError as error:
    raise SystemExit(
        f"{error}. Install once, in the DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error

log = logging.getLogger("deepercut")


def build_parser() -> argparse.ArgumentParser:
    """Make the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("formats", nargs="+", choices=list(FORMATS), metavar="format", help=", ".join(FORMATS))
    parser.add_argument(
        "--config", type=Path, default=Path("pose_cfg.yaml"), help="a pose_cfg.yaml (default: the one here)"
    )
    parser.add_argument("--snapshot", type=int, metavar="N", help="its iteration (default: the last)")
    parser.add_argument("--verbose", action="store_true", help="debug log; traceback on error")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Write every format."""
    args = build_parser().parse_args(argv)
    folder, prefix = load_config(args.config).snapshot_place
    snapshot = select_snapshot(folder, iteration=args.snapshot, prefix=prefix)
    from deepercut.engines import device_name  # takes seconds: after all that can fail at once

    log.info("Device: %s", device_name("keras"))
    export_snapshot(args.config, snapshot, list(dict.fromkeys(args.formats)))


if __name__ == "__main__":
    sys.exit(cli.run(main, "Models that were finished are kept."))
