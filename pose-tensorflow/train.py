"""Train the network on a training set made by Step 4.

Reads   pose_cfg.yaml (--config, or the one here, or that of the network that myconfig.py names), the .mat and the
        images it names, the initial weights
Writes  snapshot-<iteration>.weights.h5, learning_stats.csv and log/ beside pose_cfg.yaml
Run     cd pose-tensorflow/models/<experiment>/train
        CUDA_VISIBLE_DEVICES=0 python3 ../../../train.py
Next    Evaluation-tools/Step1_EvaluateModelonDataset.py

Ctrl-C saves a snapshot, and so do SIGTERM and a closed terminal; --resume goes on from the newest one.
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

_OVERRIDES = ("max_iters", "save_iters", "display_iters", "seed")


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    parser = cli.make_parser(__doc__, overwrites=False)
    parser.add_argument(
        "--config", type=cli.path, metavar="FILE", help="a pose_cfg.yaml (default: the one here, or else the settings')"
    )
    count = cli.whole_number(1)
    parser.add_argument("--max-iters", type=count, metavar="N", help="last iteration")
    parser.add_argument("--save-iters", type=count, metavar="N", help="iterations between snapshots")
    parser.add_argument(
        "--display-iters", type=count, metavar="N", help="iterations between rows of the learning curve"
    )
    parser.add_argument(
        "--seed", type=cli.whole_number(), metavar="N", help="same seed, same order of images and changes to them"
    )
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--init-weights", type=cli.path, metavar="PATH", help="start from these weights")
    start.add_argument("--resume", action="store_true", help="go on from the newest snapshot")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Train with the values of the flags in place of those of the file."""
    args = build_parser().parse_args(argv)
    overrides = {name: getattr(args, name) for name in _OVERRIDES}
    overrides["init_weights"] = args.init_weights and str(args.init_weights.resolve())
    training.train(args.project, args.config, overrides=overrides, resume=args.resume)


if __name__ == "__main__":
    sys.exit(cli.run(main))
