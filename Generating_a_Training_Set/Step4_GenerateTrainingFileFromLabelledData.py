"""Step 4: make a training set for every TrainingFraction and shuffle, ready to train.

Reads   myconfig.py, data-<Task>/CollectedData_<scorer>.h5, the labeled images, and pose_cfg.yaml beside this script.
Writes  under pose-tensorflow/models/ the folder UnaugmentedDataSet_<Task><date> (images, .mat, the split's label table
        and documentation) and <Task><date>-trainset<percent>shuffle<s>/{train,test}/pose_cfg.yaml.

A train folder that holds a snapshot keeps its files, and what you edit in a pose_cfg.yaml stays.

    python3 Step4_GenerateTrainingFileFromLabelledData.py
"""

import argparse
import sys
from collections.abc import Sequence

try:
    from dlc_common import cli
    from dlc_toolbox.steps import training_set
except ImportError as error:
    raise SystemExit(
        f"{error}. Activate the environment that holds it (source .venv/bin/activate), or install it once, in the "
        "DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--split",
        type=cli.path,
        metavar="FILE",
        help='json {"train": [...], "test": [...]} of rows of the label table, instead of a random split',
    )
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Make the training sets."""
    args = build_parser().parse_args(argv)
    training_set.make_training_sets(args.project, split=args.split, overwrite=args.overwrite)


if __name__ == "__main__":
    sys.exit(cli.run(main))
