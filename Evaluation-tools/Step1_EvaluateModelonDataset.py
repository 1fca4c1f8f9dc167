"""Evaluation, step 1: let trained networks find the body parts in all labeled images.

Reads   myconfig.py; from pose-tensorflow/models/, for every TrainingFraction and the shuffle of shuffleindex, the
        snapshots that snapshotindex chooses, and the images and split that trained them
Writes  Evaluation-tools/Results/DeepCut_<network>forTask_<Task>.h5 and .csv: x, y in pixels and likelihood

    python3 Evaluation-tools/Step1_EvaluateModelonDataset.py
"""

import argparse
import sys
from collections.abc import Sequence

try:
    from dlc_common import cli
    from dlc_toolbox.steps import evaluation
except ImportError as error:
    raise SystemExit(
        f"{error}. Activate the environment that holds it (source .venv/bin/activate), or install it once, in the "
        "DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    return cli.make_parser(__doc__)


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluate the networks that the settings choose."""
    args = build_parser().parse_args(argv)
    evaluation.evaluate(args.project, overwrite=args.overwrite)


if __name__ == "__main__":
    sys.exit(cli.run(main))
