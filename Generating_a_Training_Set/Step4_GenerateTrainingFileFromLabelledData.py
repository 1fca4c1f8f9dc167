"""Step 4: make a training set for every TrainingFraction and shuffle, ready to train.

Reads   myconfig.py, data-<Task>/CollectedData_<scorer>.h5, the labeled images, and pose_cfg.yaml beside this script.
Writes  under pose-tensorflow/models/ the folder UnaugmentedDataSet_<Task><date> (images, .mat, the split's label table
        and documentation) and <Task><date>-trainset<percent>shuffle<s>/{train,test}/pose_cfg.yaml.

A train folder that holds a snapshot keeps its files, and what you edit in a pose_cfg.yaml stays.

    python3 Step4_GenerateTrainingFileFromLabelledData.py
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

try:
    from dlc_toolbox import cli
    from dlc_toolbox.layout import CHECKOUT
    from dlc_toolbox.locks import alone
    from dlc_toolbox.settings import load_settings
    from dlc_toolbox.splits import read_split_file
    from dlc_toolbox.trainset import make_training_sets
except ImportError as error:
    raise SystemExit(
        f"{error}. Install once, in the DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error

log = logging.getLogger("dlc_toolbox")


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--split",
        type=Path,
        metavar="FILE",
        help='json {"train": [...], "test": [...]} of row numbers in the label table, instead of a random split',
    )
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Make the training sets."""
    args = build_parser().parse_args(argv)
    layout = cli.layout_of(args)
    settings = load_settings(layout.root)
    rows = read_split_file(args.split) if args.split else None
    with alone(layout.root / "myconfig.py"):
        experiments = make_training_sets(layout, settings, rows=rows, overwrite=args.overwrite)
    for experiment in experiments:
        config = layout.train_folder(experiment) / "pose_cfg.yaml"
        train = cli.shell_line(["python3", str(CHECKOUT / "pose-tensorflow/train.py"), "--config", str(config)])
        log.info("Next: %s", train)


if __name__ == "__main__":
    sys.exit(cli.run(main))
