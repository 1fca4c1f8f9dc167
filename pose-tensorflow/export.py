"""Write a trained network for other programs.

Reads   pose_cfg.yaml (--config, or the one here, or that of the network that myconfig_analysis.py names), a snapshot
        beside it, some images of the training set
Writes  exported-models/snapshot-<iteration>-<format>/ beside them: the model, and model.json, which describes it
Run     cd pose-tensorflow/models/<experiment>/train
        python3 ../../../export.py onnx openvino

savedmodel, onnx and openvino are functions from frames (uint8, RGB, any size) to x, y and likelihood of every body
part, which need nothing of this project; tf1 is a checkpoint for DeepLabCut 1.x and 2.x. Each is compared with Keras
on images of the training set, and not kept if its poses differ.
"""

import argparse
import sys
from collections.abc import Sequence

try:
    from deepercut.inference.export import FORMATS
    from dlc_common import cli
    from dlc_toolbox.steps import training
except ImportError as error:
    raise SystemExit(
        f"{error}. Activate the environment that holds it (source .venv/bin/activate), or install it once, in the "
        "DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    parser = cli.make_parser(__doc__, overwrites=False)
    formats = f"{', '.join(FORMATS)} (default: openvino)"
    # With argparse's own choices, Python 3.11 would want at least one.
    parser.add_argument("formats", nargs="*", type=cli.choices(*FORMATS), metavar="format", help=formats)
    parser.add_argument(
        "--config", type=cli.path, metavar="FILE", help="a pose_cfg.yaml (default: the one here, or else the settings')"
    )
    parser.add_argument("--snapshot", type=cli.whole_number(), metavar="N", help="its iteration (default: the last)")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Write every format."""
    args = build_parser().parse_args(argv)
    formats = [name for names in args.formats for name in names]
    training.export(args.project, formats or ["openvino"], args.config, iteration=args.snapshot)


if __name__ == "__main__":
    sys.exit(cli.run(main, interrupted="Models that were finished are kept."))
