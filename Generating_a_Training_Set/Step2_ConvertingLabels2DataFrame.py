"""Step 2: turn the csv files that Fiji saved into one label table per scorer.

Reads   myconfig.py, the images and data-<Task>/<video folder>/<body part>.csv; with several Scorers
        data-<Task>/<video folder>/<scorer>/<body part>.csv; with multibodypartsfile one csv for all body parts.
Writes  data-<Task>/CollectedData_<scorer>.h5 and .csv, and a .json that tells what they were made from.

Folders labeled since the last time are added. A part that was not clicked in an image is missing there (NaN).

    python3 Step2_ConvertingLabels2DataFrame.py
"""

import argparse
import sys
from collections.abc import Sequence

try:
    from dlc_common import cli
    from dlc_toolbox.steps import labels
except ImportError as error:
    raise SystemExit(
        f"{error}. Activate the environment that holds it (source .venv/bin/activate), or install it once, in the "
        "DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    parser = cli.make_parser(__doc__)
    parser.add_argument("--drop-missing", action="store_true", help="give up labels of images that are gone or changed")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Make the label table of each scorer."""
    args = build_parser().parse_args(argv)
    labels.convert_labels(args.project, overwrite=args.overwrite, drop_missing=args.drop_missing)


if __name__ == "__main__":
    sys.exit(cli.run(main))
