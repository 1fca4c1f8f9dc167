"""Train the network on a training set made by Step 4.

Reads   pose_cfg.yaml (here or --config), the .mat and the images it names, the initial weights
Writes  snapshot-<iteration>.weights.h5, learning_stats.csv and log/ beside pose_cfg.yaml
Run     cd pose-tensorflow/models/<experiment>/train
        CUDA_VISIBLE_DEVICES=0 python3 ../../../train.py
Next    Evaluation-tools/Step1_EvaluateModelonDataset.py

Ctrl-C saves a snapshot; --resume goes on from the newest one.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

try:
    from deepercut import cli
    from deepercut.backend import join_machines, machines
    from deepercut.config import load_config
    from deepercut.files import alone
except ImportError as error:
    raise SystemExit(
        f"{error}. Install once, in the DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error

log = logging.getLogger("deepercut")


def build_parser() -> argparse.ArgumentParser:
    """Make the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--config", type=Path, default=Path("pose_cfg.yaml"), help="a pose_cfg.yaml (default: the one here)"
    )
    count = cli.whole_number(1)
    parser.add_argument("--max-iters", type=count, metavar="N", help="last iteration")
    parser.add_argument("--save-iters", type=count, metavar="N", help="iterations between snapshots")
    parser.add_argument(
        "--display-iters", type=count, metavar="N", help="iterations between rows of the learning curve"
    )
    parser.add_argument(
        "--seed", type=cli.whole_number(0), metavar="N", help="same seed, same order of images and changes to them"
    )
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--init-weights", type=Path, metavar="PATH", help="start from these weights")
    start.add_argument("--resume", action="store_true", help="go on from the newest snapshot")
    parser.add_argument("--verbose", action="store_true", help="debug log; traceback on error")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Check the settings, then train."""
    args = build_parser().parse_args(argv)
    names = ("max_iters", "save_iters", "display_iters", "seed")
    overrides = {name: getattr(args, name) for name in names}
    overrides["init_weights"] = args.init_weights and str(args.init_weights.expanduser().resolve())
    config = load_config(args.config, overrides)
    join_machines()
    from deepercut.engines import device_name  # takes seconds: after all that can fail at once

    device = device_name("keras")
    advice = "; training is many times faster on a GPU, see the README" if device.startswith("CPU") else ""
    log.info("Device: %s%s", device, advice)
    from deepercut.training import train  # after the start of the backend, which device_name keeps quiet

    wait = "wait until that training ends, or let Step 4 make another shuffle"
    with nullcontext() if machines()[0] else alone(args.config.resolve(), wait):
        snapshot = train(config, resume=args.resume)
    log.info("Trained: %s. Next: Evaluation-tools/Step1_EvaluateModelonDataset.py", snapshot)


if __name__ == "__main__":
    sys.exit(cli.run(main, "If a snapshot was written, go on from it with --resume; if not, start again."))
